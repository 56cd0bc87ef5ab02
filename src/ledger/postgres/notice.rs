//! Telling the other processes that there is something to do or that something ended, and hearing it from them.
//! Whoever hears nothing finds out by looking: a notice may be lost, and a pooler may let none through.

#[derive(Default)]
pub(super) struct Notices {}
