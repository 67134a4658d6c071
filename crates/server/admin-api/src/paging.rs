//! Lists in parts. Pure.

use jiff::Timestamp;
use serde::Deserialize;

use crate::refused::Refused;
use crate::wire::Page;

/// Which part of a list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// What `next` said.
    #[serde(default)]
    pub(crate) after: String,
    /// At most so many.
    #[serde(default)]
    limit: Option<u32>,
}

impl Paging {
    pub(crate) fn limit(&self) -> Result<u32, Refused> {
        match self.limit {
            None => Ok(USUAL),
            Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
            Some(limit) => Err(Refused::malformed(format!(
                "`limit` is {limit}; 1 to {MOST} are possible"
            ))
            .field("limit")),
        }
    }
}

/// A part of at most `limit` of `items`, of which there may be one more.
pub(crate) fn page<T>(mut items: Vec<T>, limit: u32, name: impl Fn(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    Page {
        next: if more { items.last().map(name) } else { None },
        items,
    }
}

/// A stored time, in seconds since the epoch.
pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

const USUAL: u32 = 100;
const MOST: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_begins_behind_the_last_item() {
        let names = |items: &[&str]| {
            items
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let first = page(names(&["a", "b", "c"]), 2, Clone::clone);
        assert_eq!(
            (first.items, first.next.as_deref()),
            (names(&["a", "b"]), Some("b"))
        );
        let last = page(names(&["c"]), 2, Clone::clone);
        assert_eq!((last.items, last.next), (names(&["c"]), None));
    }
}
