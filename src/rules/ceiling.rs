//! Could anybody's event make this rule do what it says? A rule that never can is a mistake of the file.
//! Knows what the file tells; what an event asks for is checked again when it comes.

use std::ops::Range;

use super::diagnostic::{Mistake, Report};
use super::expression::Expression;
use super::globs::Glob;
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

/// Reports an action that none of the senders may take.
pub(super) fn check_action(
    report: &mut Report<'_>,
    place: &Range<usize>,
    sending: &[&Sender],
    action: &str,
    may: impl Fn(&Sender) -> bool,
) {
    if !sending.is_empty() && !sending.iter().any(|sender| may(sender)) {
        let mistake = Mistake::new(format!("no sender of this type may {action}"));
        report.add(place.clone(), mistake.help(format!("add `{action}` to the `actions` of a sender")));
    }
}

/// Reports a role that does not exist, and a rule whose roles are all above every ceiling.
pub(super) fn check_role(report: &mut Report<'_>, node: &Node, role: &Expression, compiler: &Compiler<'_>) {
    let outcomes = roles::outcomes(role, &compiler.names);
    let place = |id| position::within(report.source, node, &role.source, role.character_of(id));
    let literals: Vec<_> = outcomes.literals.iter().map(|(id, text)| (place(*id), *text)).collect();
    let possible = possible(report, literals, &outcomes, compiler.roles);
    let sending: Vec<_> = compiler.sending.iter().filter(|sender| sender.actions.grant).collect();
    let may_give = |role: &Role| sending.iter().any(|sender| sender.roles.contains(role));
    if outcomes.open || possible.is_empty() || sending.is_empty() || possible.iter().any(may_give) {
        return;
    }
    let listed: Vec<_> = possible.iter().map(|role| format!("`{role}`")).collect();
    let names: Vec<_> = sending.iter().map(|sender| format!("`{}`", sender.name)).collect();
    let mistake = Mistake::new(format!("no sender of this type may give {}", listed.join(" or ")));
    let help = format!("the `roles` of {} are the ceiling; no rule can lift it", names.join(" and "));
    report.add(node.place.clone(), mistake.help(help));
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
