//! The house stands as drawn: which module may name which, and how long files and functions may be.
//! Reads Rust's tokens, knows no types: a path is what is spelled. `tests/architecture/` has the reader.

mod architecture {
    pub(crate) mod source;
}

use std::{fs, io, path::Path};

use architecture::source::Source;

const LEAVES: [&str; 6] = ["http", "metrics", "settings", "telemetry", "wake", "webhook"];

/// Who may name whom, from the top down: a module may only name what stands below it.
const ARROWS: [(&str, &[&str]); 17] = [
    ("main", &["cli"]),
    ("cli", &["app", "rules", "sandbox", "settings", "telemetry", "webhook"]),
    ("app", &["ingest", "admin", "dispatch", "rules", "ledger", "bapi", "domain", "LEAVES"]),
    ("ingest", &["rules", "ledger", "domain", "http", "metrics", "wake", "webhook"]),
    ("admin", &["rules", "ledger", "domain", "http", "metrics", "wake"]),
    ("dispatch", &["ledger", "bapi", "domain", "metrics", "wake"]),
    ("rules", &["domain"]),
    ("ledger", &["domain", "wake"]),
    ("bapi", &["domain"]),
    ("domain", &[]),
    ("sandbox", &[]),
    ("http", &[]),
    ("metrics", &[]),
    ("settings", &[]),
    ("telemetry", &[]),
    ("wake", &[]),
    ("webhook", &[]),
];

/// Who alone may name these, in code that is not a test.
const BELONGS: [(&str, &[&str]); 12] = [
    ("actix_web", &["cli", "app", "ingest", "admin", "bapi", "http", "settings", "sandbox"]),
    // app: fetches key sets from issuers, which is no call of Clerk's API, and serves TLS.
    ("awc", &["cli", "app", "bapi"]),
    // ledger: TLS to a database.
    ("rustls", &["cli", "app", "bapi", "ledger"]),
    ("jsonwebtoken", &["ingest"]),
    ("rusqlite", &["ledger"]),
    ("tokio_postgres", &["ledger"]),
    ("deadpool", &["ledger"]),
    ("cel", &["rules"]),
    ("clap", &["main", "cli"]),
    ("envy", &["settings"]),
    ("prometheus_client", &["metrics"]),
    ("std::env", &["cli", "app", "settings", "telemetry"]),
];

/// What nothing pure may name, in code that is not a test: the clocks, and what waits.
const IMPURE: [&str; 5] =
    ["std::time::SystemTime", "std::time::Instant", "jiff::Timestamp::now", "Timestamp::now", "tokio"];
const PURE: [&str; 2] = ["domain", "rules"];

const FILE_LINES: usize = 300;
const FUNCTION_LINES: usize = 50;
const MEDIAN_FUNCTION_LINES: usize = 10;

fn may_name(owner: &str, target: &str) -> bool {
    ARROWS
        .iter()
        .find(|(name, _)| *name == owner)
        .is_some_and(|(_, below)| below.contains(&target) || below.contains(&"LEAVES") && LEAVES.contains(&target))
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// What is wrong with the paths that one file spells.
fn wrong_paths(source: &Source) -> Vec<String> {
    let owner = source.owner();
    let mut wrong = Vec::new();
    for path in source.paths() {
        let target = path.names.strip_prefix("crate::").map(|rest| rest.split("::").next().unwrap_or(rest));
        let complaint = match target {
            Some(target) if target == owner || may_name(owner, target) => continue,
            Some(target) => format!("{owner} may not name crate::{target}"),
            None if path.in_test || may_use(owner, &path.names) => continue,
            None => format!("{owner} may not name {}", path.names),
        };
        wrong.push(format!("{}:{}: {complaint}", source.name, path.line));
    }
    wrong
}

fn may_use(owner: &str, names: &str) -> bool {
    let elsewhere = BELONGS.iter().any(|(library, homes)| is_under(names, library) && !homes.contains(&owner));
    let impure = PURE.contains(&owner) && IMPURE.iter().any(|banned| is_under(names, banned));
    !elsewhere && !impure
}

/// What is wrong with the form of one file.
fn wrong_form(source: &Source) -> Vec<String> {
    let mut wrong = Vec::new();
    if !source.text.starts_with("//! ") {
        wrong.push(format!("{}: begins without //!", source.name));
    }
    let lines = source.text.lines().count();
    if lines > FILE_LINES {
        wrong.push(format!("{}: {lines} lines, {FILE_LINES} are allowed", source.name));
    }
    if source.name == "lib.rs" && source.names_any(&["use", "fn", "struct", "enum", "trait", "impl"]) {
        wrong.push("lib.rs: has more than modules".to_owned());
    }
    let long = source.functions().into_iter().filter(|function| function.lines > FUNCTION_LINES);
    wrong.extend(
        long.map(|function| {
            format!("{}:{}: {} has {} lines", source.name, function.line, function.name, function.lines)
        }),
    );
    wrong
}

fn wrong(source: &Source) -> Vec<String> {
    [wrong_paths(source), wrong_form(source)].concat()
}

/// Every file under a folder, named from there.
fn read(folder: &Path, prefix: &str) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            sources.extend(read(&entry.path(), &format!("{name}/"))?);
        } else if name.ends_with(".rs") {
            sources.push(Source::new(&name, fs::read_to_string(entry.path())?));
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

fn house() -> Vec<Source> {
    let sources = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "").unwrap_or_default();
    assert!(sources.len() > 5, "src could not be read");
    sources
}

