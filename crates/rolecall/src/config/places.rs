//! Where each field of a configuration file stands, so that a rule broken by a value is shown at
//! that value and not only named.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// Line and column (both from 1, the column in characters) of every field, by its path:
/// `connections.athena.hops[0].duration`.
#[derive(Debug, Default)]
pub struct Places {
    by_path: HashMap<String, (u64, u64)>,
}

impl Places {
    /// Reads the places of a text that has been read as YAML already; of one that is not YAML
    /// there are none.
    pub fn read(text: &str) -> Self {
        let mut places = Self::default();
        if let Ok(root) = serde_saphyr::from_str::<Spanned<Node>>(text) {
            places.walk(&root, &mut String::new());
        }
        places
    }

    /// The place of the field at `path`, or of the nearest field around it.
    pub fn find(&self, path: &str) -> Option<(u64, u64)> {
        let mut path = path;
        loop {
            if let Some(place) = self.by_path.get(path) {
                return Some(*place);
            }
            let end = path.rfind(['.', '['])?;
            path = &path[..end];
        }
    }

    fn walk(&mut self, node: &Spanned<Node>, path: &mut String) {
        let location = node.referenced;
        self.by_path
            .insert(path.clone(), (location.line(), location.column()));
        let length = path.len();
        match &node.value {
            Node::Map(entries) => {
                for (key, value) in entries {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                    self.walk(value, path);
                    path.truncate(length);
                }
            }
            Node::Sequence(items) => {
                for (at, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{at}]"));
                    self.walk(item, path);
                    path.truncate(length);
                }
            }
            Node::Scalar => {}
        }
    }
}

enum Node {
    Map(Vec<(String, Spanned<Node>)>),
    Sequence(Vec<Spanned<Node>>),
    Scalar,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

macro_rules! scalars {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<E>(self, _: $kind) -> Result<Node, E> { Ok(Node::Scalar) })*
    };
}

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128,
        visit_f64: f64, visit_str: &str, visit_bytes: &[u8]);

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Node::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::Sequence(items))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<Node, D::Error> {
        IgnoredAny::deserialize(value).map(|_| Node::Scalar)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Places;

    #[test]
    fn a_field_is_found_at_its_place_or_at_the_nearest_around_it() {
        let places = Places::read(
            "server:\n  listen: 127.0.0.1:0\nconnections:\n  athena:\n    hops:\n      - role: x\n        duration: 2h\n",
        );
        assert_eq!(places.find("server.listen"), Some((2, 11)));
        assert_eq!(
            places.find("connections.athena.hops[0].duration"),
            Some((7, 19))
        );
        assert_eq!(
            places.find("connections.athena.hops[0].external_id"),
            places.find("connections.athena.hops[0]")
        );
        assert_eq!(Places::read(": : [").find("server"), None);
    }
}
