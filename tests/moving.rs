//! `usher ledger export` and `import`: the real binary, a real folder, a real PostgreSQL.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

#[expect(unreachable_pub, dead_code, reason = "shared by several crates: pub is what they use, each its part")]
mod postgres;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use rusqlite::Connection;
use usher::ledger::Ledger;

use postgres::{Cluster, Database};

const FILLED: &str = include_str!("moving/filled.sql");

/// A folder for ledgers and files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ledger(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.env_clear().arg("ledger").args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// Runs a command that must succeed, and gives what it prints.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.ledger(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this code, and gives what it says.
    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.ledger(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        said
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The file without its header, which says when and from where it was exported.
    fn rows(&self, name: &str) -> String {
        self.read(name).split_once('\n').unwrap().1.to_owned()
    }

    /// An embedded ledger in the folder `name`, with every state so many times.
    fn filled(&self, name: &str, rows: u32) {
        let folder = self.path(name);
        closed(&folder);
        let connection = Connection::open(folder.join("usher.db")).unwrap();
        let script = FILLED.replace("i < 24", &format!("i < {rows}"));
        connection.execute_batch(&format!("BEGIN; {script}; COMMIT")).unwrap();
    }
}

/// Makes a ledger there, if there is none, and lets go of it.
fn closed(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Ledger::open(folder).unwrap().close());
}

fn database() -> Database {
    Cluster::shared().database()
}

/// Another text of the same length.
fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from) && from.len() == to.len());
    text.replacen(from, to, 1)
}

#[test]
fn a_ledger_comes_back_from_postgresql_as_it_went() {
    let (place, database) = (Place::new(), database());
    place.filled("before", 240);
    let exported = place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    let imported = place.ok(&["import", "--ledger", &database.url(), "1.jsonl"]);
    assert!(exported.contains("events              240 rows  "), "{exported}");
    let tables = |told: &str| told.split_once('\n').unwrap().1.to_owned();
    assert_eq!(tables(&exported), tables(&imported));
    place.ok(&["export", "--ledger", &database.url(), "2.jsonl"]);
    place.ok(&["import", "--ledger", "after", "2.jsonl"]);
    place.ok(&["export", "--ledger", "after", "3.jsonl"]);
    assert!(place.rows("1.jsonl").contains("\\u0000"));
    assert_eq!(place.rows("1.jsonl"), place.rows("2.jsonl"));
    assert_eq!(place.rows("1.jsonl"), place.rows("3.jsonl"));
}

#[test]
fn what_was_in_flight_is_taken_up_where_it_comes_to() {
    let (place, database) = (Place::new(), database());
    place.filled("before", 24);
    place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    place.ok(&["import", "--ledger", &database.url(), "1.jsonl"]);
    let console = database.console();
    let leased = "SELECT leased, answer_lost, not_before, due_at FROM usher.changes WHERE id >> 24 = 2";
    let ended = [Some("0"), Some("1"), None, Some("1800000000002")].map(|cell| cell.map(str::to_owned));
    assert_eq!(console.run(leased), [ended]);
    assert_eq!(console.run("SELECT nextval('usher.event_seq')"), [[Some("25".to_owned())]]);
    // Whoever held these leases is gone; of a queue any change may say when to look at it.
    console.run(
        "UPDATE usher.changes SET leased = 1, lease = 3, owner = 7, answer_lost = 0, due_at = 1900000000000, \
         not_before = 1900000000000 WHERE id >> 24 = 2; \
         INSERT INTO usher.changes SELECT (23 << 24) + 1, 5, sender, urgent, outcome, step, organization, \"user\", action, \
         role, existing, lower, missing_user, metadata, rule, rules_digest, NULL, NULL, NULL, 0 FROM usher.changes \
         WHERE id >> 24 = 13",
    );
    place.ok(&["export", "--ledger", &database.url(), "2.jsonl"]);
    place.ok(&["import", "--ledger", "after", "2.jsonl"]);
    let after = Connection::open(place.path("after/usher.db")).unwrap();
    let row = |sql: &str| -> [Option<i64>; 4] {
        after.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])).unwrap()
    };
    let leased = row("SELECT leased, answer_lost, not_before, due_at FROM changes WHERE id >> 24 = 2");
    assert_eq!(leased, [Some(0_i64), Some(1), None, Some(1_800_000_000_002)]);
    let queue =
        row("SELECT a.due_at, b.due_at, a.urgent, b.id & 1 FROM changes a JOIN changes b USING (organization, user) \
        WHERE a.id >> 24 = 13 AND b.id >> 24 = 23 AND b.outcome IS NULL");
    assert_eq!(queue, [Some(5), None, Some(1), Some(1)]);
}

#[test]
fn whatever_names_an_event_finds_it_afterwards() {
    let place = Place::new();
    place.filled("before", 24);
    place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    place.ok(&["import", "--ledger", "after", "1.jsonl"]);
    let after = Connection::open(place.path("after/usher.db")).unwrap();
    let number = |sql: &str| after.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(number("SELECT count(*) FROM identities i JOIN events e USING (id, seq)"), 24);
    assert_eq!(number("SELECT count(*) FROM keys"), 6 + 2 * 6 + number("SELECT count(*) FROM keys_late"));
    assert_eq!(number("SELECT min(i.seq + k.seq) FROM identities_moved i, keys_moved k"), 48);
    closed(&place.path("after"));
}

