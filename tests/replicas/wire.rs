//! A wire to the database that can be cut without a word: nobody hears that it is, bytes only stop coming.
//! Knows of what is said over it no more than the words it is told to wait for.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::support::*;

/// What is held back of a connection on which the words of a trap come by.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Holds {
    /// The words, and whatever comes after them.
    Question,
    /// What is answered to them.
    Answer,
}

#[derive(Default)]
struct State {
    cut: bool,
    trap: Option<(&'static str, Holds)>,
    connections: Vec<Connection>,
}

struct Connection {
    ends: [TcpStream; 2],
    /// Caught in a trap, or forgotten by the network.
    held: Option<Holds>,
    lost: bool,
}

pub(crate) struct Wire {
    pub(crate) host: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Wire {
    pub(crate) fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (shared, server) = (Arc::<Shared>::default(), server.to_owned());
        let carrying = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&server) else { continue };
                carrying.carry(client, server);
            }
        });
        Self { host, shared }
    }

    /// No byte moves any more, on any connection, old or new.
    pub(crate) fn cut(&self) {
        self.change(|state| state.cut = true);
    }

    /// All goes on where it stopped.
    pub(crate) fn heal(&self) {
        self.change(|state| {
            state.cut = false;
            state.connections.iter_mut().for_each(|connection| connection.held = None);
        });
    }

    /// All goes on, but for the connections of before: they break.
    pub(crate) fn close(&self) {
        self.change(|state| {
            state.cut = false;
            state.connections.drain(..).for_each(|connection| connection.close());
        });
    }

    /// All goes on, but for the connections of before: on them nothing ever comes, and nobody says so.
    pub(crate) fn forget(&self) {
        self.change(|state| {
            state.cut = false;
            state.connections.iter_mut().for_each(|connection| connection.lost = true);
        });
    }

    /// Whichever connection says these words next is caught.
    pub(crate) fn set(&self, words: &'static str, holds: Holds) {
        self.change(|state| state.trap = Some((words, holds)));
    }

    pub(crate) fn wait_for_the_trap(&self) {
        eventually("somebody in the trap", || self.shared.state.lock().unwrap().trap.is_none().then_some(()));
    }

    /// What was caught breaks.
    pub(crate) fn close_the_caught(&self) {
        self.change(|state| {
            let caught = state.connections.extract_if(.., |connection| connection.held.is_some());
            caught.for_each(|connection| connection.close());
        });
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.shared.state.lock().unwrap());
        self.shared.changed.notify_all();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.close();
    }
}

impl Connection {
    fn close(&self) {
        for end in &self.ends {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn carry(self: &Arc<Self>, client: TcpStream, server: TcpStream) {
        let (from, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let port = client.peer_addr().map_or(0, |address| address.port());
        let ends = [client.try_clone().unwrap(), server.try_clone().unwrap()];
        self.state.lock().unwrap().connections.push(Connection { ends, held: None, lost: false });
        let (asking, answering) = (self.clone(), self.clone());
        thread::spawn(move || asking.pour(from, server, port, Holds::Question));
        thread::spawn(move || answering.pour(back, client, port, Holds::Answer));
    }

    /// Until the connection ends; that one end is gone is news that a cut wire keeps back, too.
    fn pour(&self, mut from: TcpStream, mut to: TcpStream, port: u16, direction: Holds) {
        let (mut buffer, mut said) = (vec![0; 1 << 16], Vec::new());
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if direction == Holds::Question {
                said.extend_from_slice(&buffer[..length]);
                self.look(&said, port);
                said.drain(..said.len().saturating_sub(64));
            }
            self.wait(port, direction);
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        self.wait(port, direction);
        for end in [from, to] {
            let _ = end.shutdown(Shutdown::Both);
        }
        self.state.lock().unwrap().connections.retain(|connection| !connection.is(port));
    }

    fn look(&self, said: &[u8], port: u16) {
        let mut state = self.state.lock().unwrap();
        let Some((words, holds)) = state.trap else { return };
        if said.windows(words.len()).any(|part| part == words.as_bytes()) {
            state.trap = None;
            state.connections.iter_mut().filter(|one| one.is(port)).for_each(|one| one.held = Some(holds));
        }
    }

    fn wait(&self, port: u16, direction: Holds) {
        let stops = |state: &mut State| {
            let Some(own) = state.connections.iter().find(|connection| connection.is(port)) else { return false };
            state.cut || own.lost || own.held == Some(direction)
        };
        drop(self.changed.wait_while(self.state.lock().unwrap(), stops).unwrap());
    }
}

impl Connection {
    fn is(&self, port: u16) -> bool {
        self.ends[0].peer_addr().is_ok_and(|address| address.port() == port)
    }
}
