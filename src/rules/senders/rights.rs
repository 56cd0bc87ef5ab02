//! What a sender may do: actions, the ceiling of its roles.
//! Knows nothing of rules.

use super::super::diagnostic::{Mistake, Report};
use super::super::fields;
use super::super::roles;
use super::super::tree::Node;
use super::Actions;
use crate::domain::Role;

/// Reads `actions:`.
pub(super) fn actions(report: &mut Report<'_>, node: &Node) -> Option<Actions> {
    let expected = "[grant], [revoke] or [grant, revoke]";
    let mut found = Actions { grant: false, revoke: false };
    for item in fields::list(report, node, "actions", expected)? {
        match fields::text(report, item, "an action", expected)? {
            "grant" => found.grant = true,
            "revoke" => found.revoke = true,
            other => {
                let help = fields::nearest(other, ["grant", "revoke"]).map(fields::did_you_mean);
                let mistake = Mistake::new(format!("`{other}` is no action"));
                report.add(item.place.clone(), mistake.expected(expected).maybe_help(help));
            }
        }
    }
    if !found.grant && !found.revoke {
        report.add(node.place.clone(), Mistake::new("actions allows nothing").expected(expected));
    }
    Some(found)
}

/// Reads the `roles:` of a sender; `known` are those of the file.
pub(super) fn ceiling(report: &mut Report<'_>, node: &Node, known: &[Role]) -> Vec<Role> {
    let expected = "a list of roles, such as [\"org:member\"]";
    let items = fields::list(report, node, "roles", expected).unwrap_or_default();
    items.iter().filter_map(|item| roles::one_of(report, item, known)).collect()
}
