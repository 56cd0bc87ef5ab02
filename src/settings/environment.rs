//! The environment variables as they came, and secrets that may come as a file.
//! Knows nothing of what a variable means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::{Mistake, Secret};

/// No secret is longer; a path to something else should not be read into memory.
const LONGEST_SECRET: u64 = 64 * 1024;

/// A snapshot of the environment; empty variables count as absent, as in a manifest that leaves one blank.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names of variables whose value is not UTF-8.
    unreadable: Vec<String>,
}

impl Environment {
    /// The environment of this process.
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            if let Ok(name) = name.into_string() {
                environment.take(name, value);
            }
        }
        environment
    }

    fn take(&mut self, name: String, value: OsString) {
        match value.into_string() {
            Ok(value) if value.is_empty() => {}
            Ok(value) => drop(self.variables.insert(name, value)),
            Err(_) => self.unreadable.push(name),
        }
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// All of them, in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The variables whose value cannot be read as text.
    pub fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    /// The secret that `name` holds or `name`_FILE points to; `None` when neither is set.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, Mistake> {
        let twin = format!("{name}_FILE");
        match (self.get(name), self.get(&twin)) {
            (None, None) => Ok(None),
            (Some(text), None) => checked(name, text).map(Some),
            (None, Some(path)) => secret_file(&twin, Path::new(path)).map(Some),
            (Some(_), Some(_)) => {
                let expected = "one of the two, so that it is clear which one counts";
                Err(Mistake::new(name, format!("and {twin} are both set"), expected, format!("unset {name} or {twin}")))
            }
        }
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            environment.take(name.into(), value.into());
        }
        environment
    }
}

/// The secret in a file; `variable` is what to name when it cannot be read.
pub fn secret_file(variable: &str, path: &Path) -> Result<Secret, Mistake> {
    let cannot = |reason: String| {
        let help = "check that the secret is mounted there and that this user may read it";
        Mistake::new(variable, format!("points to {}: {reason}", path.display()), "a file that holds the secret", help)
    };
    let size = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?.len();
    if size > LONGEST_SECRET {
        return Err(cannot(format!("{size} bytes are too many for a secret")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| cannot(error.to_string()))?;
    checked(variable, &text)
}

/// White space around a secret is an accident of how it was written down; anything odd inside cannot be sent in a header.
fn checked(variable: &str, text: &str) -> Result<Secret, Mistake> {
    let text = text.trim();
    let expected = "visible ASCII characters without spaces";
    let help = "copy the secret again, without quotes or line breaks";
    match text {
        "" => Err(Mistake::new(variable, "is blank", expected, help)),
        _ if !text.bytes().all(|b| b.is_ascii_graphic()) => {
            Err(Mistake::new(variable, "holds a character that cannot be sent", expected, help))
        }
        _ => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        variables.iter().copied().collect()
    }

    #[test]
    fn a_secret_comes_from_its_variable_or_its_file_without_the_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "in-the-file\n").unwrap();
        let by_file = environment(&[("TOKEN_FILE", path.to_str().unwrap())]);
        assert_eq!(by_file.secret("TOKEN"), Ok(Some(Secret::new("in-the-file"))));
        assert_eq!(environment(&[("TOKEN", " plain ")]).secret("TOKEN"), Ok(Some(Secret::new("plain"))));
        assert_eq!(environment(&[("TOKEN", "")]).secret("TOKEN"), Ok(None));
    }

    #[test]
    fn a_secret_given_twice_or_not_readable_is_a_mistake() {
        let twice = environment(&[("TOKEN", "a"), ("TOKEN_FILE", "/b")]);
        assert_eq!(twice.secret("TOKEN").unwrap_err().variable, "TOKEN");
        let gone = environment(&[("TOKEN_FILE", "/nowhere/token")]);
        let mistake = gone.secret("TOKEN").unwrap_err();
        assert!(mistake.problem.contains("/nowhere/token"), "{mistake}");
    }

    #[test]
    fn a_mistake_and_debug_never_show_a_secret() {
        let mistake = environment(&[("TOKEN", "hush hush")]).secret("TOKEN").unwrap_err();
        assert!(!mistake.to_string().contains("hush"), "{mistake}");
        assert_eq!(format!("{:?}", Secret::new("hush")), "[redacted]");
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_set_aside() {
        use std::os::unix::ffi::OsStringExt as _;
        let environment: Environment = [("USHER_LEDGER", OsString::from_vec(vec![0xff]))].into_iter().collect();
        assert_eq!(environment.unreadable(), ["USHER_LEDGER"]);
        assert_eq!(environment.get("USHER_LEDGER"), None);
    }
}
