//! Who, where and as what: organization, user and role as newtypes that are safe in a URL.
//! Knows nothing of who may give which role.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ParseError;

/// Longest id taken, in bytes; Clerk's own are 31 or fewer.
const MAX_ID: usize = 128;

/// Clerk's ids carry a prefix and a base62 suffix; docs use short placeholders, so the length is not checked beyond a bound.
fn is_id(text: &str, prefix: &str) -> bool {
    text.len() <= MAX_ID
        && text
            .strip_prefix(prefix)
            .is_some_and(|suffix| !suffix.is_empty() && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

fn is_role(text: &str) -> bool {
    text.len() <= MAX_ID
        && text.strip_prefix("org:").is_some_and(|key| {
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
}

fn is_slug(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len())
        && !text.starts_with("org_")
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Clerk reads a leading + or - in a filter as include or exclude.
fn is_external_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && !text.starts_with(['+', '-']) && !text.chars().any(char::is_control)
}

macro_rules! parsed_text {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text as Clerk spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;
            fn from_str(text: &str) -> Result<Self, ParseError> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseError;
            fn try_from(text: String) -> Result<Self, ParseError> {
                if ($accepts)(&text) { Ok(Self(text)) } else { Err(ParseError { expected: $expected }) }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

parsed_text!(
    /// An organization of the Clerk instance.
    OrganizationId,
    "an organization id: org_ followed by letters, digits or _",
    |text: &str| is_id(text, "org_")
);
parsed_text!(
    /// A user of the Clerk instance.
    UserId,
    "a user id: user_ followed by letters, digits or _",
    |text: &str| is_id(text, "user_")
);
parsed_text!(
    /// A role key of the Clerk instance (SPEC `POST /organization_roles`: `org:`, then lower case, digits, `_`).
    Role,
    "a role: org: followed by lower-case letters, digits or _",
    is_role
);

parsed_text!(
    /// An organization's slug, which Clerk takes in place of its id where an organization is read.
    Slug,
    "a slug: 1 to 128 lower-case letters, digits or -",
    is_slug
);
parsed_text!(
    /// A user's id in the systems of whoever sends (`external_id`, unique in a Clerk instance).
    ExternalId,
    "an external id: 1 to 255 characters without control characters, not beginning with + or -",
    is_external_id
);
parsed_text!(
    /// Clerk's id of an invitation to an organization.
    InvitationId,
    "an invitation id: orginv_ followed by letters, digits or _",
    |text: &str| is_id(text, "orginv_")
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_bend_a_url_are_rejected() {
        for bad in [
            "",
            "org_",
            "user_1",
            "org_1/..",
            "org_..",
            "org_%2e%2e",
            "org_1?x",
            "org_1#",
            "org_a b",
            "ORG_1",
            "org_é",
            "org_1\n",
            "../org_1",
            "org_1;",
            "org_a.b",
        ] {
            assert!(bad.parse::<OrganizationId>().is_err(), "{bad:?}");
        }
        assert!("org_2ZUtbk2yvnFGItdeze1ivCh3uqh".parse::<OrganizationId>().is_ok());
        assert!("user_1".parse::<UserId>().is_ok());
        assert!(format!("user_{}", "a".repeat(MAX_ID)).parse::<UserId>().is_err());
    }

    #[test]
    fn a_role_needs_its_prefix_and_lower_case() {
        assert!("org:billing_admin2".parse::<Role>().is_ok());
        for bad in ["admin", "org:", "org:Admin", "org:a-b", "org:a:b", " org:admin"] {
            assert!(bad.parse::<Role>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_error_never_repeats_the_text() {
        let error = "mail@example.com".parse::<UserId>().unwrap_err();
        assert!(!error.to_string().contains("mail"));
    }
}
