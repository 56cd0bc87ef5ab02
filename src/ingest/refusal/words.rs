//! What callers are told to do, in fixed words.
//! Knows nothing of when.

pub(super) const TYPE_NOT_ALLOWED: &str = "The type of this event is not among the event types of this sender. \
    Check the type, or ask the operator of usher to add it to `events` of the sender.";
pub(super) const SOURCE_NOT_ALLOWED: &str = "The source of this event is not among the sources of this sender. \
    Check the source, or ask the operator of usher to add it to `sources` of the sender.";
pub(super) const KEY_TAKEN: &str = "The Idempotency-Key, or the webhook-id of the signed message, came before with another event; \
    nothing has changed. Send each event under a key of its own, and the same one again only when you repeat it.";
pub(super) const KEY_IN_USE: &str = "A request with the same Idempotency-Key is still being handled. \
    Send the same request again after `Retry-After` seconds; that is safe.";
pub(super) const KEY_FOR_BATCH: &str = "A batch takes no Idempotency-Key: each of its events has an identity of its own. \
    Leave the header out; a repeated batch changes nothing.";
pub(super) const CONFLICT: &str = "An event with this source and id, and with another content, was accepted before; nothing has \
    changed. Send a new event under a new id.";
pub(super) const NOT_FOUND: &str = "There is nothing at this path, or nothing that this sender may see.";
pub(super) const INVALID_REQUEST: &str = "Bearer realm=\"usher\", error=\"invalid_request\"";
pub(super) const SEND_PROOF: &str = "Send the sender's token as `Authorization: Bearer {token}`, or sign the request by Standard \
    Webhooks: webhook-id, webhook-timestamp and webhook-signature.";
pub(super) const NOT_IN_URL: &str = "Send the token in the Authorization header; a token in a URL ends up in logs and is never \
    taken.";
pub(super) const ONE_TOKEN: &str = "Send exactly one Authorization header: `Authorization: Bearer {token}`.";
pub(super) const WHOLE_SIGNATURE: &str = "Send webhook-id (without `.`), webhook-timestamp (Unix seconds) and webhook-signature \
    once each, or the same three as svix-*, not both; at most 8 signatures, 3 of them v1a.";
pub(super) const NOT_ACCEPTED: &str = "These credentials are not accepted. Check the token; of a signed request the secret, the \
    clock, and that the body is sent byte for byte as it was signed. The operator of usher finds the reason in its log.";
pub(super) const AGAIN: &str = "Send the same request again after `Retry-After` seconds; that is safe.";
pub(super) const NO_IDENTITY: &str = "Without an identity the event cannot be sent twice safely. Give it an `id` in the body, or \
    an Idempotency-Key or webhook-id header, and send the same one again when you repeat it.";
pub(super) const NOT_RECORDED: &str = "Nothing of the event was recorded. \
    If it should be allowed, the operator of usher can raise the ceiling of the sender.";
pub(super) const DEAD_LETTER: &str = "The event is kept as a dead letter: an operator can mend the rule and replay it; \
    sending it again changes nothing.";
