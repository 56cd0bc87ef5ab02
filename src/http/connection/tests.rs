//! Claims about connections whose clients are slow, on paused time.

use std::future::poll_fn;

use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::sleep;

fn connection(buffer: usize) -> (Guarded<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(buffer);
    (Guarded::new(ours), theirs)
}

/// Sends one byte a second for as long as somebody takes it.
async fn dribble(mut client: DuplexStream) -> String {
    let mut said = Vec::new();
    while client.write_all(b"x").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        let mut buffer = [0; 1024];
        if let Ok(Ok(read)) = tokio::time::timeout(Duration::from_millis(1), client.read(&mut buffer)).await {
            said.extend_from_slice(&buffer[..read]);
        }
    }
    String::from_utf8(said).unwrap()
}

/// How long the other side is listened to.
async fn patience(connection: &mut Guarded<DuplexStream>) -> u64 {
    let began = Instant::now();
    while connection.read(&mut [0; 64]).await.unwrap() > 0 {}
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for() {
    let (mut connection, _client) = connection(1024);
    assert_eq!(patience(&mut connection).await, HEAD.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_head_that_dribbles_is_given_up_and_told_so() {
    let (mut connection, client) = connection(4096);
    let client = tokio::spawn(dribble(client));
    assert_eq!(patience(&mut connection).await, HEAD.as_secs());
    drop(connection);
    let said = client.await.unwrap();
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("urn:usher:problem:too-slow"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_second_head_that_dribbles_is_given_up_as_well() {
    let (mut connection, mut client) = connection(4096);
    client.write_all(b"a whole head").await.unwrap();
    assert_eq!(connection.read(&mut [0; 64]).await.unwrap(), 12);
    drop(connection.traffic().begin());
    connection.flush().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    tokio::spawn(dribble(client));
    assert_eq!(patience(&mut connection).await, HEAD.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_request_in_flight_takes_its_time_and_only_then_the_wait_for_the_next_begins() {
    let (mut connection, mut client) = connection(4096);
    client.write_all(b"a whole head").await.unwrap();
    assert_eq!(connection.read(&mut [0; 64]).await.unwrap(), 12);
    let turn = connection.traffic().begin();
    let longer = Duration::from_secs(600);
    assert!(tokio::time::timeout(longer, patience(&mut connection)).await.is_err());
    drop(turn);
    connection.flush().await.unwrap();
    assert_eq!(patience(&mut connection).await, IDLE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn waiting_begins_with_the_flush_and_wakes_the_task_by_itself() {
    let (mut connection, _client) = connection(4096);
    drop(connection.traffic().begin());
    connection.flush().await.unwrap();
    let began = Instant::now();
    let mut flushes = 0;
    poll_fn(|context| {
        flushes += 1;
        let over = connection.is_over(context);
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    assert_eq!(began.elapsed(), IDLE);
    assert!(flushes < 5, "{flushes}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_its_answers_is_given_up() {
    let (mut connection, _client) = connection(10);
    let _turn = connection.traffic().begin();
    let began = Instant::now();
    let error = connection.write_all(&[b'a'; 100]).await.unwrap_err();
    assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, STALLED));
}

#[tokio::test]
async fn an_empty_refusal_is_replaced_however_slowly_it_is_read_and_whatever_comes_before_it() {
    let empty = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n";
    for (room, before) in [(7, ""), (7, "HTTP/1.1 200 OK\r\n\r\n"), (4096, "HTTP/1.1 200 OK\r\n\r\n")] {
        let (mut connection, mut client) = connection(room);
        let writer = async {
            connection.write_all(format!("{before}{empty}").as_bytes()).await.unwrap();
            drop(connection);
        };
        let mut text = String::new();
        let (_, read) = tokio::join!(writer, client.read_to_string(&mut text));
        read.unwrap();
        let document = text.strip_prefix(before).unwrap();
        assert!(document.starts_with("HTTP/1.1 400") && !document.contains("content-length: 0"), "{text}");
        assert!(document.contains("malformed-request") && document.ends_with('}'), "{text}");
    }
}

#[tokio::test]
async fn what_floods_in_is_taken_in_gulps_and_all_of_it() {
    let (mut connection, mut client) = connection(1 << 20);
    client.write_all(&[b'x'; 100_000]).await.unwrap();
    drop(client);
    let (mut all, mut gulp, mut most, mut buffer) = (0, 0, 0, [0; 1000]);
    while all < 100_000 {
        let read = poll_fn(|context| {
            let mut into = ReadBuf::new(&mut buffer);
            let read = Pin::new(&mut connection).poll_read(context, &mut into);
            Poll::Ready(read.is_ready().then(|| into.filled().len()))
        });
        gulp = read.await.map_or(0, |read| gulp + read);
        all += if gulp == 0 { 0 } else { 1000 };
        most = most.max(gulp);
    }
    assert_eq!(most, 5_000, "the last read of a gulp goes just beyond it");
}
