//! A plain TCP balancer, as a Service of Kubernetes is one: new connections go to whoever is ready, in turn.
//! It looks at `/readyz` again and again, repairs nothing and repeats nothing.

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use crate::support::*;

const PERIOD: Duration = Duration::from_millis(50);

#[derive(Clone)]
struct Target {
    address: String,
    admin: Http,
    ready: bool,
}

#[derive(Default)]
struct State {
    targets: Mutex<Vec<Option<Target>>>,
    turn: AtomicUsize,
}

pub(crate) struct Balancer {
    pub(crate) base: String,
    state: Arc<State>,
}

impl Balancer {
    pub(crate) fn start(replicas: &[Service]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State { targets: Mutex::new(vec![None; replicas.len()]), ..State::default() });
        let (accepting, looking) = (state.clone(), Arc::downgrade(&state));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let state = accepting.clone();
                thread::spawn(move || state.carry(&client));
            }
        });
        thread::spawn(move || look(&looking));
        let balancer = Self { base, state };
        for (slot, replica) in replicas.iter().enumerate() {
            balancer.put(slot, replica);
        }
        balancer
    }

    /// This replica has the slot from now on, and gets connections once it is ready.
    pub(crate) fn put(&self, slot: usize, replica: &Service) {
        let address = replica.http.base.trim_start_matches("http://").to_owned();
        let target = Target { address, admin: replica.admin.clone(), ready: false };
        self.state.targets.lock().unwrap()[slot] = Some(target);
        eventually("a replica in the balancer", || {
            self.state.targets.lock().unwrap()[slot].as_ref().is_some_and(|target| target.ready).then_some(())
        });
    }
}

impl State {
    fn next(&self) -> Option<String> {
        let targets = self.targets.lock().unwrap();
        let ready: Vec<_> = targets.iter().flatten().filter(|target| target.ready).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        ready.get(turn % ready.len().max(1)).map(|target| target.address.clone())
    }

    /// A client that finds nobody ready finds its connection closed.
    fn carry(&self, client: &TcpStream) {
        let Some(server) = self.next().and_then(|address| TcpStream::connect(address).ok()) else { return };
        for stream in [client, &server] {
            let _ = stream.set_nodelay(true);
        }
        thread::scope(|scope| {
            scope.spawn(|| pour(client, &server));
            pour(&server, client);
        });
    }
}

fn pour(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Until nobody has the balancer any more.
fn look(state: &Weak<State>) {
    while let Some(state) = state.upgrade() {
        let targets = state.targets.lock().unwrap().clone();
        for target in targets.into_iter().flatten() {
            let probed = target.admin.try_request("GET", "/readyz", &[], b"");
            let ready = probed.is_ok_and(|answer| answer.status == 200);
            let mut targets = state.targets.lock().unwrap();
            if let Some(now) = targets.iter_mut().flatten().find(|now| now.address == target.address) {
                now.ready = ready;
            }
        }
        drop(state);
        thread::park_timeout(PERIOD);
    }
}
