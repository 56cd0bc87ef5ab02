//! Whose membership: named by Clerk's ids, or by what a sender knows instead of them.
//! Knows nothing of how a name is looked up.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{ExternalId, OrganizationId, ParseError, Slug, UserId};

/// An e-mail address, in lower case as Clerk keeps it. Its `Debug` and `Display` do not show it: it is personal data.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address itself, for calls and for the sender who named it; never for a log.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        // First, because some letters are longer in lower case.
        let text = text.to_lowercase();
        let plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"@<>(),;\"\\".contains(c))
        };
        let fits = text.len() <= 254
            && text.split_once('@').is_some_and(|(local, domain)| {
                plain(local) && plain(domain) && !domain.starts_with('.') && !domain.ends_with('.')
            });
        if fits { Ok(Self(text)) } else { Err(ParseError { expected: "an e-mail address" }) }
    }
}

impl FromStr for EmailAddress {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::try_from(text.to_owned())
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(redacted)")
    }
}

/// Which organization.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OrganizationRef {
    /// By Clerk's id.
    Id(OrganizationId),
    /// By its slug, to be looked up.
    Slug(Slug),
}

/// Which user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserRef {
    /// By Clerk's id.
    Id(UserId),
    /// By an e-mail address, to be looked up.
    Email(EmailAddress),
    /// By the id that the sender's own systems use, to be looked up.
    ExternalId(ExternalId),
}

const SLUG: &str = "slug:";
const EMAIL: &str = "email:";
const EXTERNAL_ID: &str = "external_id:";

impl OrganizationRef {
    /// Clerk's id, where it is known.
    pub fn id(&self) -> Option<&OrganizationId> {
        match self {
            Self::Id(id) => Some(id),
            Self::Slug(_) => None,
        }
    }

    /// The text for storage; [`FromStr`] reads it.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Id(id) => Cow::Borrowed(id.as_str()),
            Self::Slug(_) => Cow::Owned(self.to_string()),
        }
    }
}

impl UserRef {
    /// Clerk's id, where it is known.
    pub fn id(&self) -> Option<&UserId> {
        match self {
            Self::Id(id) => Some(id),
            Self::Email(_) | Self::ExternalId(_) => None,
        }
    }

    /// The text for storage, personal data included; [`FromStr`] reads it.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Id(id) => Cow::Borrowed(id.as_str()),
            Self::Email(address) => Cow::Owned(format!("{EMAIL}{}", address.reveal())),
            Self::ExternalId(id) => Cow::Owned(format!("{EXTERNAL_ID}{id}")),
        }
    }
}

impl fmt::Display for OrganizationRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => write!(f, "{SLUG}{slug}"),
        }
    }
}

/// For logs: an e-mail address is not shown.
impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Email(_) => f.write_str("email:(redacted)"),
            // Some use addresses for these as well.
            Self::ExternalId(id) if id.as_str().contains('@') => write!(f, "{EXTERNAL_ID}(redacted)"),
            Self::ExternalId(id) => write!(f, "{EXTERNAL_ID}{id}"),
        }
    }
}

impl FromStr for OrganizationRef {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.strip_prefix(SLUG) {
            Some(slug) => slug.parse().map(Self::Slug),
            None => text.parse().map(Self::Id),
        }
    }
}

impl FromStr for UserRef {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some(address) = text.strip_prefix(EMAIL) {
            address.parse().map(Self::Email)
        } else if let Some(id) = text.strip_prefix(EXTERNAL_ID) {
            id.parse().map(Self::ExternalId)
        } else {
            text.parse().map(Self::Id)
        }
    }
}

impl From<OrganizationId> for OrganizationRef {
    fn from(id: OrganizationId) -> Self {
        Self::Id(id)
    }
}

impl From<UserId> for UserRef {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

/// What order is kept for: one user in one organization, as far as both are known.
///
/// Two names of one membership are two keys until they are looked up; then they become one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MembershipKey {
    /// Where.
    pub organization: OrganizationRef,
    /// Who.
    pub user: UserRef,
}

impl MembershipKey {
    /// Clerk's ids, where both are known.
    pub fn member(&self) -> Option<Member> {
        let (organization, user) = (self.organization.id()?.clone(), self.user.id()?.clone());
        Some(Member { organization, user })
    }
}

impl fmt::Display for MembershipKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.user)
    }
}

/// One user in one organization, by Clerk's ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Member {
    /// Where.
    pub organization: OrganizationId,
    /// Who.
    pub user: UserId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_a_membership_is_read_as_it_is_written() {
        for text in ["user_ada", "email:ada@example.com", "external_id:42/é x"] {
            assert_eq!(text.parse::<UserRef>().map(|user| user.to_text().into_owned()), Ok(text.to_owned()));
        }
        for text in ["org_acme", "slug:acme-2"] {
            assert_eq!(
                text.parse::<OrganizationRef>().map(|organization| organization.to_text().into_owned()),
                Ok(text.to_owned())
            );
        }
        for bad in ["slug:", "slug:A", "slug:org_1", "email:", "acme"] {
            assert!(bad.parse::<OrganizationRef>().is_err(), "{bad}");
        }
        for bad in ["email:a", "email:a@", "email:@b", "email:a@b@c", "email:a b@c", "external_id:", "external_id:-1"] {
            assert!(bad.parse::<UserRef>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_one_whatever_its_case_and_is_never_shown() {
        let ada: UserRef = "email:Ada@Example.com".parse().unwrap();
        assert_eq!(ada, "email:ada@example.com".parse().unwrap());
        assert!(!format!("{ada} {ada:?}").to_lowercase().contains("example"));
        let long = format!("{}@example.com", "Ⱥ".repeat(120));
        assert!(long.len() <= 254 && long.parse::<EmailAddress>().is_err(), "it must be read back as it is written");
        let external: UserRef = "external_id:ada@example.com".parse().unwrap();
        assert!(!external.to_string().contains("example"));
    }
}
