//! A connection that nobody can hold without using it: it waits for heads, for further requests and for readers, each
//! for so long. Knows nothing of HTTP but the empty answers of actix itself, in whose place it puts a document.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::web::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::rewrite::{self, Refusal};

/// For the whole head of a request, from its first byte on; for the first byte of the first one.
const HEAD: Duration = Duration::from_secs(5);
/// For the next request; longer than that of common load balancers, so that they close first.
const IDLE: Duration = Duration::from_secs(75);
/// For the other side to read on.
const STALLED: Duration = Duration::from_secs(10);

/// What is read at one go: actix gathers up to 128 KiB otherwise, for every connection, before it looks at it.
const GULP: usize = 4 * 1024;
/// What is read over at one go when the connection is about to end.
const SPILL: usize = 16 * 1024;

/// What a connection is told of its requests; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Traffic(Rc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    begun: Cell<u64>,
    in_flight: Cell<u32>,
}

/// One request, from its head to the end of its answer.
#[derive(Debug)]
pub struct Turn(Traffic);

impl Traffic {
    /// A head is complete.
    pub fn begin(&self) -> Turn {
        self.0.begun.set(self.0.begun.get() + 1);
        self.0.in_flight.set(self.0.in_flight.get() + 1);
        Turn(self.clone())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.in_flight.set(self.0.0.in_flight.get().saturating_sub(1));
    }
}

/// What a connection without a request in flight waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// Nothing has come yet.
    First,
    /// Part of a head has come, or what is left of a body that was answered.
    Rest,
    /// Another request may come.
    Next,
}

/// The stream of one connection.
pub struct Guarded<T> {
    stream: T,
    traffic: Traffic,
    /// How many requests had begun when last looked.
    begun: u64,
    awaited: Awaited,
    since: Instant,
    stalled_since: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
    /// How much was read since the task last looked at it.
    gulped: usize,
    /// The last answer said that the connection ends: what still comes is of no use to anybody.
    closing: bool,
    /// What is left of the answer that is sent in the place of an empty one.
    answer: Bytes,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Guarded<T> {
    /// A new connection; its first head should come soon.
    pub fn new(stream: T) -> Self {
        let since = Instant::now();
        let alarm = Box::pin(sleep_until(since + HEAD));
        let (awaited, answer) = (Awaited::First, Bytes::new());
        Self {
            stream,
            traffic: Traffic::default(),
            begun: 0,
            awaited,
            since,
            stalled_since: None,
            alarm,
            gulped: 0,
            closing: false,
            answer,
        }
    }

    /// For whoever handles its requests.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    /// Takes note of what happened since the last look.
    fn look(&mut self, bytes_came: bool) {
        let Requests { begun, in_flight } = &*self.traffic.0;
        if in_flight.get() > 0 || begun.get() != self.begun {
            (self.begun, self.awaited, self.since) = (begun.get(), Awaited::Next, Instant::now());
        }
        if bytes_came && in_flight.get() == 0 && self.awaited != Awaited::Rest {
            (self.awaited, self.since) = (Awaited::Rest, Instant::now());
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let patience = if self.awaited == Awaited::Next { IDLE } else { HEAD };
        let waiting = (self.traffic.0.in_flight.get() == 0).then(|| self.since + patience);
        let stalled = self.stalled_since.map(|since| since + STALLED);
        waiting.into_iter().chain(stalled).min()
    }

    /// Whether patience is at its end; if not, the task is woken when it will be.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline() else { return false };
        if Instant::now() >= deadline {
            return true;
        }
        // An alarm that rings too early costs less than one that is set anew for each request.
        if self.alarm.deadline() > deadline || self.alarm.as_mut().poll(context).is_ready() {
            self.alarm.as_mut().reset(deadline);
            return self.alarm.as_mut().poll(context).is_ready();
        }
        false
    }

    /// Tells a client that is slow with its head, as far as it still listens.
    fn say_too_slow(&mut self, context: &mut Context<'_>) {
        if self.awaited == Awaited::Rest {
            let _ = Pin::new(&mut self.stream).poll_write(context, &rewrite::too_slow());
            let _ = Pin::new(&mut self.stream).poll_flush(context);
        }
    }

    /// Reads over what still comes, without a place in memory for each such connection.
    fn spill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0; SPILL];
        for _ in 0..SPILL / 1024 {
            let mut into = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut into))?;
            if into.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.closing |= rewrite::is_last(bytes);
        if self.answer.is_empty() {
            match Refusal::ends(bytes) {
                Some(refusal) if refusal.at == 0 => self.answer = refusal.document(),
                // Whoever writes comes again with the rest.
                Some(refusal) => return Pin::new(&mut self.stream).poll_write(context, &bytes[..refusal.at]),
                None => return Pin::new(&mut self.stream).poll_write(context, bytes),
            }
            self.closing = true;
        }
        while !self.answer.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.answer))?;
            self.answer.advance(written);
        }
        Poll::Ready(Ok(bytes.len()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.closing {
            let spilled = self.spill(context);
            return if spilled.is_pending() && self.is_over(context) { Poll::Ready(Ok(())) } else { spilled };
        }
        if self.gulped >= GULP {
            self.gulped = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let came = into.filled().len() - before;
        self.gulped = if read.is_pending() { 0 } else { self.gulped + came };
        self.look(came > 0);
        if read.is_pending() && self.is_over(context) {
            // As if the client had hung up: whatever was answered is sent to its end.
            self.say_too_slow(context);
            return Poll::Ready(Ok(()));
        }
        read
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.write(context, bytes);
        if written.is_ready() {
            self.stalled_since = None;
        } else {
            let since = *self.stalled_since.get_or_insert_with(Instant::now);
            if self.is_over(context) && Instant::now() >= since + STALLED {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        written
    }

    /// Comes after every answer, so that waiting for the next request begins here.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look(false);
        if self.is_over(context) {
            context.waker().wake_by_ref();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
