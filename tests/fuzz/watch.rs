//! What every target has in common: an input that costs more than ten milliseconds of processor time is a finding.
//! Knows nothing of what is tested.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

const LIMIT: Duration = Duration::from_millis(10);
/// The first run may have set things up, or shared its processor with others.
const AGAIN: usize = 3;

/// Runs `door`, and panics if each of three more runs after a slow one takes too long for its own thread.
pub fn watched(input: &[u8], door: impl Fn(&[u8])) {
    let began = Instant::now();
    door(input);
    if began.elapsed() <= LIMIT {
        return;
    }
    let fastest = (0..AGAIN).map(|_| processor_time(|| door(input))).min().unwrap_or_default();
    assert!(fastest <= LIMIT, "one input of {} bytes took {fastest:?} of processor time", input.len());
}

fn processor_time(run: impl FnOnce()) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default();
    let began = now();
    run();
    now().saturating_sub(began)
}
