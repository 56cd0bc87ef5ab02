//! Claims about secrets that change while they are in use.

use std::path::Path;

use super::reload::Found;
use super::*;

const KEYS: [&str; 2] = ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];

fn held(sender: &str, kind: Kind, text: &str) -> Held {
    let sender = SenderName::try_from(sender.to_owned()).unwrap();
    let (path, proof) = (Some(Path::new("/a").to_owned()), kind.read(&Secret::new(text)).unwrap());
    Held { sender, kind, path, proof, trouble: None }
}

fn token(sender: &str, text: &str) -> Held {
    held(sender, Kind::Token, &format!("{text}-{text}-{text}-{text}"))
}

fn found(text: &str) -> Found {
    Some(Kind::Token.read(&Secret::new(format!("{text}-{text}-{text}-{text}"))))
}

fn is(secrets: &Secrets, texts: &[&str]) -> bool {
    let proof = |text: &&str| found(text).unwrap().unwrap();
    secrets.0.iter().zip(texts).all(|(held, text)| held.proof.is_same(&proof(text)))
}

#[test]
fn a_new_secret_takes_the_place_of_the_old_one() {
    let mut secrets = Secrets(vec![token("a", "aaaa"), token("a", "bbbb"), token("b", "cccc")]);
    assert!(!secrets.take(vec![found("aaaa"), found("bbbb"), None]));
    assert!(secrets.take(vec![found("dddd"), found("bbbb"), None]));
    assert!(is(&secrets, &["dddd", "bbbb", "cccc"]));
}

#[test]
fn whatever_is_wrong_with_a_new_one_the_old_one_stays_and_is_told_once() {
    let mut secrets = Secrets(vec![token("a", "aaaa"), token("b", "bbbb")]);
    for wrong in [Some(Err("gone".to_owned())), found("a"), found("bbbb")] {
        let told = secrets.0[0].trouble.clone();
        assert!(!secrets.take(vec![wrong, None]));
        assert!(is(&secrets, &["aaaa", "bbbb"]));
        assert_ne!(secrets.0[0].trouble, told);
    }
    assert!(!secrets.take(vec![found("aaaa"), None]));
    assert_eq!(secrets.0[0].trouble, None, "so that the next trouble is told again");
}

#[test]
fn two_senders_may_change_places_but_never_share() {
    let two = || Secrets(vec![token("a", "aaaa"), token("b", "bbbb")]);
    let mut swapped = two();
    assert!(swapped.take(vec![found("bbbb"), found("aaaa")]));
    assert!(is(&swapped, &["bbbb", "aaaa"]));
    let mut chained = two();
    assert!(!chained.take(vec![Some(Err("gone".to_owned())), found("aaaa")]), "the old one of `a` still counts");
    assert!(is(&chained, &["aaaa", "bbbb"]));
    let mut both = two();
    both.take(vec![found("cccc"), found("cccc")]);
    assert!(!both.0[0].proof.is_same(&both.0[1].proof));
}

#[test]
fn two_senders_cannot_have_one_key_in_two_spellings() {
    let mut secrets = Secrets(vec![held("a", Kind::SigningSecret, KEYS[0]), held("b", Kind::SigningSecret, KEYS[1])]);
    let bare = Kind::SigningSecret.read(&Secret::new(KEYS[1].trim_start_matches("whsec_")));
    assert!(!secrets.take(vec![Some(bare), None]));
    assert!(secrets.0[0].trouble.as_ref().is_some_and(|trouble| trouble.contains("sender b")));
}

#[test]
fn a_variable_that_points_to_a_file_is_looked_at_like_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "a-token-that-nobody-guesses\n").unwrap();
    let source =
        "senders:\n  a: { tokens: [{ env: ONE }, { env: TWO }], events: ['*'], roles: [] }\nroles: []\nrules: []\n";
    let rules = crate::rules::load("usher.yaml", source).unwrap();
    let environment = [("ONE_FILE", path.to_str().unwrap()), ("TWO", "another-token-that-nobody-guesses")];
    let secrets = Secrets::read(&environment.into_iter().collect(), rules.senders()).unwrap();
    let paths: Vec<_> = secrets.0.into_iter().map(|held| held.path).collect();
    assert_eq!(paths, [Some(path), None]);
}
