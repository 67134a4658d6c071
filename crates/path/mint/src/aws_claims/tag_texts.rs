//! The values of session tags as people write them: AWS takes texts only, so numbers and truth
//! values become texts, and nothing becomes the empty text.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let tags = BTreeMap::<String, TagText>::deserialize(deserializer)?;
    Ok(tags
        .into_iter()
        .map(|(key, TagText(text))| (key, text))
        .collect())
}

struct TagText(String);

impl<'de> Deserialize<'de> for TagText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TagVisitor)
    }
}

struct TagVisitor;

macro_rules! as_text {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<E>(self, value: $kind) -> Result<TagText, E> { Ok(TagText(value.to_string())) })*
    };
}

impl<'de> Visitor<'de> for TagVisitor {
    type Value = TagText;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a number")
    }

    as_text!(visit_str: &str, visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64,
        visit_u128: u128, visit_f64: f64);

    fn visit_unit<E>(self) -> Result<TagText, E> {
        Ok(TagText(String::new()))
    }

    fn visit_none<E>(self) -> Result<TagText, E> {
        Ok(TagText(String::new()))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<TagText, D::Error> {
        TagText::deserialize(deserializer)
    }
}
