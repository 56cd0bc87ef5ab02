//! Ids in the form of Clerk's: a prefix and 27 base62 characters, repeatable by seed.
//! Does not know what it names.

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SUFFIX: usize = 27;

/// Gives every id once.
pub(super) struct Ids(fastrand::Rng);

impl Ids {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The next id with this prefix (`user_`, `org_`, `orgmem_`, `idn_`).
    pub(super) fn next(&mut self, prefix: &str) -> String {
        let mut id = String::with_capacity(prefix.len() + SUFFIX);
        id.push_str(prefix);
        id.extend((0..SUFFIX).map(|_| char::from(LETTERS[self.0.usize(..LETTERS.len())])));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_look_like_clerks_and_repeat_with_the_seed() {
        let id = Ids::new(1).next("orgmem_");
        assert_eq!(id.len(), "orgmem_".len() + 27);
        assert!(id.bytes().skip(7).all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(id, Ids::new(1).next("orgmem_"));
        assert_ne!(id, Ids::new(2).next("orgmem_"));
    }
}