#[test]
fn every_file_keeps_to_the_house() {
    let wrong: Vec<String> = house().iter().flat_map(wrong).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn the_median_function_is_short() {
    let mut lengths: Vec<usize> = house().iter().flat_map(Source::functions).map(|function| function.lines).collect();
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    println!("{} functions, median {median} lines, longest {}", lengths.len(), lengths[lengths.len() - 1]);
    assert!(median <= MEDIAN_FUNCTION_LINES, "the median function has {median} lines");
}

#[test]
fn arrows_point_down_only() {
    for (position, (owner, below)) in ARROWS.iter().enumerate() {
        let upward = ARROWS[..=position].iter().find(|(name, _)| below.contains(name));
        assert!(upward.is_none(), "{owner} names {upward:?}, which does not stand below it");
    }
}

#[test]
fn what_breaks_the_house_is_found() {
    let long_function = format!("//! x\nfn long() {{\n{}}}\n", "    step();\n".repeat(49));
    let long_file = format!("//! x\n{}", "// y\n".repeat(300));
    let cases = [
        ("domain.rs", "//! x\nuse crate::ledger::Ledger;", "domain.rs:2: domain may not name crate::ledger"),
        ("ledger/sqlite.rs", "//! x\nuse crate::{domain::Event, rules};", "ledger may not name crate::rules"),
        ("ingest/parse.rs", "//! x\nuse super::super::{wake, bapi::Client};", "ingest may not name crate::bapi"),
        (
            "ingest/parse.rs",
            "//! x\nuse super::{super::dispatch, authenticate};",
            "ingest may not name crate::dispatch",
        ),
        ("wake.rs", "//! x\nmod tests { fn f() { super::super::http::x() } }", "wake may not name crate::http"),
        ("dispatch.rs", "//! x\nfn f(r: &'static crate::rules::Rules) {}", "dispatch may not name crate::rules"),
        ("app.rs", "//! x\nuse crate::sandbox;", "app may not name crate::sandbox"),
        ("main.rs", "//! x\nfn main() { usher::app::run() }", "main may not name crate::app"),
        ("rules.rs", "//! x\nuse crate::*;", "rules may not name crate::*"),
        ("elsewhere.rs", "//! x\nuse crate::domain;", "elsewhere may not name crate::domain"),
        ("admin.rs", "//! x\nuse rusqlite::Connection;", "admin may not name rusqlite::Connection"),
        ("domain.rs", "//! x\nuse std::{fmt, env};", "domain may not name std::env"),
        ("domain.rs", "//! x\nfn f() { Timestamp::now() }", "domain may not name Timestamp::now"),
        ("dispatch.rs", "//! x\nuse actix_web as web;", "dispatch may not name actix_web"),
        ("wake.rs", "// x\n", "wake.rs: begins without //!"),
        ("lib.rs", "//! x\npub use domain::Event;", "lib.rs: has more than modules"),
        ("wake.rs", &long_function, "wake.rs:2: long has 51 lines"),
        ("wake.rs", &long_file, "wake.rs: 301 lines, 300 are allowed"),
    ];
    for (name, text, expected) in cases {
        let wrong = wrong(&Source::new(name, text.to_owned()));
        assert!(
            wrong.len() == 1 && wrong[0].contains(expected),
            "{name}: {text}\nexpected {expected}, found {wrong:?}"
        );
    }
}

#[test]
fn what_keeps_to_the_house_passes() {
    let just_short_enough = format!("//! x\nfn long() {{\n{}}}\n", "    step();\n".repeat(48));
    let cases = [
        (
            "ingest.rs",
            "//! x\n// use crate::bapi;\n/* crate::bapi /* crate::cli */ */\n/// [crate::app]\nuse crate::ledger;",
        ),
        (
            "wake.rs",
            "//! x\nfn f() { g(\"crate::app \\\" crate::cli\", r#\"crate::app\"#, b\"crate::app\", '\"', '\\'', 'x') }",
        ),
        ("bapi.rs", "//! x\nstruct A<'a>(&'a str);\nuse self::wire::Body;\nmod tests { use super::*; }"),
        (
            "ledger/sqlite.rs",
            "//! x\nuse super::Ledger;\npub(in crate::ledger) fn f() {}\nmod tests { use super::super::Claim; }",
        ),
        ("dispatch.rs", "//! x\n#[cfg(test)]\nmod tests { use actix_web::web; }"),
        (
            "cli.rs",
            "//! x\nuse crate::{app::App, sandbox, settings::Settings as S};\nfn f() -> crate::app::App { crate::app::App { x } }",
        ),
        ("lib.rs", "//! x\npub mod domain;"),
        ("main.rs", "//! x\nfn main() { usher::cli::run() }"),
        ("wake.rs", &just_short_enough),
    ];
    for (name, text) in cases {
        let wrong = wrong(&Source::new(name, text.to_owned()));
        assert!(wrong.is_empty(), "{name}: {text}\nfound {wrong:?}");
    }
}
