//! Which databases a ledger opens in, who may be opening it meanwhile, and what is said of the others.

use std::thread;
use std::time::Duration;

use usher::ledger::OpenError;

use crate::postgres::{Cluster, Console, Database};
use crate::{Backend, Ledger, Location, Options};

fn open(database: &Database) -> Result<Ledger, OpenError> {
    let location: Location = database.url().parse().unwrap();
    Ledger::open_at(&location, Options { connections: 3, patience: Duration::from_secs(2), ..Options::default() })
}

fn refusal(database: &Database) -> String {
    open(database).err().unwrap().to_string()
}

fn count(console: &Console, table: &str) -> usize {
    console.run(&format!("SELECT 1 FROM usher.{table}")).len()
}

fn database() -> (Database, Console) {
    let database = Cluster::shared().database();
    let console = database.console();
    (database, console)
}

#[test]
fn ten_that_open_an_empty_database_at_once_make_its_tables_once() {
    let (database, console) = database();
    let opened = thread::scope(|scope| {
        let opening: Vec<_> = (0..10).map(|_| scope.spawn(|| open(&database))).collect();
        opening.into_iter().map(|one| one.join().unwrap().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(count(&console, "versions"), 1);
    assert_eq!(count(&console, "replicas"), 10);
    drop(opened);
}

#[test]
fn an_older_usher_works_on_newer_tables_until_they_say_that_it_cannot() {
    let backend = Backend::new();
    drop(backend.open());
    backend.console.run("INSERT INTO usher.versions (version, oldest) VALUES (1000, 1)");
    drop(backend.open());
    backend.console.run("UPDATE usher.versions SET oldest = 999 WHERE version = 1000");
    let why = refusal(&backend.database);
    assert!(why.contains("version 1000, which needs an usher that knows version 999"), "{why}");
}

#[test]
fn a_role_that_may_make_no_schema_uses_the_one_it_was_given() {
    let (database, console) = database();
    console.run(&format!("ALTER DATABASE {} OWNER TO postgres", database.name));
    let why = refusal(&database);
    assert!(why.contains("42501") && why.contains("README.md"), "{why}");
    console.run("CREATE SCHEMA usher AUTHORIZATION usher");
    open(&database).unwrap();
}

#[test]
fn a_database_of_another_encoding_or_that_takes_no_writes_is_refused() {
    let (mut database, console) = database();
    console.run(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name));
    let why = refusal(&database);
    assert!(why.contains("writes"), "{why}");
    let name = format!("{}_ascii", database.name);
    console.run(&format!("CREATE DATABASE {name} OWNER usher ENCODING 'SQL_ASCII' TEMPLATE template0"));
    database.name = name;
    let why = refusal(&database);
    assert!(why.contains("SQL_ASCII"), "{why}");
}
