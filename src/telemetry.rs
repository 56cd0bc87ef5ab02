//! Logs: where they go and how they look. JSON for machines, text for people, always to stderr, which leaves stdout to results.
//! Knows nobody of the crate, and nothing of what is logged.

use std::io::IsTerminal as _;

use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::{EnvFilter, fmt};

/// The servers' own words at info say nothing that ours do not, and what a stranger sends is no error of ours; a
/// directive of the operator for the same target wins.
const QUIET: &str = "actix_server=warn,actix_http::h1::dispatcher=off";

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line, fields at the top.
    Json,
    /// For people, in colour or not.
    Text {
        /// With ANSI escapes.
        colour: bool,
    },
}

impl Format {
    /// What suits the reader of stderr: text on a terminal, JSON elsewhere.
    pub fn of_stderr() -> Self {
        if std::io::stderr().is_terminal() { Self::text() } else { Self::Json }
    }

    /// Text, coloured when stderr is a terminal whose owner has not said `NO_COLOR`.
    pub fn text() -> Self {
        Self::Text { colour: std::io::stderr().is_terminal() && !no_color() }
    }
}

/// Whether the person asked for no colours (<https://no-color.org>: set and not empty).
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Why logs could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not one.
    #[error("RUST_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody started them before.
    #[error("logs were started twice")]
    Twice,
}

/// Starts the logs of this process.
pub fn start(format: Format, filter: &str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}"))?;
    let logs = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        Format::Json => tracing::subscriber::set_global_default(
            logs.fmt_fields(JsonFields::new()).event_format(json_line()).finish(),
        ),
        Format::Text { colour } => tracing::subscriber::set_global_default(logs.with_ansi(colour).finish()),
    };
    started.or(Err(TelemetryError::Twice))?;
    std::panic::set_hook(Box::new(|panic| log_panic(panic.location())));
    Ok(())
}

/// Where, and not what was said: that may hold what somebody sent.
fn log_panic(location: Option<&std::panic::Location<'_>>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    match location {
        Some(at) => tracing::error!(thread, location = %format_args!("{}:{}", at.file(), at.line()), "panicked"),
        None => tracing::error!(thread, "panicked"),
    }
}

/// Fields at the top of the object and nothing of spans: what a line says is in its own fields.
fn json_line() -> fmt::format::Format<fmt::format::Json> {
    fmt::format().json().flatten_event(true).with_current_span(false).with_span_list(false)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_json_line_has_its_fields_at_the_top() {
        let paper = Paper::default();
        let written = paper.clone();
        let logs = fmt().fmt_fields(JsonFields::new()).event_format(json_line());
        let logs = logs.with_writer(move || paper.clone()).finish();
        tracing::subscriber::with_default(logs, || tracing::info!(change = "1.0", outcome = "granted", "settled"));
        let line: serde_json::Value = serde_json::from_slice(&written.0.lock().unwrap()).unwrap();
        assert_eq!(
            (&line["message"], &line["outcome"], &line["level"]),
            (&"settled".into(), &"granted".into(), &"INFO".into())
        );
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }

    #[test]
    fn a_panic_is_logged_with_its_place() {
        let paper = Paper::default();
        let written = paper.clone();
        let logs = fmt().event_format(json_line()).fmt_fields(JsonFields::new()).with_writer(move || paper.clone());
        tracing::subscriber::with_default(logs.finish(), || log_panic(Some(std::panic::Location::caller())));
        let line: serde_json::Value = serde_json::from_slice(&written.0.lock().unwrap()).unwrap();
        assert_eq!((&line["message"], &line["level"]), (&"panicked".into(), &"ERROR".into()));
        assert!(line["location"].as_str().unwrap().starts_with("src/telemetry.rs:"), "{line}");
    }

    #[test]
    fn a_bad_filter_is_an_error() {
        assert!(matches!(start(Format::Json, "usher=loud"), Err(TelemetryError::Filter(_))));
    }
}
