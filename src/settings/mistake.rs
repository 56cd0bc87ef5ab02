//! A mistake in the environment as an operator reads it: which variable, what is wrong, what was expected, what to do.
//! Never repeats the value of a secret.

use std::fmt;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable, as the operator spells it.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub expected: String,
    /// What to do.
    pub help: String,
}

impl Mistake {
    /// A mistake of `variable`.
    pub fn new(
        variable: &str,
        problem: impl Into<String>,
        expected: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { variable: variable.into(), problem: problem.into(), expected: expected.into(), help: help.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {} {}", self.variable, self.problem)?;
        writeln!(f, "  expected: {}", self.expected)?;
        write!(f, "  help: {}", self.help)
    }
}
