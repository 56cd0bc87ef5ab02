//! A set starts empty, says what was changed in it, and is empty again.

use super::super::tables::{CHANGES, MEMBERSHIPS, REMOVALS};
use super::*;

fn row(table: &Table, values: &[(&str, Cell)]) -> Row {
    let value = |name: &str| values.iter().find(|(other, _)| *other == name).map(|(_, cell)| cell.clone());
    let columns = table.columns.iter();
    columns
        .map(|column| {
            let default = match column.kind {
                tables::Kind::Flag => Cell::Number(0),
                tables::Kind::Bytes => Cell::Bytes(vec![0; 16]),
                _ => Cell::Null,
            };
            value(column.name).unwrap_or(default)
        })
        .collect()
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// An unfinished change of one membership.
fn change(id: i64, due_at: Option<i64>, urgent: i64) -> Row {
    let numbers =
        [("id", id), ("urgent", urgent), ("lease", 0), ("attempts", 0)].map(|(name, n)| (name, Cell::Number(n)));
    let texts = ["sender", "step", "organization", "user", "action", "rule"].map(|name| (name, text(name)));
    let due_at = ("due_at", due_at.map_or(Cell::Null, Cell::Number));
    row(&CHANGES, &[&numbers[..], &texts, &[due_at]].concat())
}

fn rows(changes: Vec<Row>) -> Rows {
    let mut rows = Rows::default();
    changes.into_iter().for_each(|change| rows.add(&CHANGES, change));
    rows.whole = vec![("organization".to_owned(), "user".to_owned())];
    rows
}

fn due(row: &Row) -> (&Cell, &Cell, &Cell) {
    (&row[0], &row[CHANGES.place("due_at")], &row[CHANGES.place("urgent")])
}

#[test]
fn the_oldest_of_a_queue_takes_over_when_to_look_at_it() {
    let sets = Sets::default();
    let queue = vec![change(1, None, 0), change(2, Some(9), 0), change(3, Some(7), 1)];
    let ((), differences) = sets.run(rows(queue), |_| Ok(())).unwrap();
    let changed: Vec<_> = differences[CHANGES.number].changed.iter().map(due).collect();
    let number = Cell::Number;
    assert_eq!(
        changed,
        [
            (&number(1), &number(7), &number(1)),
            (&number(2), &Cell::Null, &number(0)),
            (&number(3), &Cell::Null, &number(1))
        ]
    );
}

#[test]
fn what_is_not_changed_is_not_written_and_nothing_is_left_behind() {
    let sets = Sets::default();
    for _ in 0..2 {
        let mut rows = rows(vec![change(1, Some(5), 0), change(2, None, 0)]);
        // What is read twice is there once.
        rows.add(&CHANGES, change(1, Some(5), 0));
        let count = |store: &Store| store.query_row("SELECT count(*) FROM changes", [], |row| row.get::<_, i64>(0));
        assert_eq!(sets.run(rows, count).unwrap(), (2, Differences::default()));
    }
}

#[test]
fn what_is_added_changed_and_removed_is_told_apart() {
    let sets = Sets::default();
    let mut rows = rows(vec![change(1, Some(5), 0)]);
    let membership = vec![text("org_1"), text("user_1"), Cell::Number(1), Cell::Null];
    let removal = |sender: &str| vec![text("org_1"), text(sender), Cell::Number(i64::MAX), Cell::Number(1)];
    rows.add(&MEMBERSHIPS, membership.clone());
    rows.add(&REMOVALS, removal("a"));
    let work = "UPDATE memberships SET applied = 2; DELETE FROM removals; \
        INSERT INTO removals (organization, sender, done_at, change) VALUES ('org_1', 'b', 9223372036854775807, 1)";
    let ((), differences) = sets.run(rows, |store| store.execute_batch(work)).unwrap();
    let mut now = membership;
    now[2] = Cell::Number(2);
    assert_eq!(differences[MEMBERSHIPS.number], Difference { changed: vec![now], ..Difference::default() });
    let removals = Difference { added: vec![removal("b")], removed: vec![removal("a")], ..Difference::default() };
    assert_eq!(differences[REMOVALS.number], removals);
    assert_eq!(differences[CHANGES.number], Difference::default());
}

#[test]
fn a_work_that_fails_changes_nothing_for_the_next() {
    let sets = Sets::default();
    let fails = sets.run(rows(vec![change(1, None, 0)]), |store| store.execute_batch("UPDATE nothing SET a = 1"));
    assert!(fails.is_err());
    let count = |store: &Store| store.query_row("SELECT count(*) FROM changes", [], |row| row.get::<_, i64>(0));
    assert_eq!(sets.run(Rows::default(), count).unwrap().0, 0);
}
