//! Rules: a YAML file in, membership changes out. `load` checks all of the file, `evaluate` is pure and bounded.
//! Knows nothing of HTTP, the ledger or the network.

mod ceiling;
mod cost;
mod diagnostic;
mod environment;
mod evaluate;
mod expected;
mod expression;
mod failure;
mod fields;
mod globs;
mod guarded;
mod last_wins;
mod load;
mod metadata;
mod moment;
mod named;
mod names;
mod parts;
mod position;
mod roles;
mod rule;
mod scan;
mod scope;
mod self_test;
mod senders;
mod share;
mod site;
mod tables;
mod tree;
mod values;
mod vocabulary;

use std::fmt;
use std::sync::Arc;

pub use diagnostic::Diagnostic;
pub use evaluate::{Evaluation, RuleTrace, Verdict, evaluate};
pub use globs::Globs;
pub use load::load;
pub use senders::{Actions, Jwks, Refusal, SecretRef, Sender, ServiceAccount};

use crate::domain::{Digest, Role};

/// A rule file that passed every check.
pub struct Rules {
    world: World,
    senders: Vec<Sender>,
    rules: Vec<rule::Rule>,
}

/// What all rules of a file share.
struct World {
    env: Arc<cel::Env>,
    tables: scope::Tables,
    /// Lowest first.
    roles: Vec<Role>,
    digest: Digest,
}

impl Rules {
    /// The digest of the file: which rules decided.
    pub fn digest(&self) -> Digest {
        self.world.digest
    }

    /// Who may send events.
    pub fn senders(&self) -> &[Sender] {
        &self.senders
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether every event is ignored.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How many tests the rules carry; all of them passed.
    pub fn tests(&self) -> usize {
        self.rules.iter().map(|rule| rule.tests).sum()
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("digest", &self.world.digest.to_string()).field("rules", &self.len()).finish()
    }
}
