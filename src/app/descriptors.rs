//! Whether this process may open as many files as it promises connections.
//! Knows nothing of how the limit is raised: that is up to whoever starts the process.

use std::fs;

/// The ledger, the listeners and calls of Clerk's API.
const OTHERS: usize = 200;

/// Says so when the limit of open files is too low for so many connections.
pub(super) fn warn(connections: usize) {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let wanted = connections.saturating_add(OTHERS);
    if let Some(limit) = soft_limit(&limits).filter(|limit| *limit < wanted) {
        tracing::warn!(
            limit,
            wanted,
            "open files are limited to fewer than connections may need: raise it, or lower USHER_CONNECTIONS"
        );
    }
}

/// The soft limit in the text of `/proc/self/limits`; `None` where there is none, or no such file.
fn soft_limit(limits: &str) -> Option<usize> {
    limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_the_first_number_of_its_line() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max processes             63704                63704                processes\n\
                    Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit(text), Some(1024));
        assert_eq!(soft_limit("Max open files            unlimited            unlimited            files"), None);
        assert_eq!(soft_limit(""), None);
    }
}
