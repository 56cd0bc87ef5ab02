//! Claims about addresses of databases.

use super::*;
use tokio_postgres::config::SslMode;

fn address(text: &str) -> Address {
    text.parse().unwrap_or_else(|bad| panic!("{text}: {bad}"))
}

fn refusal(text: &str) -> String {
    let BadLocation(problem) = text.parse::<Address>().unwrap_err();
    assert!(!problem.contains("hush"), "{problem}");
    problem
}

#[test]
fn an_address_shows_hosts_and_database_only() {
    let both = address("postgres://me:hush@one,two:5433/ledger?sslmode=require");
    assert_eq!(both.to_string(), "postgres://one,two:5432,5433/ledger");
    assert_eq!(format!("{both:?}"), both.to_string());
    assert_eq!(address("postgres://me:hush@%2Frun%2Fdb/ledger").to_string(), "postgres:///run/db:5432/ledger");
}

#[test]
fn a_password_is_not_said_whatever_is_wrong() {
    for text in [
        "postgres://me:hush@db:port/ledger",
        "postgres://me:hu?hush@db/ledger",
        "postgres://me:hush@db/ledger?hush@x",
        "postgres://me:hush@/ledger",
        "postgres://me:hush@db/ledger?sslmode=hushhush",
        "postgres://me:hush@db/ledger?Hush=1",
        "postgres://me:hush%zz@db/ledger?port=hush",
    ] {
        refusal(text);
    }
    assert!(refusal("postgres://me:hush@db/ledger?sslcert=x").contains("option sslcert"));
    assert!(refusal("postgres://me:hush@db/ledger?connect_timeout=x").contains("`connect_timeout`"));
}

#[test]
fn what_is_not_said_is_patient_for_seconds_and_wants_to_write() {
    let plain = address("postgres://me@db/ledger").config;
    assert_eq!(plain.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert_eq!(plain.get_application_name(), Some("usher"));
    assert_eq!(plain.get_connect_timeout(), Some(&Duration::from_secs(5)));
    assert_eq!(plain.get_tcp_user_timeout(), Some(&Duration::from_secs(10)));
    let said = address("postgres://me@db/ledger?connect_timeout=2&application_name=a&target_session_attrs=any").config;
    assert_eq!(said.get_connect_timeout(), Some(&Duration::from_secs(2)));
    assert_eq!(said.get_application_name(), Some("a"));
    assert_eq!(said.get_target_session_attrs(), TargetSessionAttrs::Any);
    assert!(refusal("postgres://me@db/ledger?target_session_attrs=read-only").contains("writes"));
}

#[test]
fn over_a_network_the_server_is_known_or_the_operator_said_otherwise() {
    let sure = address("postgres://me@db/ledger");
    assert_eq!((sure.config.get_ssl_mode(), sure.trust), (SslMode::Require, Trust::Named(Roots::Web)));
    assert!(refusal("postgres://me:hush@db/ledger?sslmode=prefer").contains("sslmode=disable"));
    assert!(refusal("postgres://me:hush@localhost,db/ledger?sslmode=prefer").contains("sslmode=disable"));
    let open = address("postgres://me@db/ledger?sslmode=disable");
    assert_eq!(open.config.get_ssl_mode(), SslMode::Disable);
    let secret = address("postgres://me@db/ledger?sslmode=require");
    assert_eq!((secret.config.get_ssl_mode(), secret.trust), (SslMode::Require, Trust::Anyone));
    for local in ["localhost", "127.0.0.1", "%2Frun%2Fpostgresql"] {
        assert_eq!(address(&format!("postgres://me@{local}/ledger")).config.get_ssl_mode(), SslMode::Prefer, "{local}");
    }
    assert_eq!(address("postgres://me@db/l?hostaddr=127.0.0.1").config.get_ssl_mode(), SslMode::Prefer);
    assert_eq!(address("postgres://me@localhost/l?hostaddr=10.0.0.1").config.get_ssl_mode(), SslMode::Require);
}

#[test]
fn the_words_mean_what_they_mean_to_libpq() {
    let trust = |options: &str| address(&format!("postgres://me@db/ledger?{options}")).trust;
    assert_eq!(trust("sslmode=verify-full"), Trust::Named(Roots::Web));
    assert_eq!(trust("sslmode=require&sslrootcert=system"), Trust::Named(Roots::Web));
    assert!(refusal("postgres://me@db/l?sslmode=verify-ca").contains("sslrootcert"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a root.pem");
    std::fs::write(&path, rcgen::generate_simple_self_signed(["db".to_owned()]).unwrap().cert.pem()).unwrap();
    let file = format!("sslrootcert={}", path.to_str().unwrap().replace(' ', "%20"));
    assert!(matches!(trust(&file), Trust::Named(Roots::Own(_))));
    assert!(matches!(trust(&format!("sslmode=require&{file}")), Trust::Signed(Roots::Own(_))));
    assert!(matches!(trust(&format!("sslmode=verify-ca&{file}")), Trust::Signed(Roots::Own(_))));
    assert!(refusal("postgres://me@db/l?sslrootcert=/nowhere.pem").contains("/nowhere.pem"));
}

#[test]
fn statements_are_prepared_where_the_address_says_so() {
    let prepared = |options: &str| address(&format!("postgres://me@db/ledger?{options}")).prepared;
    assert!(!prepared("sslmode=require") && !prepared("prepared_statements=no"));
    assert!(prepared("prepared_statements=yes&sslmode=require"));
    let refusal = refusal("postgres://me:hush@db/ledger?prepared_statements=hushhush");
    assert!(refusal.contains("neither yes nor no") && !refusal.contains("hush"), "{refusal}");
}
