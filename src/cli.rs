//! The command line. Placeholder for compiling `check` alone.
pub mod check;
