//! Many times more than the service can do: what is answered, how fast, and how much memory it takes at most.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{self, TOKEN};

const TIME: Duration = Duration::from_secs(10);
/// The largest body that is taken.
const LARGEST: usize = 256 * 1024;

/// What came of all requests: times of the answers by status, and connections that ended without one.
#[derive(Default)]
struct Tally {
    answers: BTreeMap<u16, Vec<Duration>>,
    cut: u64,
}

/// One kind of body after the other, each against a service of its own.
pub fn measure() {
    let disk = SlowDisk::start();
    for (what, connections, data) in [
        ("400 bytes", 512, format!("\"{}\"", "x".repeat(200))),
        ("400 bytes", 4_000, format!("\"{}\"", "x".repeat(200))),
        ("256 KiB of text", 512, format!("\"{}\"", "x".repeat(LARGEST - 300))),
        ("256 KiB of numbers", 512, format!("[0{}]", ",0".repeat(LARGEST / 2 - 200))),
        ("256 KiB of objects", 512, format!("[{{}}{}]", ",{\"\":0}".repeat(LARGEST / 7 - 50))),
    ] {
        once(what, connections, &data);
    }
    disk.stop();
}

fn once(what: &str, connections: usize, data: &str) {
    let sandbox = process::sandbox("100ms");
    let usher = process::usher(None, &sandbox, &[("USHER_BODY_LIMIT", "262144")]);
    let tally = Rc::new(RefCell::new(Tally::default()));
    let (address, until) = (usher.address("listen"), Instant::now() + TIME);
    rt::System::new().block_on(async {
        let clients: Vec<_> = (0..connections)
            .map(|number| rt::spawn(client(number, address.clone(), data.to_owned(), tally.clone(), until)))
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    println!("\n{what}, {connections} connections, {} s, a slow disk", TIME.as_secs());
    let mut tally = tally.borrow_mut();
    for (status, times) in &mut tally.answers {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        println!("  {status}: {:>7} answers, median {:?}, p99 {:?}", times.len(), at(50), at(99));
    }
    println!("  without an answer: {}", tally.cut);
    println!("  peak RSS: {:.1} MB", usher.peak_rss() as f64 / 1024.0);
}

async fn client(number: usize, address: String, data: String, tally: Rc<RefCell<Tally>>, until: Instant) {
    let mut count = 0;
    while Instant::now() < until {
        let Ok(mut stream) = TcpStream::connect(&address).await else { continue };
        while Instant::now() < until {
            count += 1;
            let began = Instant::now();
            match exchange(&mut stream, &request(&format!("{number}x{count}"), &data)).await {
                Ok((status, stays)) => {
                    tally.borrow_mut().answers.entry(status).or_default().push(began.elapsed());
                    if !stays {
                        break;
                    }
                }
                Err(_) => {
                    tally.borrow_mut().cut += 1;
                    break;
                }
            }
        }
    }
}

fn request(id: &str, data: &str) -> String {
    let ids = format!("\"organization_id\":\"org_{id}\",\"user_id\":\"user_{id}\"");
    let body =
        format!("{{\"id\":\"{id}\",\"type\":\"plan.purchased\",\"data\":{{\"plan\":\"team\",{ids},\"x\":{data}}}}}");
    format!(
        "POST /v1/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Sends and listens at once, as clients do that notice an early answer; gives the status and whether to go on.
async fn exchange(stream: &mut TcpStream, request: &str) -> io::Result<(u16, bool)> {
    let (mut reader, mut writer) = stream.split();
    let (_, answer) = tokio::join!(writer.write_all(request.as_bytes()), async {
        let mut buffer = Vec::with_capacity(4096);
        while !is_whole(&buffer) {
            if reader.read_buf(&mut buffer).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
        }
        Ok::<_, io::Error>(buffer)
    });
    let text = String::from_utf8_lossy(&answer?).to_ascii_lowercase();
    let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, !text.contains("connection: close")))
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
    length.is_some_and(|length: usize| body.len() >= length)
}

/// Others that sync all the time, so that every commit waits for them.
struct SlowDisk {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl SlowDisk {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let busy = |stop: Arc<AtomicBool>| {
            let mut file = tempfile::tempfile().unwrap();
            while !stop.load(Ordering::Relaxed) {
                file.seek(SeekFrom::Start(0)).unwrap();
                file.write_all(&[0; 1 << 20]).unwrap();
                file.sync_data().unwrap();
            }
        };
        let threads = (0..4).map(|_| stop.clone()).map(|stop| std::thread::spawn(move || busy(stop))).collect();
        Self { stop, threads }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
