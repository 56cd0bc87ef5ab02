//! The trace that an event belongs to (W3C Trace Context, Level 1), as its sender told it.
//! Knows no headers and makes no spans.

use serde_json::Value;

/// A valid `traceparent` and the `tracestate` beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// In the form of version `00`: 55 characters.
    pub traceparent: String,
    /// As sent, its lines joined; at most 512 bytes, absent where it is none.
    pub tracestate: Option<String>,
}

/// Attributes of an event beyond those that CloudEvents names, as JSON: texts, whole numbers, truth values.
pub type Extensions = serde_json::Map<String, Value>;
