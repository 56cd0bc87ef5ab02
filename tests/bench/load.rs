//! Posts events over keep-alive connections as fast as the answers come; one thread.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::TOKEN;

/// What each connection shares: the number of the next event, and how many answers were 202.
struct Shared {
    next: Cell<u64>,
    accepted: Cell<u64>,
    until: Instant,
    last: u64,
}

/// Posts the events `make(first)`, `make(first + 1)`, … until `until` or `count` events; gives how many got a 202.
pub fn post(
    address: &str,
    connections: usize,
    first: u64,
    count: u64,
    until: Duration,
    make: impl Fn(u64) -> String + 'static,
) -> u64 {
    let last = first.saturating_add(count);
    let shared =
        Rc::new(Shared { next: Cell::new(first), accepted: Cell::new(0), until: Instant::now() + until, last });
    let make = Rc::new(make);
    rt::System::new().block_on(async {
        let tasks: Vec<_> =
            (0..connections).map(|_| rt::spawn(connection(address.to_owned(), shared.clone(), make.clone()))).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    });
    shared.accepted.get()
}

async fn connection(address: String, shared: Rc<Shared>, make: Rc<impl Fn(u64) -> String>) -> io::Result<()> {
    let mut stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    while Instant::now() < shared.until && shared.next.get() < shared.last {
        let number = shared.next.replace(shared.next.get() + 1);
        let body = make(number);
        let request = format!(
            "POST /v1/events HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        if answer(&mut stream, &mut buffer).await? == 202 {
            shared.accepted.set(shared.accepted.get() + 1);
        }
    }
    Ok(())
}

/// Reads one answer that has a content-length, and gives its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<u16> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        let length: usize =
            text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).unwrap_or(0);
        if buffer.len() >= head + 4 + length {
            return text.get(9..12).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData.into());
        }
    }
}
