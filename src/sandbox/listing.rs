//! From rows to one page of them: order, then offset and limit.
//! Does not know where the rows come from.

/// Which slice of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) limit: usize,
    pub(super) offset: usize,
}

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) field: &'static str,
    pub(super) descending: bool,
}

/// One page and how many rows there are on all of them.
pub(super) struct Page<'a, T> {
    pub(super) rows: Vec<&'a T>,
    pub(super) total: usize,
}

/// The page of `rows`, which come oldest first; `key` gives what a field other than `created_at` is compared by.
pub(super) fn page<'a, T>(
    mut rows: Vec<&'a T>,
    order: Order,
    paging: Paging,
    key: impl Fn(&T, &str) -> Option<String>,
) -> Page<'a, T> {
    if order.field != "created_at" {
        rows.sort_by_cached_key(|row| key(row, order.field));
    }
    if order.descending {
        rows.reverse();
    }
    let total = rows.len();
    Page { rows: rows.into_iter().skip(paging.offset).take(paging.limit).collect(), total }
}

/// Whether any of these texts contains what is searched for, which is in lower case.
pub(super) fn matches<'a>(search: Option<&str>, texts: impl IntoIterator<Item = Option<&'a str>>) -> bool {
    let Some(search) = search else { return true };
    texts.into_iter().flatten().any(|text| text.to_lowercase().contains(search))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(field: &'static str, descending: bool, paging: Paging) -> (Vec<&'static str>, usize) {
        let rows = vec![&"b", &"c", &"a"];
        let page = page(rows, Order { field, descending }, paging, |row, _| Some((*row).to_owned()));
        (page.rows.into_iter().copied().collect(), page.total)
    }

    #[test]
    fn pages_follow_the_order_and_count_everything() {
        let all = Paging { limit: 10, offset: 0 };
        assert_eq!(listed("created_at", true, all), (vec!["a", "c", "b"], 3));
        assert_eq!(listed("name", false, all), (vec!["a", "b", "c"], 3));
        assert_eq!(listed("name", true, Paging { limit: 1, offset: 1 }), (vec!["b"], 3));
        assert_eq!(listed("name", true, Paging { limit: 1, offset: 9 }), (vec![], 3));
    }
}
