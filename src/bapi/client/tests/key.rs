//! Which key goes out before and after the file with it has changed.

use super::super::super::fake::{Answer, Fake};
use super::super::super::{Client, ClientConfig, SecretKey};
use super::{key as member, membership};

#[actix_rt::test]
async fn a_key_that_was_exchanged_is_used_by_every_clone_from_the_next_call_on() {
    let fake = Fake::start(|_| Answer::json(200, &membership()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SecretKey::new("sk_test_1").from_file(&path);
    let client = Client::new(ClientConfig::new(&fake.url, key)).unwrap();
    let clone = client.clone();
    assert!(!client.refresh_key(), "there is no file");
    assert!(client.delete(&member()).await.result.is_ok());
    std::fs::write(&path, "sk_test_2\n").unwrap();
    assert!(client.refresh_key());
    assert!(clone.delete(&member()).await.result.is_ok());
    let keys: Vec<_> = fake.seen().iter().filter_map(|seen| seen.header("authorization").map(str::to_owned)).collect();
    assert_eq!(keys, ["Bearer sk_test_1", "Bearer sk_test_2"]);
}
