//! Starts that must fail: every mistake at once, the right exit code, no port bound.

use std::net::TcpListener;

use crate::support::*;

fn failed(setup: &Setup) -> (Option<i32>, String) {
    let output = setup.serve_output();
    assert!(output.stdout.is_empty(), "messages belong on stderr");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn a_missing_secret_key_is_named_with_its_file_twin() {
    let (code, text) = failed(&Setup::new(NOWHERE).without("CLERK_SECRET_KEY"));
    assert_eq!(code, Some(78));
    assert!(text.contains("CLERK_SECRET_KEY") && text.contains("CLERK_SECRET_KEY_FILE"), "{text}");
}

#[test]
fn mistakes_in_environment_and_file_are_reported_together() {
    let rules = RULES.replace("roles: [\"org:viewer\", \"org:member\"]", "roels: [\"org:viewer\", \"org:member\"]");
    let setup = Setup::new(NOWHERE)
        .without("CLERK_SECRET_KEY")
        .with("USHER_CONCURRENCY", "many")
        .with("USHER_LISTEN", "nowhere")
        .with("USHER_DRAIN_DELYA", "5s")
        .rules(&rules.replace("user: item", "user: itme"));
    let (code, text) = failed(&setup);
    assert_eq!(code, Some(78), "{text}");
    for part in [
        "CLERK_SECRET_KEY",
        "USHER_CONCURRENCY",
        "USHER_LISTEN",
        "USHER_DRAIN_DELYA",
        "USHER_DRAIN_DELAY",
        "roels",
        "itme",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!setup.ledger().exists(), "nothing is created before everything is known to be right");
}

#[test]
fn a_rules_file_that_is_not_there_is_named() {
    let (code, text) = failed(&Setup::new(NOWHERE).with("USHER_CONFIG", "/nowhere/usher.yaml"));
    assert_eq!(code, Some(78));
    assert!(text.contains("/nowhere/usher.yaml") && text.contains("USHER_CONFIG"), "{text}");
}

#[test]
fn a_token_that_is_nowhere_stops_the_start() {
    let (code, text) = failed(&Setup::new(NOWHERE).without("BILLING_TOKEN"));
    assert_eq!(code, Some(78));
    assert!(text.contains("BILLING_TOKEN"), "{text}");
}

#[test]
fn secrets_come_from_files_and_a_trailing_newline_does_not_matter() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base).without("CLERK_SECRET_KEY").without("BILLING_TOKEN");
    let (key, token) = (setup.folder.path().join("key"), setup.folder.path().join("token"));
    write(&key, &format!("{SECRET_KEY}\n"));
    write(&token, &format!("{TOKEN}\n"));
    let setup =
        setup.with("CLERK_SECRET_KEY_FILE", key.to_str().unwrap()).with("BILLING_TOKEN_FILE", token.to_str().unwrap());
    let event = setup.start().settle(&purchase("1", "user_ada", "team"));
    assert_eq!(event["status"], "done");
}

#[test]
fn a_port_in_use_is_named_with_its_variable() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = failed(&Setup::new(NOWHERE).with("USHER_LISTEN", &address));
    assert_eq!(code, Some(69));
    assert!(text.contains(&address) && text.contains("USHER_LISTEN"), "{text}");
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn a_ledger_that_another_process_holds_is_refused() {
    let sandbox = Sandbox::start(&[]);
    let setup = Setup::new(&sandbox.http.base);
    let _running = setup.start();
    let (code, text) = failed(&setup);
    assert_eq!(code, Some(74));
    assert!(text.contains("in use") || text.contains("another"), "{text}");
}

#[test]
fn a_ledger_that_is_damaged_is_refused_and_left_as_it_is() {
    let setup = Setup::new(NOWHERE);
    std::fs::create_dir(setup.ledger()).unwrap();
    let file = setup.ledger().join("usher.db");
    let garbage = "this is not a ledger, and nothing may pretend that it is. ".repeat(100);
    write(&file, &garbage);
    let (code, text) = failed(&setup);
    assert_eq!(code, Some(74));
    assert!(text.contains("usher.db"), "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), garbage);
}

#[test]
fn check_points_into_the_file() {
    let setup = Setup::new(NOWHERE).rules(&RULES.replace("data.plan in role_of_plan", "data.plan in role_of_plam"));
    let output = usher().arg("check").arg("usher.yaml").current_dir(setup.folder.path()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(
        text.contains("usher.yaml:21:") && text.contains("role_of_plam") && text.contains("role_of_plan"),
        "{text}"
    );
    let setup = Setup::new(NOWHERE);
    let output = usher().arg("check").arg("usher.yaml").current_dir(setup.folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn usage_is_64_and_help_is_0() {
    for (arguments, code) in
        [(&["serv"][..], 64), (&["serve", "--port", "1"], 64), (&[], 64), (&["--help"], 0), (&["--version"], 0)]
    {
        let output = usher().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_wrong_configuration_is_told_before_any_port_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = failed(&Setup::new(NOWHERE).without("CLERK_SECRET_KEY").with("USHER_LISTEN", &address));
    assert_eq!(code, Some(78));
    assert!(!text.contains("in use"), "{text}");
}

#[test]
fn the_operator_port_in_use_is_named_too() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, text) =
        failed(&Setup::new(NOWHERE).with("USHER_ADMIN_LISTEN", &taken.local_addr().unwrap().to_string()));
    assert_eq!(code, Some(69));
    assert!(text.contains("USHER_ADMIN_LISTEN"), "{text}");
}

#[test]
fn bad_cel_an_unknown_role_and_a_failing_rule_test_are_told_together_by_check_and_by_serve() {
    let tests = r#"
  - name: tested
    on: member.tested
    revoke: { organization: data.organization_id, user: data.user_id }
    tests: [{ event: { type: member.tested, data: { organization_id: org_1, user_id: user_1 } }, expect: [] }]
"#;
    let rules = RULES
        .replace("'\"org:viewer\"'", "'\"org:owner\"'")
        .replace("user: data.user_id, role: data.role, existing: keep", "user: data.(, role: data.role");
    let setup = Setup::new(NOWHERE).rules(&format!("{rules}{tests}"));
    let check = usher().arg("check").arg("usher.yaml").current_dir(setup.folder.path()).output().unwrap();
    for output in [check, setup.serve_output()] {
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{text}");
        for part in ["data.(", "org:owner", "member.tested"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
