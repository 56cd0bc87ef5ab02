//! What to send: an event file in one of the modes, as headers and a body, as often as it is wanted.
//! Knows nothing of proofs, addresses or sockets.

use serde_json::{Map, Value};

use super::binary;

const SPEC_VERSION: &str = "1.0";
/// A CloudEvent has a source; plain JSON needs none.
const SOURCE: &str = "urn:usher:send";

/// How an event travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Mode {
    /// A CloudEvent in JSON
    Structured,
    /// A CloudEvent whose attributes are headers and whose data is the body
    Binary,
    /// JSON with the names of CloudEvents
    Plain,
    /// A list of CloudEvents
    Batch,
}

impl Mode {
    fn content_type(self) -> &'static str {
        match self {
            Self::Structured => "application/cloudevents+json",
            Self::Batch => "application/cloudevents-batch+json",
            Self::Plain | Self::Binary => "application/json",
        }
    }

    /// The mode by its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Structured => "structured",
            Self::Binary => "binary",
            Self::Plain => "plain",
            Self::Batch => "batch",
        }
    }
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum TemplateError {
    #[error("is not JSON: {0}")]
    Json(String),
    #[error("is neither an event (a JSON object) nor a batch (a list of them)")]
    NoEvent,
    #[error("is a list: it can only be sent with --mode batch")]
    OnlyBatch,
    #[error("cannot be sent with --mode binary: `{0}` is no attribute that fits into a header")]
    NoHeader(String),
    #[error("cannot be sent with --mode binary: its `data_base64` is not base64")]
    Base64,
}

/// One request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    /// What a person calls it: type and id, or how many events.
    pub(super) name: String,
    /// What a person calls each event: type and id, or its place among them.
    pub(super) events: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// An event file, read.
pub(super) struct Template {
    mode: Mode,
    events: Vec<Map<String, Value>>,
    /// The bytes of the file, while they can be sent as they are.
    untouched: Option<Vec<u8>>,
    made_ids: Vec<String>,
    made_source: bool,
}

impl Template {
    /// Reads a file; an event without an id gets one.
    pub(super) fn read(
        bytes: Vec<u8>,
        mode: Option<Mode>,
        make_id: impl FnMut() -> String,
    ) -> Result<Self, TemplateError> {
        let value = serde_json::from_slice(&bytes).map_err(|error| TemplateError::Json(error.to_string()))?;
        let is_list = matches!(value, Value::Array(_));
        let mut events = events(value)?;
        let mode = mode.unwrap_or_else(|| usual_mode(is_list, &events));
        if is_list && mode != Mode::Batch {
            return Err(TemplateError::OnlyBatch);
        }
        let made_ids = complete_ids(&mut events, make_id);
        let Completed { versions, made_source } =
            if mode == Mode::Plain { Completed::default() } else { as_cloudevents(&mut events) };
        let as_it_is = made_ids.is_empty() && !versions && mode != Mode::Binary && is_list == (mode == Mode::Batch);
        let template = Self { mode, events, untouched: as_it_is.then_some(bytes), made_ids, made_source };
        template.message(None)?;
        Ok(template)
    }

    /// How it travels.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// The ids that were made because the file has none.
    pub(super) fn made_ids(&self) -> &[String] {
        &self.made_ids
    }

    /// The source that was made because the file has none.
    pub(super) fn made_source(&self) -> Option<&'static str> {
        self.made_source.then_some(SOURCE)
    }

    /// The file as one request; as copy number N each event has `-N` behind its id.
    pub(super) fn message(&self, copy: Option<u32>) -> Result<Message, TemplateError> {
        let events: Vec<_> = self.events.iter().map(|event| copied(event, copy)).collect();
        let names: Vec<_> = events.iter().enumerate().map(|(index, event)| name(event, index, events.len())).collect();
        let name = match names.as_slice() {
            [name] => name.clone(),
            names => format!("{} events", names.len()),
        };
        let (headers, body) = match (self.mode, &self.untouched, events.first()) {
            (Mode::Binary, _, Some(event)) => binary::message(event)?,
            (mode, Some(bytes), _) if copy.is_none() => (content_type(mode), bytes.clone()),
            (Mode::Batch, ..) => (content_type(Mode::Batch), json(&events)),
            (mode, _, event) => (content_type(mode), json(&event)),
        };
        Ok(Message { name, events: names, headers, body })
    }
}

fn content_type(mode: Mode) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), mode.content_type().to_owned())]
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    // Values with text as keys can always be written to memory.
    serde_json::to_vec(value).unwrap_or_default()
}

fn events(value: Value) -> Result<Vec<Map<String, Value>>, TemplateError> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let event = |value| match value {
        Value::Object(event) => Ok(event),
        _ => Err(TemplateError::NoEvent),
    };
    values.into_iter().map(event).collect()
}

fn usual_mode(is_list: bool, events: &[Map<String, Value>]) -> Mode {
    match events.first() {
        _ if is_list => Mode::Batch,
        Some(event) if event.contains_key("specversion") => Mode::Structured,
        _ => Mode::Plain,
    }
}

fn complete_ids(events: &mut [Map<String, Value>], mut make_id: impl FnMut() -> String) -> Vec<String> {
    let mut made = Vec::new();
    for event in events.iter_mut().filter(|event| event.get("id").is_none_or(Value::is_null)) {
        let id = make_id();
        event.insert("id".to_owned(), id.clone().into());
        made.push(id);
    }
    made
}

/// What plain events lacked to be CloudEvents.
#[derive(Default)]
struct Completed {
    versions: bool,
    made_source: bool,
}

/// An event with a version is meant to be a CloudEvent already: the service says what it lacks.
fn as_cloudevents(events: &mut [Map<String, Value>]) -> Completed {
    let mut completed = Completed::default();
    for event in events.iter_mut().filter(|event| !event.contains_key("specversion")) {
        event.insert("specversion".to_owned(), SPEC_VERSION.into());
        completed.versions = true;
        if event.get("source").is_none_or(Value::is_null) {
            event.insert("source".to_owned(), SOURCE.into());
            completed.made_source = true;
        }
    }
    completed
}

/// An id that is no text stays as it is: the service says what is wrong with it.
fn copied(event: &Map<String, Value>, copy: Option<u32>) -> Map<String, Value> {
    let mut event = event.clone();
    if let (Some(copy), Some(Value::String(id))) = (copy, event.get_mut("id")) {
        *id = format!("{id}-{copy}");
    }
    event
}

fn name(event: &Map<String, Value>, index: usize, all: usize) -> String {
    let text = |name| event.get(name).and_then(Value::as_str);
    match (text("type"), text("id")) {
        (Some(kind), Some(id)) => format!("{kind} {id}"),
        _ if all > 1 => format!("event {} of {all}", index + 1),
        (kind, id) => format!("{} {}", kind.unwrap_or("?"), id.unwrap_or("?")),
    }
}

#[cfg(test)]
mod tests;
