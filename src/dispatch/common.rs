//! What holds for all replicas as far as this one knows, and what it has to tell the others.
//! Pure: time comes in as `now`. Knows nothing of how it is told.

use std::time::Instant;

/// What is known and what is to be told.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// An operator wants no calls.
    pub(super) paused: bool,
    closed_until: Option<Instant>,
    halt: Option<Tell>,
}

/// What the others do not know yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tell {
    /// Clerk asks for silence until then.
    Closed(Instant),
    /// Clerk refuses usher itself, and says this.
    Halted(String),
    /// It does no more.
    GoesOn,
}

impl Common {
    /// Notes it; what contradicts it is forgotten.
    pub(super) fn note(&mut self, tell: Tell) {
        match tell {
            Tell::Closed(until) => self.closed_until = self.closed_until.max(Some(until)),
            halt @ (Tell::Halted(_) | Tell::GoesOn) => self.halt = Some(halt),
        }
    }

    /// What to tell next.
    pub(super) fn next(&mut self, now: Instant) -> Option<Tell> {
        self.closed_until = self.closed_until.filter(|until| *until > now);
        self.closed_until.map(Tell::Closed).or_else(|| self.halt.clone())
    }

    /// It was told; what came after it was not.
    pub(super) fn told(&mut self, tell: &Tell) {
        self.closed_until = self.closed_until.filter(|until| *tell != Tell::Closed(*until));
        self.halt.take_if(|halt| halt == tell);
    }

    /// Whether others cannot know better about a halt: what is read now was written before.
    pub(super) fn knows_best(&self) -> bool {
        self.halt.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_told_is_told_once_and_the_latest_counts() {
        let (mut common, now) = (Common::default(), Instant::now());
        let halted = Tell::Halted("401".to_owned());
        common.note(halted.clone());
        common.note(Tell::Closed(now + Duration::from_secs(9)));
        common.note(Tell::Closed(now + Duration::from_secs(3)));
        let closed = Tell::Closed(now + Duration::from_secs(9));
        assert_eq!(common.next(now), Some(closed.clone()));
        common.told(&closed);
        assert_eq!(common.next(now), Some(halted.clone()));
        common.note(Tell::GoesOn);
        common.told(&halted);
        assert!(common.knows_best());
        assert_eq!(common.next(now), Some(Tell::GoesOn));
        common.told(&Tell::GoesOn);
        assert_eq!((common.next(now), common.knows_best()), (None, false));
    }

    #[test]
    fn a_silence_that_is_over_is_not_told() {
        let (mut common, now) = (Common::default(), Instant::now());
        common.note(Tell::Closed(now + Duration::from_secs(9)));
        assert_eq!(common.next(now + Duration::from_secs(9)), None);
    }
}
