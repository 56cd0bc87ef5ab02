//! Of the changes that one event asks for, those that take effect: the last one of each membership.
//! Knows nothing of the changes of other events.

use std::collections::HashMap;

use crate::domain::{Change, ChangeId, MembershipKey};

/// Marks every change that a later one of the same membership replaces.
///
/// The scheduled end of a grant shares the fate of its grant, and never replaces anything itself.
pub(super) fn mark(changes: &mut [Change]) {
    let mut last: HashMap<MembershipKey, ChangeId> = HashMap::with_capacity(changes.len());
    let mut replaced: HashMap<u32, ChangeId> = HashMap::new();
    for change in changes.iter_mut().rev().filter(|change| change.schedule.is_none()) {
        change.superseded_by = last.get(&change.key).copied();
        match change.superseded_by {
            Some(by) => _ = replaced.insert(change.id.index, by),
            None => _ = last.insert(change.key.clone(), change.id),
        }
    }
    for change in changes {
        if let Some(schedule) = change.schedule {
            change.superseded_by = replaced.get(&schedule.grant).copied();
        }
    }
}
