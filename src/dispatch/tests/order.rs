//! Which of several changes is called first.

use serde_json::json;

use super::bench::{Bench, created, member};
use crate::bapi::fake::Answer;

#[actix_rt::test]
async fn the_next_call_of_a_recipe_does_not_queue_behind_the_backlog() {
    let mut bench = Bench::new(9, |number, seen| match number {
        0 => Answer::error(400, "already_a_member_in_organization"),
        _ if seen.line.starts_with("GET") => {
            Answer::json(200, &json!({"data": [{"id": "m", "role": "org:member"}], "total_count": 1}))
        }
        _ => created(seen),
    });
    bench.policy.concurrency = 1;
    for number in 1..9 {
        bench.accept(number, &format!("user_{number}"), member()).await;
    }
    bench.run().await;
    let place = bench.fake.seen().iter().position(|seen| seen.line.starts_with("GET"));
    assert!(place.is_some_and(|place| place <= 3), "{place:?}");
}
