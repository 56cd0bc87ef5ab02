//! What a sender may send and change, as lists of patterns: event types, sources, organizations.
//! Knows nothing of what is compared with them.

use super::super::diagnostic::{Mistake, Report};
use super::super::fields::{self, Fields};
use super::super::globs::{Glob, Globs};
use super::super::tree::Node;

/// What a list of patterns is about.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) key: &'static str,
    example: &'static str,
    /// Why a pattern can match nothing of its kind, if so.
    vain: fn(&str) -> Option<Mistake>,
}

pub(super) const EVENTS: Subject = Subject { key: "events", example: "[\"plan.*\"]", vain: |_| None };
pub(super) const SOURCES: Subject =
    Subject { key: "sources", example: "[\"https://shop.example/*\"]", vain: no_source };
pub(super) const ORGANIZATIONS: Subject =
    Subject { key: "organizations", example: "[\"org_…\"] or [\"slug:acme-*\"]", vain: no_organization };

/// Reads a list of patterns.
pub(super) fn read(report: &mut Report<'_>, node: &Node, subject: Subject) -> Option<Globs> {
    let (what, expected) = (subject.key, subject.expected());
    let items = fields::list(report, node, what, &expected)?;
    if items.is_empty() {
        report.add(node.place.clone(), Mistake::new(format!("{what} allows nothing")).expected(expected.as_str()));
    }
    let mut globs = Vec::new();
    for item in items {
        match fields::text(report, item, what, &expected).map(|text| pattern(text, subject)) {
            Some(Ok(glob)) => globs.push(glob),
            Some(Err(mistake)) => report.add(item.place.clone(), mistake),
            None => {}
        }
    }
    Some(Globs(globs))
}

/// Reads a list of patterns; where there is none, all is allowed.
pub(super) fn read_or_all(report: &mut Report<'_>, fields: &Fields<'_>, subject: Subject) -> Option<Globs> {
    fields.get(subject.key).map_or_else(|| Some(all()), |node| read(report, node, subject))
}

/// Allows everything.
pub(super) fn all() -> Globs {
    Globs(Glob::new("*").into_iter().collect())
}

impl Subject {
    fn expected(self) -> String {
        format!("a list of texts in which * stands for any text, such as {}", self.example)
    }
}

fn pattern(text: &str, subject: Subject) -> Result<Glob, Mistake> {
    if let Some(mistake) = (subject.vain)(text) {
        return Err(mistake);
    }
    Glob::new(text).ok_or_else(|| Mistake::new("not a pattern").expected("1 to 255 bytes, no control character"))
}

/// What no URI reference has (RFC 3986) is in no source.
fn no_source(pattern: &str) -> Option<Mistake> {
    let odd = pattern.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._~:/?#[]@!$&'()*+,;=%".contains(*c))?;
    let mistake = Mistake::new(format!("no source matches this: {odd:?} is in no URI reference"));
    Some(
        mistake
            .expected("a URI reference, such as https://shop.example/* or urn:shop:*")
            .help("write it percent-encoded"),
    )
}

fn no_organization(pattern: &str) -> Option<Mistake> {
    let glob = Glob::new(pattern)?;
    let possible = ["org_*", "slug:*"].into_iter().filter_map(Glob::new).any(|form| form.overlaps(&glob));
    let help = format!("write `slug:{pattern}` if it is a slug; an id begins with `org_`");
    (!possible).then(|| Mistake::new("no organization matches this").expected("org_… or slug:NAME").help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_is_an_id_or_a_slug_with_its_prefix() {
        for good in ["*", "org_*", "org_2abc", "slug:acme", "slug:*-team", "o*", "*acme*", "s*g:*"] {
            assert!(no_organization(good).is_none(), "{good}");
        }
        for bad in ["acme", "acme-*", "ORG_*", "org-*", "slug", "organization*"] {
            assert!(no_organization(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn a_source_has_only_what_a_uri_reference_may_have() {
        for good in ["*", "/shop/*", "urn:*", "https://shop.example/a%20b?x=[1]#y", "billing"] {
            assert!(no_source(good).is_none(), "{good}");
        }
        for bad in ["https://shop.example/my shop", "a\tb", "a\u{7f}", "/caf\u{e9}", "<shop>", "{shop}", "a\\b"] {
            assert!(no_source(bad).is_some(), "{bad:?}");
        }
    }
}