#[test]
fn it_goes_through_a_pipe_and_the_environment_says_where() {
    let (place, database) = (Place::new(), database());
    place.filled("data", 24);
    fs::write(place.path("address"), format!("{}\n", database.url())).unwrap();
    let usher = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
        command.env_clear().arg("ledger").args(arguments).current_dir(place.0.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut export = usher(&["export", "-", "--json"]).spawn().unwrap();
    let mut import = usher(&["import", "-", "--json"]);
    import.env("USHER_LEDGER_FILE", "address").stdin(export.stdout.take().unwrap());
    let (imported, exported) = (import.output().unwrap(), export.wait_with_output().unwrap());
    let told = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
    let (exported, imported) = (told(&exported.stderr), told(&imported.stdout));
    assert_eq!(exported["tables"], imported["tables"]);
    assert_eq!((&exported["did"], &imported["did"]), (&"exported".into(), &"imported".into()));
    assert_eq!(imported["tables"][0]["rows"], 24);
}

#[test]
fn a_file_that_was_cut_or_changed_is_refused_and_nothing_is_written() {
    let (place, database) = (Place::new(), database());
    place.filled("before", 24);
    place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    let whole = place.read("1.jsonl");
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    let cases = [
        ("cut", lines[..lines.len() - 1].concat(), "it is cut"),
        ("changed", changed(&whole, "org:member", "org:adminn"), "counts or digests do not fit the rows of changes"),
        ("dropped", [&lines[..5], &lines[6..]].concat().concat(), "counts or digests do not fit the rows of events"),
        ("other", "{}\n".to_owned(), "it is not a ledger"),
    ];
    for (name, text, expected) in cases {
        fs::write(place.path(name), text).unwrap();
        for to in ["after", &database.url()] {
            let said = place.refused(65, &["import", "--ledger", to, name]);
            assert!(said.contains("nothing was imported") && said.contains(expected), "{name}: {said}");
        }
    }
    // Both are empty still: what is whole is taken.
    place.ok(&["import", "--ledger", "after", "1.jsonl"]);
    place.ok(&["import", "--ledger", &database.url(), "1.jsonl"]);
}

#[test]
fn a_ledger_with_something_in_it_is_never_imported_over() {
    let (place, database) = (Place::new(), database());
    place.filled("before", 24);
    place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    place.ok(&["import", "--ledger", &database.url(), "1.jsonl"]);
    for to in ["before", &database.url()] {
        assert!(place.refused(74, &["import", "--ledger", to, "1.jsonl"]).contains("is not empty"));
    }
}

#[test]
fn nobody_may_use_the_ledger_meanwhile() {
    let (place, database) = (Place::new(), database());
    place.filled("before", 24);
    place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    let open = Ledger::open(&place.path("before")).unwrap();
    assert!(place.refused(74, &["export", "--ledger", "before", "2.jsonl"]).contains("in use by another usher"));
    drop(open);
    place.refused(66, &["export", "--ledger", &database.url(), "2.jsonl"]);
    place.ok(&["import", "--ledger", &database.url(), "1.jsonl"]);
    let replica =
        "INSERT INTO usher.replicas (name, seen_at, gone_after) VALUES ('a', now() - interval '5 s', interval ";
    database.console().run(&format!("{replica} '4 s')"));
    place.ok(&["export", "--ledger", &database.url(), "2.jsonl"]);
    database.console().run(&format!("{replica} '1 h')"));
    for (command, file) in [("export", "3.jsonl"), ("import", "1.jsonl")] {
        let said = place.refused(74, &[command, "--ledger", &database.url(), file]);
        assert!(said.contains("1 replica serves it"), "{said}");
    }
    assert!(!place.path("3.jsonl").exists());
}

#[test]
fn a_file_is_for_its_owner_alone_and_takes_the_place_of_no_other() {
    let place = Place::new();
    place.filled("before", 24);
    place.ok(&["export", "--ledger", "before", "1.jsonl"]);
    assert_eq!(fs::metadata(place.path("1.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    place.refused(73, &["export", "--ledger", "before", "1.jsonl"]);
    place.refused(66, &["import", "--ledger", "after", "none.jsonl"]);
    place.refused(66, &["export", "--ledger", "none", "2.jsonl"]);
    assert!(!place.path("none").exists() && !place.path("2.jsonl").exists());
    let said = place.refused(64, &["export", "--ledger", "postgres://usher:hush@[/x", "2.jsonl"]);
    assert!(!said.contains("hush"), "{said}");
}

/// How long it takes: cargo test --release --test moving a_million -- --ignored --nocapture
#[test]
#[ignore = "a measurement"]
fn a_million_events_are_moved_both_ways() {
    let (place, database) = (Place::new(), Cluster::durable().database());
    place.filled("before", 1_000_000);
    let timed = |arguments: &[&str]| {
        let began = Instant::now();
        place.ok(arguments);
        println!("{:<8} {:>6.1} s", arguments[0], began.elapsed().as_secs_f64());
    };
    timed(&["export", "--ledger", "before", "1.jsonl"]);
    timed(&["import", "--ledger", &database.url(), "1.jsonl"]);
    timed(&["export", "--ledger", &database.url(), "2.jsonl"]);
    timed(&["import", "--ledger", "after", "2.jsonl"]);
    println!("the file  {} MB", fs::metadata(place.path("1.jsonl")).unwrap().len() / 1_000_000);
}
