//! A bulk import of one sender does not hold up another's single purchase.

use super::*;

/// How long the purchase takes while `seats` wait of the other sender, at 90 calls in 10 s.
fn purchase_beside_an_import_of(seats: usize) {
    let sandbox = Sandbox::start(&[]);
    let service = Setup::new(&sandbox.http.base).rules(&rules()).without("USHER_RATE").start();
    for block in 0..seats / 1000 {
        let users = (0..1000).map(|n| format!("user_b{block}n{n}"));
        let answer = service.http.post_as(OTHER_TOKEN, &bulk(&format!("import{block}"), "member.purged", users));
        assert_eq!(answer.status, 202, "{}", answer.body);
    }
    eventually("the import under way", || (calls(&sandbox).len() > 15).then_some(()));
    let began = std::time::Instant::now();
    let event = service.settle(&purchase("single", "user_ada", "team"));
    let took = began.elapsed();
    println!("beside {seats} seats of another sender a purchase took {took:?}");
    assert_eq!(event["changes"][0]["outcome"], "granted");
    assert!(took <= Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_purchase_passes_an_import_within_a_second() {
    purchase_beside_an_import_of(5_000);
}

#[test]
#[ignore = "records a hundred thousand changes first"]
fn a_purchase_passes_an_import_of_a_hundred_thousand_seats_within_a_second() {
    purchase_beside_an_import_of(100_000);
}
