//! Durable 202s per second: 64 connections, 400-byte events, the server on core 0, the load on core 1.

use std::time::Duration;

use crate::{REPETITIONS, WARM_UP, load, process, report};

const CONNECTIONS: usize = 64;
const REPETITION: Duration = Duration::from_secs(5);

/// Alternates between the bare handler and the service, both up all the time.
pub fn compare() {
    let (sandbox, bare) = (process::sandbox("0ms"), process::bare());
    let usher = process::usher(Some(0), &sandbox, &[]);
    let mut next = 0;
    let mut rate = |server: &process::Running, time: Duration| {
        let accepted = on_core_1(server.address("listen"), next, time);
        next += 100_000_000;
        accepted as f64 / time.as_secs_f64()
    };
    rate(&bare, WARM_UP);
    rate(&usher, WARM_UP);
    let (mut baseline, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        baseline.push(rate(&bare, REPETITION));
        ours.push(rate(&usher, REPETITION));
    }
    report("durable 202s against a bare handler that stores nothing, 64 connections", "1/s", &baseline, &ours);
}

fn on_core_1(address: String, first: u64, time: Duration) -> u64 {
    process::pin(std::process::id(), 1);
    load::post(&address, CONNECTIONS, first, u64::MAX / 2, time, event)
}

pub fn event(number: u64) -> String {
    format!(
        r#"{{"id":"{:016x}-{number}","source":"https://billing.example.com/subscriptions","type":"plan.purchased","subject":"subscription/{number}","time":"2026-01-02T03:04:05Z","data":{{"plan":"team","seats":25,"currency":"EUR","amount":129.5,"organization_id":"org_{number:012}","user_id":"user_{number:012}","note":"renewed by the customer through the portal, invoice follows"}}}}"#,
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    )
}
