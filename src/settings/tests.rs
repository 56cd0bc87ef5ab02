//! Claims about the settings as a whole.

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Settings, Vec<Mistake>> {
    Settings::read(&variables.iter().copied().collect(), |_| false)
}

fn mistaken(variables: &[(&str, &str)]) -> Vec<String> {
    let with_key = [&[("CLERK_SECRET_KEY", "sk_test_x")], variables].concat();
    read(&with_key).unwrap_err().into_iter().map(|mistake| mistake.variable).collect()
}

/// `NAME=value` lines; a line that begins with # is a comment.
fn example() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../../config/example.env").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).collect()
}

#[test]
fn the_example_sets_every_variable_to_its_default() {
    let example = example();
    let key = *example.iter().find(|(name, _)| *name == "CLERK_SECRET_KEY").unwrap();
    assert_eq!(read(&example), read(&[key]));
    let text = include_str!("../../config/example.env");
    for name in raw::names() {
        assert!(text.contains(&format!("{name}=")), "{name} is not documented");
    }
    for (name, _) in example {
        assert!(raw::names().any(|known| known == name), "{name} is documented but unknown");
    }
}

#[test]
fn only_the_secret_key_is_required_and_it_decides_the_rate() {
    let test = read(&[("CLERK_SECRET_KEY", "sk_test_x")]).unwrap();
    assert_eq!((test.rate, test.api_url.as_str()), (90, "https://api.clerk.com"));
    assert_eq!(read(&[("CLERK_SECRET_KEY", "sk_live_x")]).unwrap().rate, 900);
    assert_eq!(read(&[("CLERK_SECRET_KEY", "sk_live_x"), ("USHER_RATE", "7")]).unwrap().rate, 7);
    assert_eq!(read(&[("CLERK_SECRET_KEY", "sk_test_x"), ("USHER_RATE", "")]).unwrap().rate, 90);
}

#[test]
fn every_mistake_is_reported_at_once() {
    let mistakes = read(&[
        ("CLERK_API_URL", "api.clerk.com"),
        ("USHER_LISTEN", "8080"),
        ("USHER_DRAIN_DELAY", "5"),
        ("USHER_CONCURRENCY", "many"),
        ("USHER_LOG_FORMAT", "xml"),
        ("USHER_LEGDER", "/data"),
        ("RUST_LOG", "usher=loud"),
    ])
    .unwrap_err();
    let named: Vec<_> = mistakes.iter().map(|mistake| mistake.variable.as_str()).collect();
    let expected = [
        "CLERK_SECRET_KEY",
        "CLERK_API_URL",
        "USHER_LISTEN",
        "USHER_DRAIN_DELAY",
        "USHER_CONCURRENCY",
        "USHER_LOG_FORMAT",
        "RUST_LOG",
        "USHER_LEGDER",
    ];
    assert_eq!(named, expected);
    assert_eq!(mistakes[7].help, "did you mean USHER_LEDGER?");
}

#[test]
fn a_wrong_secret_key_is_never_shown() {
    for key in ["pk_test_hush", "hush", "sk_other_hush", "sk_test_hu sh"] {
        let mistakes = read(&[("CLERK_SECRET_KEY", key)]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{key}");
        assert!(!format!("{mistakes:?} {}", mistakes[0]).contains("hu"), "{key}");
    }
    let misplaced = read(&[("CLERK_API_URL", "https://me:hush@host"), ("USHER_LISTEN", "sk_live_hush")]).unwrap_err();
    assert!(!format!("{misplaced:?}").contains("hush"), "{misplaced:?}");
    let settings = read(&[("CLERK_SECRET_KEY", "sk_test_hush")]).unwrap();
    assert!(!format!("{settings:?}").contains("hush"));
}

#[test]
fn settings_that_contradict_each_other_are_mistakes() {
    assert_eq!(mistaken(&[("USHER_RETRY_FIRST", "10min")]), ["USHER_RETRY_FIRST"]);
    assert_eq!(mistaken(&[("USHER_ADMIN_LISTEN", "127.0.0.1:8080")]), ["USHER_ADMIN_LISTEN"]);
    let exposed = read(&[("CLERK_SECRET_KEY", "sk_live_x"), ("CLERK_API_URL", "http://clerk.example")]).unwrap_err();
    assert_eq!(exposed[0].variable, "CLERK_API_URL");
    assert!(read(&[("CLERK_SECRET_KEY", "sk_test_x"), ("CLERK_API_URL", "http://sandbox:8090")]).is_ok());
}

#[test]
fn what_nothing_reads_is_no_setting() {
    assert_eq!(mistaken(&[("USHER_ADMIN_TOKEN", "hush")]), ["USHER_ADMIN_TOKEN"]);
}

#[test]
fn bounds_are_told_in_round_numbers() {
    let mistakes = read(&[("CLERK_SECRET_KEY", "sk_test_x"), ("USHER_RETENTION", "30")]).unwrap_err();
    assert!(mistakes[0].expected.ends_with("from 1h to 10years"), "{}", mistakes[0]);
}

#[test]
fn a_mistake_reads_well() {
    let mistakes = read(&[("CLERK_SECRET_KEY", "sk_test_x"), ("USHER_LISTEN", "8080")]).unwrap_err();
    insta::assert_snapshot!(mistakes[0], @r#"
    error: USHER_LISTEN is "8080"
      expected: an IP address and a port, such as 127.0.0.1:8080 or [::]:8080
      help: change USHER_LISTEN, or unset it for the default
    "#);
}

#[test]
fn a_secret_key_from_a_file_comes_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "sk_test_x\n").unwrap();
    let settings = read(&[("CLERK_SECRET_KEY_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!((settings.secret_key, settings.secret_key_file), (Secret::new("sk_test_x"), Some(path)));
    assert_eq!(read(&[("CLERK_SECRET_KEY", "sk_test_x")]).unwrap().secret_key_file, None);
}

#[test]
fn certificate_and_key_come_together_or_not_at_all() {
    let (certificate, key, ca) =
        (("USHER_TLS_CERT_FILE", "/c"), ("USHER_TLS_KEY_FILE", "/k"), ("USHER_TLS_CLIENT_CA_FILE", "/ca"));
    for alone in [&[certificate][..], &[key], &[ca], &[certificate, ca], &[key, ca]] {
        assert_eq!(mistaken(alone), [alone[0].0], "{alone:?}");
    }
    let read =
        |variables: &[(&str, &str)]| read(&[&[("CLERK_SECRET_KEY", "sk_test_x")], variables].concat()).unwrap().tls;
    assert_eq!(read(&[]), None);
    let (certificate_file, key_file) = (PathBuf::from("/c"), PathBuf::from("/k"));
    let files = TlsFiles { certificate: certificate_file, key: key_file, client_ca: None };
    assert_eq!(read(&[certificate, key]), Some(files.clone()));
    assert_eq!(read(&[certificate, key, ca]), Some(TlsFiles { client_ca: Some("/ca".into()), ..files }));
}
