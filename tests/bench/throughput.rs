//! Measures the service against what it could be at most, both in one run: `cargo bench --bench throughput`.
//!
//! Cores are pinned with `taskset`: the servers under test on core 0, the load on core 1.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a measurement that cannot go on may panic; it prints what it measured"
)]

mod bare;
mod grants;
mod history;
mod intake;
mod load;
mod overload;
mod postgres;
mod process;
mod replicas;
#[path = "../postgres/mod.rs"]
#[expect(dead_code, reason = "shared with tests, each uses its part")]
mod server;

use std::time::Duration;

/// As asked of every comparison: the first ten seconds do not count.
const WARM_UP: Duration = Duration::from_secs(10);
const REPETITIONS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["bare-server"] => bare::serve(),
        ["direct", ref rest @ ..] => grants::direct(rest),
        ["intake"] => intake::compare(),
        ["grants"] => grants::compare(),
        ["overload"] => overload::measure(),
        ["postgres"] => postgres::compare(),
        ["replicas"] => replicas::compare(),
        ["claims"] => replicas::claims(),
        ["history", changes] => history::measure(changes.parse().expect("a number of changes")),
        [] => {
            intake::compare();
            grants::compare();
        }
        ref other => panic!(
            "unknown arguments {other:?}; known: intake, grants, overload, postgres, replicas, claims, history NUMBER"
        ),
    }
}

/// Prints every repetition, then medians and their ratio.
fn report(title: &str, unit: &str, baseline: &[f64], usher: &[f64]) {
    println!("\n{title} ({unit})");
    for (number, (base, ours)) in baseline.iter().zip(usher).enumerate() {
        println!("  {}: baseline {base:>9.0}   usher {ours:>9.0}   ratio {:.2}", number + 1, ours / base);
    }
    let (base, ours) = (median(baseline), median(usher));
    println!("  median: baseline {base:.0}, usher {ours:.0}, ratio {:.2}", ours / base);
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
