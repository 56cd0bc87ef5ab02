//! Variables that carry our prefix but mean nothing: most are typos, some come from Kubernetes.
//! Knows the names of the settings, not what they hold.

use super::raw::names;
use super::{Environment, Mistake};

/// A mistake for each `USHER_` variable that is no setting, unless `mentioned` says that the rules file names it.
pub(super) fn unknown(environment: &Environment, mentioned: impl Fn(&str) -> bool) -> Vec<Mistake> {
    let ours = environment.iter().filter(|(name, _)| name.starts_with("USHER_"));
    let strange = ours.filter(|(name, value)| {
        let known = names().any(|known| known == *name) || is_service_link(name, value);
        !known && !mentioned(name) && !name.strip_suffix("_FILE").is_some_and(&mentioned)
    });
    strange.map(|(name, _)| mistake(name)).collect()
}

fn mistake(name: &str) -> Mistake {
    let help = match nearest(name) {
        Some(known) => format!("did you mean {known}?"),
        None => "config/example.env lists every variable; unset this one".to_owned(),
    };
    Mistake::new(name, "is no setting", "a variable that usher knows", help)
}

/// Kubernetes describes a Service called usher, or usher-something, in variables that look like ours.
fn is_service_link(name: &str, value: &str) -> bool {
    let describes_port = name.ends_with("_PORT") || name.contains("_PORT_");
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_ADDR") && describes_port
        || describes_port && (value.contains("://") || name.contains("_TCP_") || name.contains("_UDP_"))
}

/// The setting whose name differs from `name` by a few letters at most.
fn nearest(name: &str) -> Option<String> {
    let close = names().map(|known| (distance(name, &known), known));
    close.filter(|(distance, _)| *distance <= 3).min().map(|(_, known)| known)
}

/// How many letters to insert, delete or exchange to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.bytes().enumerate() {
            let exchanged = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Vec<Mistake> {
        unknown(&variables.iter().copied().collect(), |name| name == "USHER_BILLING_TOKEN")
    }

    #[test]
    fn a_typo_is_a_mistake_with_a_suggestion() {
        let mistakes = found(&[("USHER_LISTN", "x"), ("USHER_DRAINDELAY", "x"), ("USHER_COLOUR_OF_SKY", "x")]);
        let helps: Vec<_> = mistakes.iter().map(|mistake| mistake.help.as_str()).collect();
        assert!(helps[0].starts_with("config/example.env"), "{helps:?}");
        assert_eq!(helps[1..], ["did you mean USHER_DRAIN_DELAY?", "did you mean USHER_LISTEN?"]);
    }

    #[test]
    fn what_kubernetes_injects_is_no_typo() {
        let links = [
            ("USHER_SERVICE_HOST", "10.0.0.1"),
            ("USHER_SERVICE_PORT", "80"),
            ("USHER_SERVICE_PORT_HTTP", "80"),
            ("USHER_PORT", "tcp://10.0.0.1:80"),
            ("USHER_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("USHER_PORT_80_TCP_PROTO", "tcp"),
            ("USHER_PORT_80_TCP_PORT", "80"),
            ("USHER_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("USHER_ADMIN_PORT_9090_TCP", "tcp://10.0.0.1:9090"),
        ];
        assert_eq!(found(&links), []);
        assert_eq!(found(&[("USHER_PORT", "8080")]).len(), 1, "a person wrote this one");
    }

    #[test]
    fn a_secret_that_the_rules_name_is_known_with_its_file() {
        assert_eq!(found(&[("USHER_BILLING_TOKEN", "x"), ("USHER_BILLING_TOKEN_FILE", "x"), ("CLERK_JWT", "x")]), []);
    }
}
