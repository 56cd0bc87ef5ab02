//! SIGKILL at random moments under load and faults: nothing acknowledged is lost, nothing is done twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::*;

const KILLS: usize = 30;
const SENDERS: usize = 8;
const USERS_PER_SENDER: usize = 5;

/// One sending thread: it owns its users, so that the order of acceptance per membership is the order in which it sends.
struct Sending<'a> {
    address: &'a RwLock<Option<Http>>,
    stop: &'a AtomicBool,
    sent: &'a Mutex<Vec<Sent>>,
}

struct Sent {
    user: String,
    role: Option<&'static str>,
    location: String,
}

impl Sending<'_> {
    fn run(&self, number: usize, users: &[String]) {
        let mut random = fastrand::Rng::with_seed(number as u64);
        for round in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let user = &users[random.usize(..users.len())];
            let role = [None, Some("org:viewer"), Some("org:member")][random.usize(..3)];
            let id = format!("{number}-{round}");
            let event = match role {
                Some(role) => member(&id, "set", user, role),
                None => {
                    serde_json::json!({"id": id, "type": "member.removed", "data": {"organization_id": "org_acme", "user_id": user}})
                }
            };
            let location = self.until_acknowledged(&event);
            self.sent.lock().unwrap().push(Sent { user: user.clone(), role, location });
        }
    }

    /// Sends the same event until a 2xx comes, over as many lives of the service as it takes:
    /// an event without an answer may be recorded or not, and would leave open what is asked of its membership.
    fn until_acknowledged(&self, event: &Value) -> String {
        loop {
            let http = self.address.read().unwrap().clone();
            let answer = http.and_then(|http| http.try_post_as(OTHER_TOKEN, event).ok());
            match answer {
                Some(answer) if answer.status == 202 => return answer.header("location").unwrap().to_owned(),
                Some(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                None => thread::park_timeout(Duration::from_millis(2)),
            }
        }
    }
}

fn create_users(sandbox: &Sandbox, count: usize) -> Vec<String> {
    let create = |n: usize| {
        let body =
            serde_json::json!({"email_address": [format!("crash{n}@example.com")], "external_id": format!("crash{n}")});
        let _ = sandbox.bapi("POST", "/v1/users", &body);
        let path = format!("/v1/users?external_id=crash{n}");
        let found = sandbox.bapi("GET", &path, &Value::Null).ok()?;
        found.body[0]["id"].as_str().map(str::to_owned)
    };
    (0..count).map(|n| eventually("a user", || create(n))).collect()
}

#[test]
fn thirty_kills_lose_nothing_and_double_nothing() {
    let faults = ["--fail", "0.2", "--drop-before", "0.1", "--drop-after", "0.1", "--seed", "42"];
    let sandbox = Sandbox::start(&faults);
    let users = create_users(&sandbox, SENDERS * USERS_PER_SENDER);
    let removed = "\n  - name: member removed\n    on: member.removed\n    revoke: { organization: data.organization_id, user: data.user_id }\n";
    let setup = Setup::new(&sandbox.http.base).rules(&format!("{RULES}{removed}"));
    let (address, stop, sent) = (RwLock::new(None), AtomicBool::new(false), Mutex::new(Vec::new()));
    let service = thread::scope(|scope| {
        let sending = Sending { address: &address, stop: &stop, sent: &sent };
        for (number, users) in users.chunks(USERS_PER_SENDER).enumerate() {
            let sending = Sending { ..sending };
            scope.spawn(move || sending.run(number, users));
        }
        kill_again_and_again(&setup, &address, &sent);
        let last = setup.start();
        *address.write().unwrap() = Some(last.http.clone());
        stop.store(true, Ordering::Relaxed);
        last
    });
    let sent = sent.into_inner().unwrap();
    for event in &sent {
        assert_eq!(service.settled_as(OTHER_TOKEN, &event.location)["status"], "done", "{}", event.location);
    }
    memberships_are_as_last_asked(&sandbox, &sent);
    no_change_created_twice(&sandbox);
    println!("{} events acknowledged over {KILLS} kills, {} calls", sent.len(), sandbox.calls().len());
}

fn kill_again_and_again(setup: &Setup, address: &RwLock<Option<Http>>, sent: &Mutex<Vec<Sent>>) {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..KILLS {
        let mut service = setup.start();
        *address.write().unwrap() = Some(service.http.clone());
        let before = sent.lock().unwrap().len();
        let moment = Instant::now() + Duration::from_micros(random.u64(20_000..400_000));
        eventually("an event in this life", || {
            (sent.lock().unwrap().len() > before && Instant::now() > moment).then_some(())
        });
        service.process.child.kill().unwrap();
        *address.write().unwrap() = None;
    }
}

fn memberships_are_as_last_asked(sandbox: &Sandbox, sent: &[Sent]) {
    let wanted: HashMap<_, _> = sent.iter().map(|event| (&event.user, event.role)).collect();
    for (user, role) in wanted {
        assert_eq!(sandbox.role("org_acme", user).as_deref(), role, "{user}");
    }
}

fn no_change_created_twice(sandbox: &Sandbox) {
    let mut creates: HashMap<String, usize> = HashMap::new();
    for call in sandbox.calls().iter().filter(|call| call["method"] == "POST" && call["effect"] == true) {
        if let Some(event) = call["body"]["private_metadata"]["usher_event"].as_str() {
            *creates.entry(event.to_owned()).or_default() += 1;
        }
    }
    assert!(creates.len() > KILLS);
    assert!(creates.values().all(|count| *count == 1), "a change was created twice");
}
