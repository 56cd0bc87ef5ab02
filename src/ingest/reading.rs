//! From a request to what it asks for: who sent it, which events it holds, and no more of it than there is room for.
//! Knows nothing of what becomes of the events.

use std::time::Instant;

use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, http::header::HeaderMap};
use jiff::Timestamp;

use super::admission::Permit;
use super::authenticate::{CredentialsError, Proved};
use super::identity::{self, Claims};
use super::media_type::{self, Mode};
use super::members::Origin;
use super::parse::{self, ParseError, Parsed};
use super::refusal::{Overload, Refusal};
use super::{Ingest, body};
use crate::domain::SenderName;
use crate::rules::Sender;

/// What a request asks for, and the permit that pays for it until it is on disk.
pub(super) struct Asked {
    pub(super) sender: SenderName,
    pub(super) parsed: Parsed,
    /// Where the attributes of a single event stand.
    pub(super) origin: Origin,
    pub(super) claims: Claims,
    pub(super) permit: Permit,
}

/// A body whose sender is known, and what pays for it.
struct Body<'i> {
    sender: &'i Sender,
    signed_id: Option<String>,
    bytes: Bytes,
    permit: Permit,
}

impl Ingest {
    /// Reads what a request holds; `sender` is known before its events are, for the log.
    pub(super) async fn read<'i>(
        &'i self,
        request: &HttpRequest,
        payload: Payload,
        sender: &mut Option<&'i SenderName>,
    ) -> Result<Asked, Refusal> {
        let headers = request.headers();
        let proved = self.proofs.by_header(headers, request.query_string()).await?;
        let known = proved.map(|proved| self.known(&proved.sender)).transpose()?;
        *sender = known.map(|known| &known.name);
        let mode = media_type::mode_of(headers)?;
        let body = match known {
            Some(known) => self.body_of(known, headers, payload).await?,
            None => self.signed_body(headers, payload).await?,
        };
        *sender = Some(&body.sender.name);
        self.asked(mode, headers, body)
    }

    fn asked(&self, mode: Mode, headers: &HeaderMap, body: Body<'_>) -> Result<Asked, Refusal> {
        let Body { sender, signed_id, bytes, mut permit } = body;
        if !permit.cover_parsed(&bytes) {
            return Err(Refusal::Overloaded(Overload::Bodies));
        }
        let mut claims = identity::claims(headers, &sender.name, signed_id.as_deref())?;
        let identity = claims.identity.take();
        let parsed = parse::read(mode, &bytes, &sender.name, headers, identity, sender.max_batch);
        self.charge(sender, &parsed)?;
        let origin = if mode == Mode::Binary { Origin::Headers } else { Origin::Body };
        Ok(Asked { sender: sender.name.clone(), parsed: parsed?, origin, claims, permit })
    }

    /// The body of a sender that is known by its head.
    async fn body_of<'i>(
        &self,
        sender: &'i Sender,
        headers: &HeaderMap,
        mut payload: Payload,
    ) -> Result<Body<'i>, Refusal> {
        let announced = body::announced(headers, self.body_limit)?;
        let admitted = self.in_time(sender).and_then(|()| Ok(self.limits.admit(announced, &self.ledger)?));
        let mut permit = match admitted {
            Ok(permit) => permit,
            Err(refusal) => {
                body::skip(&mut payload, announced).await;
                return Err(refusal);
            }
        };
        let bytes = body::read(payload, announced, self.body_limit, &mut permit).await?;
        Ok(Body { sender, signed_id: None, bytes, permit })
    }

    /// A body has come before its signature can be looked at: until then it takes its room among strangers.
    async fn signed_body(&self, headers: &HeaderMap, payload: Payload) -> Result<Body<'_>, Refusal> {
        body::announced(headers, self.body_limit)?;
        let mut stranger = self.limits.admit_stranger(&self.ledger)?;
        let bytes = body::read(payload, None, self.body_limit, &mut stranger).await?;
        let Proved { sender, signed_id } = self.proofs.by_signature(headers, &bytes, Timestamp::now())?;
        let sender = self.known(&sender)?;
        self.in_time(sender)?;
        let permit = self.limits.admit(u64::try_from(bytes.len()).ok(), &self.ledger)?;
        Ok(Body { sender, signed_id, bytes, permit })
    }

    /// Who asks for this event. A signature then covers an empty body, and its id is that of the event: caught on the way
    /// it opens nothing else.
    pub(super) async fn reader(&self, request: &HttpRequest) -> Result<&Sender, Refusal> {
        let proved = self.proofs.by_header(request.headers(), request.query_string()).await?;
        let proved = match proved {
            Some(proved) => proved,
            None => {
                let proved = self.proofs.by_signature(request.headers(), b"", Timestamp::now())?;
                if proved.signed_id.as_deref() != request.match_info().get("id") {
                    return Err(Refusal::Credentials(CredentialsError::OtherEvent));
                }
                proved
            }
        };
        self.known(&proved.sender)
    }

    /// A proof whose sender the rules do not know proves nobody.
    pub(super) fn known(&self, proved: &SenderName) -> Result<&Sender, Refusal> {
        let known = self.rules.senders().iter().find(|sender| sender.name == *proved);
        known.ok_or(Refusal::Credentials(CredentialsError::NoSuchSender))
    }

    /// Whether the rate of a sender lets one more event pass; asked before its body is read.
    fn in_time(&self, sender: &Sender) -> Result<(), Refusal> {
        too_fast(sender, self.limits.rates.check(&sender.name, Instant::now()))
    }

    /// Charges what was sent, all of it at once: a batch larger than the rate passes when nothing is owed.
    fn charge(&self, sender: &Sender, parsed: &Result<Parsed, ParseError>) -> Result<(), Refusal> {
        let events = match parsed {
            Ok(Parsed::Batch(events)) => u32::try_from(events.len()).unwrap_or(u32::MAX).max(1),
            Ok(Parsed::One(_)) | Err(_) => 1,
        };
        too_fast(sender, self.limits.rates.take(&sender.name, events, Instant::now()))
    }
}

fn too_fast(sender: &Sender, passes: Result<(), std::time::Duration>) -> Result<(), Refusal> {
    match (sender.rate, passes) {
        (Some(rate), Err(wait)) => Err(Refusal::TooFast { rate, wait }),
        _ => Ok(()),
    }
}
