//! Could anybody's event make this rule do what it says? A rule that never can is a mistake of the file.
//! Knows what the file tells; what an event asks for is checked again when it comes.

use std::ops::Range;

use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::globs::Glob;
use super::named::{Named, Organization, Way as _};
use super::names::Names;
use super::parts::Compiler;
use super::position;
use super::roles::{self, Outcomes};
use super::senders::{Sender, Senders};
use super::tree::Node;
use crate::domain::Role;

/// Those who may send a type that `on` matches, a mistake when there is none; nobody while the senders are in doubt.
pub(super) fn senders_of<'s>(
    report: &mut Report<'_>,
    place: &Range<usize>,
    on: &Glob,
    senders: &'s Senders,
) -> Vec<&'s Sender> {
    let sending: Vec<_> = senders.all.iter().filter(|sender| sender.may_send_some(on)).collect();
    if sending.is_empty() && senders.events_known {
        let mistake = Mistake::new(format!("no sender may send `{}`", on.as_str()));
        report.add(place.clone(), mistake.help("add it to the `events` of a sender, or mend the type"));
    }
    if senders.rights_known && senders.events_known { sending } else { Vec::new() }
}

/// Those of `sending` who may take the action; a mistake when there is none.
pub(super) fn who_may<'s>(
    report: &mut Report<'_>,
    place: &Range<usize>,
    sending: &[&'s Sender],
    action: &str,
    may: impl Fn(&Sender) -> bool,
) -> Vec<&'s Sender> {
    let able: Vec<_> = sending.iter().copied().filter(|sender| may(sender)).collect();
    if able.is_empty() && !sending.is_empty() {
        let mistake = Mistake::new(format!("no sender of this type may {action}"));
        report.add(place.clone(), mistake.help(format!("add `{action}` to the `actions` of a sender")));
    }
    able
}

/// Those of `sending` who may change the organization, as far as the file names it; a mistake when there is none.
pub(super) fn who_may_change<'s>(
    report: &mut Report<'_>,
    node: &Node,
    sending: &[&'s Sender],
    organization: &Named<Organization>,
    names: &Names<'_>,
) -> Vec<&'s Sender> {
    let outcomes = roles::outcomes(&organization.expression, names);
    let literals = outcomes.literals.iter().map(|(_, text)| Some(*text));
    let texts: Vec<_> = literals.chain(outcomes.rows.iter().map(|(_, value)| value.as_str())).collect();
    let possible: Option<Vec<_>> = texts.iter().map(|text| organization.way.parse((*text)?).ok()).collect();
    // What is no organization is a mistake that is told elsewhere.
    let Some(possible) = possible.filter(|possible| !outcomes.open && !possible.is_empty()) else {
        return sending.to_vec();
    };
    let may = |sender: &&&Sender| possible.iter().any(|organization| sender.may_change(organization));
    let able: Vec<_> = sending.iter().filter(may).copied().collect();
    if able.is_empty() && !sending.is_empty() {
        let listed: Vec<_> = possible.iter().map(|organization| format!("`{organization}`")).collect();
        let mistake = Mistake::new(format!("no sender of this type may change {}", listed.join(" or ")));
        let help = format!("the `organizations` of {} do not have it; no rule can change that", names_of(sending));
        report.add(node.place.clone(), mistake.help(help));
    }
    able
}

/// Reports a role that does not exist, and a rule whose roles are all above the ceilings of `sending`.
pub(super) fn check_role(
    report: &mut Report<'_>,
    node: &Node,
    role: &Expression,
    compiler: &Compiler<'_>,
    sending: &[&Sender],
) {
    let outcomes = roles::outcomes(role, &compiler.names);
    let place = |id| position::within(report.source, node, &role.source, role.character_of(id));
    let literals: Vec<_> = outcomes.literals.iter().map(|(id, text)| (place(*id), *text)).collect();
    let possible = possible(report, literals, &outcomes, compiler.roles);
    let may_give = |role: &Role| sending.iter().any(|sender| sender.roles.contains(role));
    if outcomes.open || possible.is_empty() || sending.is_empty() || possible.iter().any(may_give) {
        return;
    }
    let listed: Vec<_> = possible.iter().map(|role| format!("`{role}`")).collect();
    let mistake = Mistake::new(format!("no sender of this type may give {}", listed.join(" or ")));
    let help = format!("the `roles` of {} are the ceiling; no rule can lift it", names_of(sending));
    report.add(node.place.clone(), mistake.help(help));
}

fn names_of(senders: &[&Sender]) -> String {
    senders.iter().map(|sender| format!("`{}`", sender.name)).collect::<Vec<_>>().join(" and ")
}

/// The roles that the file names for a rule; whatever it names besides is a mistake where it stands.
fn possible(
    report: &mut Report<'_>,
    literals: Vec<(Range<usize>, &str)>,
    outcomes: &Outcomes<'_>,
    known: &[Role],
) -> Vec<Role> {
    let rows = outcomes.rows.iter().map(|(place, value)| (place.clone(), value.as_str()));
    let texts = literals.into_iter().map(|(place, text)| (place, Some(text))).chain(rows);
    let mut possible = Vec::new();
    for (place, text) in texts {
        let role = match text {
            Some(text) => roles::parse(text),
            None => Err(Mistake::new("a rule takes this for a role").expected("a text such as \"org:member\"")),
        };
        match role.and_then(|role| roles::unknown(&role, known).map_or(Ok(role), Err)) {
            Ok(role) => possible.push(role),
            Err(mistake) => report.add(place, mistake),
        }
    }
    possible
}
