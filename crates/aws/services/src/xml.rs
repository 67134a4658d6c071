//! XML as the query protocol uses it: elements with either text or elements in them. Attributes and
//! namespaces mean nothing there.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// Reads a document; the answer is its root.
    ///
    /// # Errors
    /// In words, what is wrong with it and at which byte.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        // The open elements, outermost first, below one that stands for the document.
        let mut open = vec![Self::default()];
        loop {
            let event = reader
                .read_event()
                .map_err(|error| format!("{error} at byte {}", reader.error_position()))?;
            let Some(innermost) = open.last_mut() else {
                return Err("an element ends that never began".to_owned());
            };
            match event {
                Event::Start(start) => {
                    if open.len() > DEPTH_LIMIT {
                        return Err(format!("more than {DEPTH_LIMIT} elements in one another"));
                    }
                    open.push(Self::named(start.local_name().as_ref()));
                }
                Event::Empty(start) => innermost
                    .children
                    .push(Self::named(start.local_name().as_ref())),
                Event::End(_) => close(&mut open)?,
                Event::Text(text) => innermost.text.push_str(&text.xml10_content()),
                Event::CData(text) => innermost.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = match reference
                        .resolve_char_ref()
                        .map_err(|error| error.to_string())?
                    {
                        Some(character) => character,
                        None => predefined(&reference)
                            .ok_or_else(|| format!("unknown entity `&{};`", &*reference))?,
                    };
                    innermost.text.push(character);
                }
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(document), true) => document
                .children
                .into_iter()
                .next()
                .ok_or_else(|| "there is no element in it".to_owned()),
            _ => Err("it ends in the middle of an element".to_owned()),
        }
    }

    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The element's name without a prefix.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The text directly in it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The first element of that name in this one.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element at the end of a way of names.
    pub(crate) fn at(&self, way: &[&str]) -> Option<&Self> {
        way.iter()
            .try_fold(self, |element, name| element.child(name))
    }

    /// The text of the first element of that name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The `member` elements of the list of that name.
    pub(crate) fn members(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name)
            .into_iter()
            .flat_map(|list| &list.children)
            .filter(|child| child.name == "member")
    }

    /// The texts of the list of that name.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        self.members(name)
            .map(|member| member.text.clone())
            .collect()
    }
}

fn close(open: &mut Vec<Element>) -> Result<(), String> {
    let ended = open.pop();
    match (ended, open.last_mut()) {
        (Some(ended), Some(outer)) => {
            outer.children.push(ended);
            Ok(())
        }
        _ => Err("an element ends that never began".to_owned()),
    }
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// Deeper than any answer of AWS.
const DEPTH_LIMIT: usize = 64;
