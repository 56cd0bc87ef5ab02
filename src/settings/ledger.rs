//! Where the ledger is, as text: a folder, or the address of a database, which may hold a password.
//! Knows nothing of addresses.

use std::path::Path;

use super::raw::{LEDGER, LEDGER_FILE};
use super::{Environment, Mistake, Secret, secret_file};

/// The folder of the embedded ledger unless something else is set.
const FOLDER: &str = "./data";

/// What is set, or the default. Not any secret: a folder may have a name that no secret has.
pub fn place(environment: &Environment) -> Result<Secret, Mistake> {
    match (environment.get(LEDGER), environment.get(LEDGER_FILE)) {
        (None, None) => Ok(Secret::new(FOLDER)),
        (Some(place), None) => Ok(Secret::new(place)),
        (None, Some(path)) => secret_file(LEDGER_FILE, Path::new(path)),
        (Some(_), Some(_)) => {
            let problem = format!("and {LEDGER_FILE} are both set");
            let expected = "one of the two, so that it is clear which one counts";
            Err(Mistake::new(LEDGER, problem, expected, format!("unset {LEDGER} or {LEDGER_FILE}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(variables: &[(&str, &str)]) -> Result<Secret, Mistake> {
        place(&variables.iter().copied().collect())
    }

    #[test]
    fn a_ledger_is_in_a_folder_of_any_name_unless_it_is_elsewhere() {
        assert_eq!(place_of(&[]), Ok(Secret::new("./data")));
        assert_eq!(place_of(&[("USHER_LEDGER", "/my data/é")]), Ok(Secret::new("/my data/é")));
    }

    #[test]
    fn an_address_comes_from_a_file_too_and_from_one_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        std::fs::write(&path, "postgres://usher:hush@db/usher\n").unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(place_of(&[("USHER_LEDGER_FILE", path)]), Ok(Secret::new("postgres://usher:hush@db/usher")));
        let twice = place_of(&[("USHER_LEDGER_FILE", path), ("USHER_LEDGER", "x")]).unwrap_err();
        assert!(twice.variable == "USHER_LEDGER" && !twice.to_string().contains("hush"), "{twice}");
    }
}
