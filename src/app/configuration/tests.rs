//! Claims about environment and rules file together.

use actix_web::http::header::AUTHORIZATION;

use super::*;
use crate::ingest::authenticate::{Proofs, service_account::ServiceAccounts};

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

/// Whose `token` is.
async fn owner(configuration: &Configuration, token: &str) -> String {
    let proofs = Proofs::new(configuration.secrets.keyring(), ServiceAccounts::default());
    let line = (AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    let proved = proofs.by_header(&[line].into_iter().collect(), "").await;
    proved.map_or_else(|error| error.to_string(), |proved| proved.unwrap().sender.to_string())
}

#[tokio::test]
async fn a_token_comes_from_its_variable_or_its_file() {
    let other = format!("{LONG}-2");
    let configuration = check(&[("BILLING_TOKEN", LONG), ("USHER_ORDERS_TOKEN", &other)], "one-that-was-rotated-out\n");
    let configuration = configuration.unwrap_or_else(|refusal| panic!("{refusal}"));
    assert_eq!(owner(&configuration, LONG).await, "billing");
    assert_eq!(owner(&configuration, "one-that-was-rotated-out").await, "billing");
    assert_eq!(owner(&configuration, &other).await, "orders");
    assert_eq!(owner(&configuration, "another").await, "the token is nobody's");
}

#[test]
fn every_bad_signing_secret_is_named_and_none_is_shown() {
    let source = "senders:\n  a: { signing_secrets: [{ env: A1 }, { env: A2 }, { env: A3 }], events: ['*'], roles: [] }\n  \
                  b: { signing_secrets: [{ env: B1 }, { env: B2 }], events: ['*'], roles: [] }\nroles: []\nrules: []\n";
    let key = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let values = [
        ("CLERK_SECRET_KEY", "sk_test_x".to_owned()),
        ("A1", "whsec_hush".to_owned()),
        ("A2", "hush-hush-hush-hush".to_owned()),
        ("A3", format!("whsec_{key}")),
        ("B1", "whpk_hush".to_owned()),
        ("B2", key.to_owned()),
    ];
    let file = RulesFile { name: "usher.yaml".to_owned(), source: source.to_owned() };
    let refusal = Configuration::check(&values.into_iter().collect(), &file).err().unwrap();
    assert!(!refusal.to_string().contains("hush") && !refusal.to_string().contains(key), "{refusal}");
    let told: Vec<_> = refusal.mistakes.iter().map(|wrong| format!("{} {}", wrong.variable, wrong.problem)).collect();
    let expected = [
        "A1 is no shared secret of 24 to 64 bytes",
        "A2 is not base64, alone or after whsec_, whpk_ or whsk_",
        "B1 is no public key of 32 bytes",
        "B2 is the same for the senders a and b",
    ];
    assert_eq!(told, expected);
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
