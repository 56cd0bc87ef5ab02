//! What a newcomer sees: `usher dev` and `usher sandbox`.

use serde_json::Value;

use crate::support::*;

const FREE_PORTS: [&str; 6] =
    ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"];

#[test]
fn dev_once_shows_the_three_samples_and_exits_with_0() {
    let output = usher().args(["dev", "--once"]).args(FREE_PORTS).current_dir(std::env::temp_dir()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for part in ["granted", "org_acme", "user_ada", "org:admin", "repeated", "refused"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour where there is no terminal");
}

#[test]
fn dev_prints_its_addresses_and_its_token() {
    let mut dev = Process::spawn(usher().args(["dev", "--json"]).args(FREE_PORTS));
    let line = dev.json_line("the addresses", |line| line["listen"].is_string() && line["sandbox"].is_string());
    let http = Http::new(&format!("http://{}", line["listen"].as_str().unwrap()));
    let answer = http.post_as(line["token"].as_str().unwrap(), &purchase("mine", "user_bob", "team"));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let sandbox = Http::new(line["sandbox"].as_str().unwrap());
    eventually("the membership", || {
        sandbox.get("/sandbox/memberships").body.to_string().contains("user_bob").then_some(())
    });
    dev.signal("INT");
    assert_eq!(dev.exit_code(), Some(0));
}

#[test]
fn a_sandbox_fails_by_its_seed() {
    let statuses = |seed: &str| -> Vec<Option<u16>> {
        let sandbox = Sandbox::start(&["--fail", "0.5", "--drop-before", "0.2", "--seed", seed]);
        let get = |_| sandbox.bapi("GET", "/v1/organizations/org_acme", &Value::Null).ok().map(|answer| answer.status);
        (0..40).map(get).collect()
    };
    let first = statuses("1");
    assert_eq!(first, statuses("1"));
    assert_ne!(first, statuses("2"));
    assert!(first.contains(&Some(500)) && first.contains(&Some(200)) && first.contains(&None));
}

#[test]
fn the_curl_line_that_dev_prints_works_as_it_stands() {
    let mut dev = Process::spawn(usher().arg("dev").args(FREE_PORTS));
    eventually("the end of what dev prints", || dev.output().contains("Ctrl-C").then_some(()));
    let printed = dev.output();
    let line = printed.split("Send the next one:").nth(1).unwrap().split("See what").next().unwrap();
    let output = std::process::Command::new("sh").args(["-c", line.trim()]).output().unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.starts_with("HTTP/1.1 202"), "{line}\n{answer}\n{}", String::from_utf8_lossy(&output.stderr));
}
