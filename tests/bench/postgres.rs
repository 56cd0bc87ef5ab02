//! Durable 202s per second with the ledger in PostgreSQL, against `pgbench` inserting the same rows into the same tables in
//! batches of the same size: one server, two databases, by turns. The server is on core 0, all else on core 1.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::server::{Cluster, Console, Database};
use crate::{REPETITIONS, WARM_UP, intake, load, process, report};

const CONNECTIONS: usize = 64;
const REPETITION: Duration = Duration::from_secs(5);
/// As many as usher has statements under way.
const CLIENTS: &str = "2";

pub fn compare() {
    let cluster = Cluster::durable();
    let (ours, theirs) = (cluster.database(), cluster.database());
    tables(&theirs);
    pin(&theirs.console());
    let sandbox = process::sandbox("0ms");
    let usher = process::usher(Some(1), &sandbox, &[("USHER_LEDGER", &process::ledger(&ours))]);
    let (console, mut next) = (ours.console(), 0);
    let mut posted = |time: Duration| {
        let before = last(&console);
        let accepted = load::post(&usher.address("listen"), CONNECTIONS, next, u64::MAX / 2, time, intake::event);
        next += 100_000_000;
        (accepted as f64 / time.as_secs_f64(), average_batch(&console, before))
    };
    let (_, batch) = posted(WARM_UP);
    inserted(&theirs, batch, WARM_UP);
    let (mut baseline, mut accepted) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let (rate, batch) = posted(REPETITION);
        accepted.push(rate);
        baseline.push(inserted(&theirs, batch, REPETITION));
        println!("  a batch: {batch}");
    }
    report("durable 202s on PostgreSQL against pgbench inserting the same rows", "1/s", &baseline, &accepted);
}

/// A database mostly has a machine to itself, or its part of one: whoever asks it does not slow it down.
fn pin(console: &Console) {
    let server = number(console, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)");
    let processes = console.run("SELECT pid FROM pg_stat_activity");
    let processes = processes.iter().map(|row| row[0].as_ref().unwrap().parse().unwrap());
    processes.chain([server]).for_each(|one| process::pin(u32::try_from(one).unwrap(), 0));
    process::pin(std::process::id(), 1);
}

/// Those that usher makes.
fn tables(database: &Database) {
    let console = database.console();
    console.run("SET ROLE usher");
    console.run("CREATE SCHEMA usher");
    console.run(include_str!("../../src/ledger/postgres/schema/1.sql"));
}

pub fn number(console: &Console, sql: &str) -> u64 {
    console.run(sql)[0][0].as_ref().unwrap().parse().unwrap()
}

fn last(console: &Console) -> u64 {
    number(console, "SELECT coalesce(max(seq), 0) FROM usher.events")
}

/// How many events usher wrote with one commit, of those after `before`.
fn average_batch(console: &Console, before: u64) -> u64 {
    let sql = "SELECT round(count(*)::numeric / greatest(count(DISTINCT xmin::text), 1)) FROM usher.events";
    number(console, &format!("{sql} WHERE seq > {before}")).max(1)
}

/// Rows per second.
fn inserted(database: &Database, batch: u64, time: Duration) -> f64 {
    let script = tempfile::NamedTempFile::new().unwrap();
    fs::write(script.path(), statement(batch)).unwrap();
    let seconds = time.as_secs().to_string();
    let output = Command::new("pgbench")
        .args(["-n", "-c", CLIENTS, "-j", "1", "-T", &seconds, "-f"])
        .arg(script.path())
        .arg(database.url())
        .output()
        .expect("pgbench comes with PostgreSQL");
    let text = String::from_utf8_lossy(&output.stdout);
    let tps = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse::<f64>().ok());
    tps.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))) * batch as f64
}

/// One statement for a batch of events with a change each, of the same lengths as those that are posted.
pub fn statement(batch: u64) -> String {
    let data = r#"{"amount":129.5,"currency":"EUR","note":"renewed by the customer through the portal, invoice follows","organization_id":"org_%1$s","plan":"team","seats":25,"user_id":"user_%1$s"}"#;
    format!(
        "WITH e AS (INSERT INTO usher.events \
            (seq, received_at, id, content, receipt, sender, kind, source, event_id, subject, time, data) \
            SELECT nextval('usher.event_seq'), 1767323045000, decode(md5(r::text), 'hex'), sha256(r::text::bytea), \
                (r * 9e15)::int8, 'bench', 'plan.purchased', 'https://billing.example.com/subscriptions', \
                md5(r::text), 'subscription/' || left(md5(r::text), 10), '2026-01-02T03:04:05Z', \
                format('{data}', left(md5(r::text), 12)) \
            FROM (SELECT random() AS r FROM generate_series(1, {batch})) s RETURNING seq, id) \
         INSERT INTO usher.changes (id, due_at, sender, urgent, step, organization, \"user\", action, role, existing, \
            lower, missing_user, rule, rules_digest, dormant) \
         SELECT seq << 24, 1767323045000, 'bench', 0, 'create', 'org_' || left(encode(id, 'hex'), 12), \
            'user_' || left(encode(id, 'hex'), 12), 'grant', 'org:member', 'raise', 'org:viewer', 'fail', \
            'team plan purchased', sha256('rules'), 0 FROM e;\n"
    )
}
