//! Tags of IAM entities.

use crate::account::Tags;
use crate::wire::{Fault, Parameters, Shape, Xml, catalogue, shape};

use super::invalid;

/// Reads `Tags.member.N`.
pub(crate) fn read(parameters: &Parameters) -> Result<Tags, Fault> {
    let mut shape = Shape::new(parameters);
    let mut tags = Tags::new();
    let mut count = 0;
    for (at, mut fields) in parameters.structures("Tags")?.into_iter().enumerate() {
        let place = format!("tags.{}.member", at + 1);
        let (Some(key), Some(value)) = (fields.remove("Key"), fields.remove("Value")) else {
            shape.absent(&format!("{place}.key"));
            continue;
        };
        shape.member(&format!("{place}.key"), &key, 1..=128, Some(shape::TAG));
        shape.member(&format!("{place}.value"), &value, 0..=256, Some(shape::TAG));
        count += 1;
        tags.insert(key, value);
    }
    shape.finish()?;
    if tags.len() < count {
        return Err(Fault::new(&catalogue::TAG_KEYS_REPEATED));
    }
    check(&tags)?;
    Ok(tags)
}

/// IAM's rules for the tags of an entity.
pub(crate) fn check(tags: &Tags) -> Result<(), Fault> {
    crate::aws_claims::check_tags(tags, &[]).map_err(invalid)
}

/// Adds tags; a key that is there but for its letter case is the same key.
pub(crate) fn add(to: &mut Tags, new: Tags) -> Result<(), Fault> {
    let mut tags = to.clone();
    for (key, value) in new {
        tags.retain(|other, _| !other.eq_ignore_ascii_case(&key));
        tags.insert(key, value);
    }
    if tags.len() > LIMIT {
        return Err(Fault::new(&catalogue::LIMIT).with(
            "message",
            format!("The number of tags has reached the maximum limit: {LIMIT}"),
        ));
    }
    *to = tags;
    Ok(())
}

/// Removes the keys of `TagKeys.member.N`.
pub(crate) fn remove(from: &mut Tags, parameters: &Parameters) -> Result<(), Fault> {
    for key in parameters.list("TagKeys")? {
        from.retain(|other, _| !other.eq_ignore_ascii_case(&key));
    }
    Ok(())
}

pub(crate) fn write(xml: &mut Xml, tags: &Tags) {
    xml.list("Tags", tags, |xml, (key, value)| {
        xml.text("Key", key).text("Value", value);
    });
}

/// The answer of the `List…Tags` operations.
pub(crate) fn answer(tags: &Tags) -> Xml {
    let mut xml = Xml::new();
    xml.text("IsTruncated", "false");
    write(&mut xml, tags);
    xml
}

const LIMIT: usize = 50;
