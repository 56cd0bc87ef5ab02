//! Senders that each own some memberships and ask for one thing after another, at whichever replica is there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::fleet::{Fleet, ORGANIZATION, removal};
use crate::support::*;

const WISHES: [Option<&str>; 3] = [None, Some("org:viewer"), Some("org:member")];

/// An event that was acknowledged.
pub(crate) struct Sent {
    pub(crate) user: String,
    role: Option<&'static str>,
    pub(crate) location: String,
}

/// Where replicas are now, and what was acknowledged so far: by sender, so that each one's stays in its order.
pub(crate) struct Load {
    pub(crate) replicas: RwLock<Vec<Option<Http>>>,
    pub(crate) stop: AtomicBool,
    sent: Vec<Mutex<Vec<Sent>>>,
}

impl Load {
    pub(crate) fn new(replicas: &[Service], senders: usize) -> Self {
        let replicas = replicas.iter().map(|replica| Some(replica.http.clone())).collect();
        let sent = (0..senders).map(|_| Mutex::default()).collect();
        Self { replicas: RwLock::new(replicas), stop: AtomicBool::new(false), sent }
    }

    /// One sender: the order in which its events are accepted is the order in which it sends.
    pub(crate) fn send(&self, number: usize, users: &[String]) {
        let mut random = fastrand::Rng::with_seed(number as u64);
        for round in 0.. {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let (user, role) = (&users[random.usize(..users.len())], WISHES[random.usize(..WISHES.len())]);
            let id = format!("{number}-{round}");
            let event = role.map_or_else(|| removal(&id, user), |role| member(&id, "set", user, role));
            let location = self.until_acknowledged(&event, &mut random);
            self.sent[number].lock().unwrap().push(Sent { user: user.clone(), role, location });
        }
    }

    /// Sends the same event until a 2xx comes, to any replica each time: what got no answer may be recorded or not.
    fn until_acknowledged(&self, event: &Value, random: &mut fastrand::Rng) -> String {
        loop {
            let there: Vec<Http> = self.replicas.read().unwrap().iter().flatten().cloned().collect();
            let chosen = random.choice(there);
            match chosen.and_then(|http| http.try_post_as(OTHER_TOKEN, event).ok()) {
                Some(answer) if answer.status == 202 => return answer.header("location").unwrap().to_owned(),
                Some(answer) => assert_eq!(answer.status, 503, "{}", answer.body),
                None => {}
            }
            thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Ends it.
    pub(crate) fn into_sent(self) -> Vec<Sent> {
        self.sent.into_iter().flat_map(|sent| sent.into_inner().unwrap()).collect()
    }
}

/// Whatever was acknowledged has its end, as every replica says.
pub(crate) fn nothing_is_lost(replicas: &[Service], sent: &[Sent]) {
    thread::scope(|scope| {
        for (chunk, replica) in
            sent.chunks(sent.len() / 6 + 1).zip(replicas.iter().map(|replica| replica.http.clone()).cycle())
        {
            scope.spawn(move || {
                for event in chunk {
                    let ended = replica.settled_as(OTHER_TOKEN, &event.location);
                    assert_eq!(ended["status"], "done", "{ended}");
                }
            });
        }
    });
}

pub(crate) fn memberships_are_as_last_asked(fleet: &Fleet, sent: &[Sent]) {
    let wanted: HashMap<_, _> = sent.iter().map(|event| (&event.user, event.role)).collect();
    for (user, role) in wanted {
        assert_eq!(fleet.sandbox.role(ORGANIZATION, user).as_deref(), role, "{user}");
    }
}

/// What was seen at a membership: the role that a call with an effect left behind.
fn left_behind(call: &Value) -> Option<(String, Option<String>)> {
    let path = call["path"].as_str()?;
    let user = path.rsplit_once("/memberships/").map(|(_, user)| user).or(call["body"]["user_id"].as_str())?;
    let role = call["body"]["role"].as_str().map(str::to_owned);
    let relevant = call["effect"] == true && (call["method"] == "DELETE") != role.is_some();
    relevant.then(|| (user.to_owned(), role))
}

/// The effects at every membership come in the order in which its events were accepted; some are left out.
pub(crate) fn order_is_kept(fleet: &Fleet, sent: &[Sent]) {
    let mut asked: HashMap<&str, Vec<Option<&str>>> = HashMap::new();
    for event in sent {
        asked.entry(&event.user).or_default().push(event.role);
    }
    let mut seen: HashMap<String, Vec<Option<String>>> = HashMap::new();
    for (user, role) in fleet.calls().iter().filter_map(left_behind) {
        let seen = seen.entry(user).or_default();
        // A call whose answer was lost is made again, and changes nothing.
        if seen.last() != Some(&role) {
            seen.push(role);
        }
    }
    assert!(!seen.is_empty());
    for (user, effects) in seen {
        let mut left = asked[user.as_str()].iter();
        let in_order = effects.iter().all(|effect| left.any(|role| *role == effect.as_deref()));
        assert!(in_order, "{user}: asked {:?}, got {effects:?}", asked[user.as_str()]);
    }
}

pub(crate) fn no_change_created_twice(fleet: &Fleet) {
    let mut creates: HashMap<String, usize> = HashMap::new();
    for call in fleet.calls().iter().filter(|call| call["method"] == "POST" && call["effect"] == true) {
        if let Some(event) = call["body"]["private_metadata"]["usher_event"].as_str() {
            *creates.entry(event.to_owned()).or_default() += 1;
        }
    }
    assert!(!creates.is_empty());
    assert!(creates.values().all(|count| *count == 1), "a change was created twice");
}
