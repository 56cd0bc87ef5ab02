//! Clerk's secret key: as a value, or as a value from a file that is read again when the key is exchanged.
//! Knows nothing of what the key opens.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use awc::http::header::HeaderValue;

use super::ConfigError;

/// No key is longer; a path to something else should not be read into memory.
const LONGEST: u64 = 64 * 1024;

/// Clerk's secret key; its `Debug` does not show it.
#[derive(Clone)]
pub struct SecretKey {
    text: String,
    file: Option<PathBuf>,
}

impl SecretKey {
    /// Takes the key as it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), file: None }
    }

    /// Notes the file that the key was read from, so that it can be read again.
    #[must_use]
    pub fn from_file(self, path: impl Into<PathBuf>) -> Self {
        Self { file: Some(path.into()), ..self }
    }

    /// The text for the Authorization header, where it can be one.
    fn header(&self) -> Result<HeaderValue, ConfigError> {
        let fits = !self.text.is_empty() && self.text.bytes().all(|b| b.is_ascii_graphic());
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.text));
        let mut value = bearer.ok().filter(|_| fits).ok_or(ConfigError::SecretKey)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl From<String> for SecretKey {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

/// The key in use.
pub(super) struct KeyInUse {
    key: RefCell<SecretKey>,
    header: RefCell<HeaderValue>,
    /// That it cannot be exchanged was said.
    complained: Cell<bool>,
}

impl KeyInUse {
    pub(super) fn new(key: SecretKey) -> Result<Self, ConfigError> {
        let header = key.header()?;
        Ok(Self { key: RefCell::new(key), header: RefCell::new(header), complained: Cell::new(false) })
    }

    /// The value of the Authorization header.
    pub(super) fn header(&self) -> HeaderValue {
        self.header.borrow().clone()
    }

    /// Reads the key's file again, and says whether it holds another key now.
    pub(super) fn refresh(&self) -> bool {
        let Some(path) = self.key.borrow().file.clone() else { return false };
        match self.replace(&path) {
            Ok(changed) => {
                self.complained.set(false);
                if changed {
                    tracing::info!(path = %path.display(), "another secret key is in use");
                }
                changed
            }
            Err(error) => {
                if !self.complained.replace(true) {
                    tracing::warn!(path = %path.display(), %error, "the secret key cannot be read again; the old one stays");
                }
                false
            }
        }
    }

    fn replace(&self, path: &Path) -> Result<bool, Unusable> {
        let text = read(path)?;
        let mut key = self.key.borrow_mut();
        if text == key.text {
            return Ok(false);
        }
        if instance(&text) != instance(&key.text) {
            return Err(Unusable::OtherKind);
        }
        let new = SecretKey { text, file: key.file.clone() };
        *self.header.borrow_mut() = new.header().or(Err(Unusable::NoKey))?;
        *key = new;
        Ok(true)
    }
}

/// Why a file holds no key to go on with; never the key.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Unread(#[from] io::Error),
    #[error("it does not hold visible ASCII characters, and only those")]
    NoKey,
    /// The pace and the demand for TLS were set for the kind of instance at the start.
    #[error("it holds a key for another kind of instance, which needs a restart")]
    OtherKind,
}

fn read(path: &Path) -> Result<String, Unusable> {
    let mut text = String::new();
    File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    let text = text.trim();
    if text.is_empty() { Err(Unusable::NoKey) } else { Ok(text.to_owned()) }
}

/// `sk_live` or `sk_test`, where a key has that form.
fn instance(key: &str) -> Option<&str> {
    ["sk_live", "sk_test"].into_iter().find(|kind| key.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_key_is_not_shown() {
        let key = SecretKey::new("sk_test_hush");
        assert!(!format!("{key:?} {:?}", key.header()).contains("hush"));
        for bad in ["", "sk_test\n", "sk test", "sk_té"] {
            assert!(SecretKey::new(bad).header().is_err_and(|error| !error.to_string().contains("té")));
        }
    }

    #[test]
    fn a_key_without_a_file_stays() {
        assert!(!KeyInUse::new(SecretKey::new("sk_test_1")).unwrap().refresh());
    }

    #[test]
    fn a_key_is_exchanged_only_for_one_that_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = KeyInUse::new(SecretKey::new("sk_test_1").from_file(&path)).unwrap();
        let after = |content: Option<&str>| {
            match content {
                Some(content) => std::fs::write(&path, content).unwrap(),
                None => std::fs::remove_file(&path).unwrap_or_default(),
            }
            (key.refresh(), key.header().to_str().unwrap().to_owned())
        };
        let first = (false, "Bearer sk_test_1".to_owned());
        for unusable in [None, Some(""), Some(" \n"), Some("sk_test_2 sk_test_3"), Some("sk_test_é"), Some("sk_live_2")]
        {
            assert_eq!(after(unusable), first, "{unusable:?}");
        }
        assert_eq!(after(Some("sk_test_1\n")), first);
        let second = "Bearer sk_test_2".to_owned();
        assert_eq!(after(Some("  sk_test_2\r\n")), (true, second.clone()));
        assert_eq!(after(Some("sk_test_2")), (false, second.clone()));
        assert_eq!(after(None), (false, second));
    }
}
