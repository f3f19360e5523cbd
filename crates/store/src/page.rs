//! Lists that are read a page at a time, newest first.

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts, when there is one.
    pub next: Option<uuid::Uuid>,
}

impl<T> Page<T> {
    /// Cuts `items`, which were read with one row more than `limit`, to a page.
    pub(crate) fn cut(mut items: Vec<T>, limit: usize, id: impl Fn(&T) -> uuid::Uuid) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(id) } else { None };
        Self { items, next }
    }
}
