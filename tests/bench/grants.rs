//! Grants per second from the first POST to the last outcome, against an awc loop that calls the sandbox directly.

use std::cell::RefCell;
use std::io::Read;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::rt;
use serde_json::{Value, json};

use crate::process::{self, Running, SECRET_KEY};
use crate::{REPETITIONS, WARM_UP, load, report};

const CONCURRENCY: usize = 32;
const GRANTS: usize = 4_000;

pub fn compare() {
    for latency in ["0ms", "20ms"] {
        let start = Instant::now();
        while start.elapsed() < WARM_UP {
            once(latency);
        }
        let (mut baseline, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..REPETITIONS {
            let (direct, usher) = once(latency);
            baseline.push(direct);
            ours.push(usher);
        }
        report(&format!("grants end to end against direct calls, sandbox latency {latency}"), "1/s", &baseline, &ours);
    }
}

/// One measurement of each, on a fresh sandbox and a fresh ledger.
fn once(latency: &str) -> (f64, f64) {
    let sandbox = process::sandbox(latency);
    let users = create_users(&sandbox, GRANTS);
    let direct = process::direct(&sandbox, CONCURRENCY, &users);
    (direct, through_usher(latency))
}

fn through_usher(latency: &str) -> f64 {
    let sandbox = process::sandbox(latency);
    let users = create_users(&sandbox, GRANTS);
    let concurrency = CONCURRENCY.to_string();
    let usher = process::usher(None, &sandbox, &[("USHER_RATE", "1000000"), ("USHER_CONCURRENCY", &concurrency)]);
    let start = Instant::now();
    let accepted =
        load::post(&usher.address("listen"), CONCURRENCY, 0, GRANTS as u64, Duration::from_secs(60), event(users));
    assert_eq!(accepted, GRANTS as u64);
    wait_for_outcomes(&[usher.address("admin_listen")], GRANTS as u64);
    GRANTS as f64 / start.elapsed().as_secs_f64()
}

/// Each grants one user.
pub fn event(users: Vec<String>) -> impl Fn(u64) -> String + Clone + Send + 'static {
    move |number| {
        let user = &users[number as usize];
        json!({"id": number.to_string(), "type": "plan.purchased",
               "data": {"plan": "team", "organization_id": "org_acme", "user_id": user}})
        .to_string()
    }
}

/// Until these have granted so many together.
pub fn wait_for_outcomes(admins: &[String], wanted: u64) {
    let agent: ureq::Agent = ureq::Agent::new_with_defaults();
    let deadline = Instant::now() + Duration::from_secs(120);
    let granted = |admin: &String| {
        let text = agent.get(format!("http://{admin}/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
        let name = "usher_changes_total{action=\"grant\",outcome=\"granted\"} ";
        text.lines().find_map(|line| line.strip_prefix(name)?.parse::<u64>().ok()).unwrap_or_default()
    };
    while admins.iter().map(granted).sum::<u64>() < wanted {
        assert!(Instant::now() < deadline, "not all were granted");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub fn create_users(sandbox: &Running, count: usize) -> Vec<String> {
    concurrently(&sandbox.address("sandbox"), CONCURRENCY, vec![json!({}); count], "/v1/users")
        .into_iter()
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The body of the `direct` process: users on stdin, grants per second on stdout.
pub fn direct(arguments: &[&str]) {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let users: Vec<String> = serde_json::from_str(&text).unwrap();
    let bodies = users.iter().map(|user| json!({"user_id": user, "role": "org:member"})).collect();
    let start = Instant::now();
    let answers =
        concurrently(arguments[0], arguments[1].parse().unwrap(), bodies, "/v1/organizations/org_acme/memberships");
    println!("{}", answers.len() as f64 / start.elapsed().as_secs_f64());
}

/// Posts every body with awc, `concurrency` at a time; every answer must be a 200.
fn concurrently(address: &str, concurrency: usize, bodies: Vec<Value>, path: &str) -> Vec<Value> {
    let url = format!("{address}{path}");
    let (bodies, answers) = (Rc::new(RefCell::new(bodies)), Rc::new(RefCell::new(Vec::new())));
    rt::System::new().block_on(async {
        let client =
            awc::Client::builder().bearer_auth(SECRET_KEY).connector(awc::Connector::new().limit(concurrency)).finish();
        let one = |client: awc::Client,
                   url: String,
                   bodies: Rc<RefCell<Vec<Value>>>,
                   answers: Rc<RefCell<Vec<Value>>>| async move {
            loop {
                let Some(body) = bodies.borrow_mut().pop() else { return };
                let mut response = client.post(&url).send_json(&body).await.unwrap();
                assert_eq!(response.status(), 200);
                let answer = response.json::<Value>().await.unwrap();
                answers.borrow_mut().push(answer);
            }
        };
        let tasks: Vec<_> = (0..concurrency)
            .map(|_| rt::spawn(one(client.clone(), url.clone(), bodies.clone(), answers.clone())))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    Rc::try_unwrap(answers).unwrap().into_inner()
}
