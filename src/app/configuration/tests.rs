//! Claims about environment and rules file together.

use super::*;

const RULES: &str = r#"
senders:
  billing:
    tokens: [{ env: BILLING_TOKEN }, { file: TOKEN_FILE_HERE }]
    events: ["plan.*"]
    roles: ["org:member"]
  orders:
    tokens: [{ env: USHER_ORDERS_TOKEN }]
    events: ["plan.*"]
    roles: ["org:member"]
roles: ["org:member"]
rules:
  - name: plan purchased
    on: plan.purchased
    grant: { organization: data.organization_id, user: data.user_id, role: '"org:member"' }
"#;
const LONG: &str = "a-token-that-nobody-guesses";

/// The configuration of `variables` and of the rules above, whose token file holds `in_file`.
fn check(variables: &[(&str, &str)], in_file: &str) -> Result<Configuration, Refusal> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, in_file).unwrap();
    let source = RULES.replace("TOKEN_FILE_HERE", path.to_str().unwrap());
    let key = ("CLERK_SECRET_KEY", "sk_test_x");
    let environment = variables.iter().copied().chain([key]).collect();
    Configuration::check(&environment, &RulesFile { name: "usher.yaml".to_owned(), source })
}

fn mistakes(variables: &[(&str, &str)], in_file: &str) -> Vec<String> {
    let refusal = check(variables, in_file).err().unwrap();
    assert!(!refusal.to_string().contains("hush"), "{refusal}");
    refusal.mistakes.into_iter().map(|mistake| format!("{} {}", mistake.variable, mistake.problem)).collect()
}

#[test]
fn a_token_comes_from_its_variable_or_its_file() {
    let other = format!("{LONG}-2");
    let configuration = check(&[("BILLING_TOKEN", LONG), ("USHER_ORDERS_TOKEN", &other)], "one-that-was-rotated-out\n");
    let tokens: Vec<_> = configuration
        .unwrap_or_else(|refusal| panic!("{refusal}"))
        .tokens
        .into_iter()
        .map(|(sender, token)| format!("{sender} {}", token.reveal()))
        .collect();
    assert_eq!(
        tokens,
        [format!("billing {LONG}"), "billing one-that-was-rotated-out".into(), format!("orders {other}")]
    );
}

#[test]
fn every_bad_token_is_named_and_none_is_shown() {
    let found = mistakes(&[("USHER_ORDERS_TOKEN", "hush-short")], "hush");
    let expected = [
        "BILLING_TOKEN is not set, and sender billing needs it",
        "a token of sender billing has fewer than 16 characters",
        "USHER_ORDERS_TOKEN has fewer than 16 characters",
    ];
    assert_eq!(found, expected);
    let same = [("BILLING_TOKEN", "hush-hush-hush-hush"), ("USHER_ORDERS_TOKEN", "hush-hush-hush-hush")];
    let expected = ["USHER_ORDERS_TOKEN is the same for the senders billing and orders"];
    assert_eq!(mistakes(&same, "hush-other-hush-other"), expected);
}

#[test]
fn mistakes_of_environment_and_file_are_told_together() {
    let environment = [("USHER_LISTN", "x"), ("USHER_ORDERS_TOKEN", LONG)].into_iter().collect();
    let source = RULES.replace("grant:", "grnat:").replace("on:", "onn:");
    let refusal =
        Configuration::check(&environment, &RulesFile { name: "usher.yaml".to_owned(), source }).err().unwrap();
    let named: Vec<_> = refusal.mistakes.iter().map(|mistake| mistake.variable.as_str()).collect();
    assert_eq!(named, ["CLERK_SECRET_KEY", "USHER_LISTN"]);
    assert!(refusal.diagnostics.len() >= 2, "{refusal}");
}

#[test]
fn a_rules_file_that_is_not_there_is_one_mistake_more() {
    let environment = [("USHER_CONFIG", "/nowhere/usher.yaml")].into_iter().collect();
    let refusal = Configuration::read(&environment).err().unwrap();
    let named: Vec<_> = refusal.mistakes.iter().map(|mistake| mistake.variable.as_str()).collect();
    assert_eq!(named, ["CLERK_SECRET_KEY", "USHER_CONFIG"]);
    assert!(refusal.to_string().ends_with("2 mistakes to mend; nothing was started"), "{refusal}");
}
