//! The pace that replicas share, and what holds for all of them.

use std::time::{Duration, Instant};

use usher::ledger::{Ledger, Slice, SliceAsk, Standing};

use super::Backend;

fn ask(bucket: &str, per_second: f64, burst: f64, want: u32) -> SliceAsk {
    SliceAsk { bucket: bucket.to_owned(), per_second, burst, want }
}

async fn take(ledger: &Ledger, want: u32) -> Slice {
    ledger.slice(ask("pace", 0.01, 8.0, want)).await.unwrap()
}

#[actix_rt::test]
async fn a_bucket_is_full_at_first_and_gives_to_all_what_there_is() {
    let backend = Backend::new();
    let (one, two) = (backend.open(), backend.open());
    assert!(one.is_shared());
    let first = take(&one, 5).await;
    assert_eq!((first.tokens, first.next_in, first.replicas), (5, None, 2));
    let second = take(&two, 5).await;
    assert_eq!(second.tokens, 3);
    assert!(second.next_in.is_some_and(|time| time > Duration::from_secs(90) && time <= Duration::from_secs(100)));
    assert_eq!((take(&one, 1).await.tokens, take(&one, 0).await.tokens), (0, 0));
    assert_eq!(two.slice(ask("another", 0.01, 1.0, 9)).await.unwrap().tokens, 1);
    two.close().await;
    assert_eq!(take(&one, 0).await.replicas, 1);
}

#[actix_rt::test]
async fn however_many_ask_at_once_a_bucket_gives_no_more_than_its_rate() {
    let backend = Backend::new();
    let ledgers: Vec<_> = (0..3).map(|_| backend.open()).collect();
    let begun = Instant::now();
    let hungry = |ledger: &Ledger| {
        let ledger = ledger.clone();
        async move {
            let mut tokens = 0;
            while begun.elapsed() < Duration::from_secs(2) {
                tokens += ledger.slice(ask("pace", 500.0, 20.0, 7)).await.unwrap().tokens;
            }
            tokens
        }
    };
    let all = futures_util::future::join_all(ledgers.iter().chain(&ledgers).map(hungry)).await;
    let (tokens, most) = (f64::from(all.iter().sum::<u32>()), 20.0 + 500.0 * begun.elapsed().as_secs_f64());
    assert!(tokens <= most && tokens >= 0.9 * (20.0 + 1000.0), "{tokens} of {most}");
}

#[actix_rt::test]
async fn a_clock_that_was_set_back_does_not_stop_a_bucket() {
    let backend = Backend::new();
    let ledger = backend.open();
    assert_eq!(take(&ledger, 8).await.tokens, 8);
    let console = &backend.console;
    console.run("UPDATE usher.buckets SET filled_at = now() + interval '1 hour'");
    assert_eq!(take(&ledger, 8).await.tokens, 8);
    assert_eq!(take(&ledger, 8).await.tokens, 0);
}

#[actix_rt::test]
async fn what_one_says_of_all_holds_for_the_other_and_is_news_once() {
    let backend = Backend::new();
    let (one, two) = (backend.open(), backend.open());
    let mut heard = one.standing_heard().await.unwrap();
    heard.mark_unchanged();
    assert_eq!(take(&two, 0).await.standing, Standing::default());
    assert_eq!((one.pause().await, two.pause().await), (Ok(true), Ok(false)));
    assert!(heard.has_changed().unwrap());
    one.halt("401 clerk_key_invalid".to_owned()).await.unwrap();
    two.halt("another".to_owned()).await.unwrap();
    one.close_gate(Duration::from_secs(60)).await.unwrap();
    two.close_gate(Duration::from_secs(5)).await.unwrap();
    let standing = take(&two, 0).await.standing;
    assert_eq!(standing, Standing { closed_for: standing.closed_for, halted: standing.halted.clone(), paused: true });
    assert!(standing.closed_for.is_some_and(|time| time > Duration::from_secs(50)));
    assert_eq!(standing.halted.map(|halted| halted.why).as_deref(), Some("401 clerk_key_invalid"));
    two.unhalt().await.unwrap();
    assert_eq!((two.resume().await, one.resume().await), (Ok(true), Ok(false)));
    let standing = one.standing().await.unwrap();
    assert_eq!((standing.halted, standing.paused), (None, false));
}

#[actix_rt::test]
async fn buckets_that_nobody_needs_any_more_are_forgotten() {
    let backend = Backend::new();
    let ledger = backend.open();
    let update = |user: &str| ask(&format!("update org_1 {user}"), 0.5, 5.0, 1);
    let console = &backend.console;
    console.run(
        "INSERT INTO usher.buckets (name, tokens, filled_at, given) \
         VALUES ('update org_1 user_1', 1, now() - interval '1 hour', 1)",
    );
    assert_eq!(ledger.slice(update("user_2")).await.unwrap().tokens, 1);
    assert_eq!(console.run("SELECT name FROM usher.buckets"), vec![vec![Some("update org_1 user_2".to_owned())]]);
}
