//! Closed sets of words, as schemas made from the words that are answered.
//! Knows nothing of what they mean.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain;

fn one_of<T: Serialize>(words: &[T], description: &str) -> RefOr<Schema> {
    let words = words.iter().map(|word| serde_json::to_value(word).unwrap_or_default());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(description)).into()
}

macro_rules! words {
    ($name:ident, $words:expr, $description:literal) => {
        /// See its schema.
        pub(in crate::ingest) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                one_of(&$words, $description)
            }
        }

        impl ToSchema for $name {}
    };
}

words!(Action, ["grant", "revoke"], "What a change does.");
words!(
    Outcome,
    domain::Outcome::ALL,
    "What came of a change; `dead`: it can never be, or was not within the time allowed."
);
words!(ChangeState, domain::ChangeState::ALL, "Where a change is on its way; `held`: until an operator lets it pass.");
words!(
    EventStatus,
    domain::EventStatus::ALL,
    "`done`: every change is settled and none is dead; `ignored`: no rule matched."
);
