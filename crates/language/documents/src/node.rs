//! The tree that every reader gives.

use rolecall_source::Span;

/// A value and its place in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The bytes it covers, quotes and brackets included.
    pub span: Span,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `null`, or nothing at all where a value could stand.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, in the text it was written in.
    Number(String),
    /// A text.
    Text(Text),
    /// Values in order.
    List(Vec<Node>),
    /// Names and values in the order of the document; a name may stand there twice.
    Map(Vec<Member>),
}

/// A text, some parts of which may be known only to a template engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The text, decoded; a symbol stands in it as `${name}`.
    pub value: String,
    /// The parts that are not known, in order and apart from each other.
    pub symbols: Vec<Symbol>,
}

/// A part of a text that is not known: a Terraform expression, a CloudFormation reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The expression as written, such as `var.issuer` or `AWS::AccountId`.
    pub name: String,
    /// Its first byte in the decoded text.
    pub start: usize,
    /// One past its last byte in the decoded text.
    pub end: usize,
}

/// A name with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name, decoded.
    pub name: Text,
    /// The bytes of the name, quotes included.
    pub name_span: Span,
    /// The value.
    pub value: Node,
}

impl Member {
    /// The name, symbols standing in it as `${name}`.
    pub fn name(&self) -> &str {
        &self.name.value
    }
}

impl Text {
    /// A text all of which is known.
    pub fn known(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            symbols: Vec::new(),
        }
    }

    /// A text that is one symbol.
    pub fn symbol(name: impl Into<String>) -> Self {
        let mut text = Self::default();
        text.push_symbol(name);
        text
    }

    /// Adds known text.
    pub fn push_str(&mut self, text: &str) {
        self.value.push_str(text);
    }

    /// Adds a symbol.
    pub fn push_symbol(&mut self, name: impl Into<String>) {
        let (name, start) = (name.into(), self.value.len());
        self.value.push_str("${");
        self.value.push_str(&name);
        self.value.push('}');
        let end = self.value.len();
        self.symbols.push(Symbol { name, start, end });
    }

    /// Adds another text, symbols included.
    pub fn push(&mut self, other: &Self) {
        let shift = self.value.len();
        self.value.push_str(&other.value);
        self.symbols
            .extend(other.symbols.iter().map(|symbol| Symbol {
                name: symbol.name.clone(),
                start: symbol.start + shift,
                end: symbol.end + shift,
            }));
    }

    /// The same text with those symbols filled in whose value is known.
    #[must_use]
    pub fn filled<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>) -> Self {
        let (mut filled, mut done) = (Self::default(), 0);
        for symbol in &self.symbols {
            filled.push_str(&self.value[done..symbol.start]);
            match value(&symbol.name) {
                Some(known) => filled.push_str(known),
                None => filled.push_symbol(symbol.name.clone()),
            }
            done = symbol.end;
        }
        filled.push_str(&self.value[done..]);
        filled
    }
}

impl Node {
    /// A value at a place.
    pub fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span }
    }

    /// The text of a text, or `None`.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(&text.value),
            _ => None,
        }
    }

    /// The members of a map, or `None`.
    pub fn members(&self) -> Option<&[Member]> {
        match &self.kind {
            Kind::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The last member of that name in a map: readers of JSON, AWS's included, let it win.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let members = self.members()?;
        members.iter().rev().find(|member| member.name() == name)
    }

    /// The value of the last member of that name in a map.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.member(name).map(|member| &member.value)
    }

    /// The elements of a list, or the value itself as the only one.
    pub fn elements(&self) -> &[Node] {
        match &self.kind {
            Kind::List(elements) => elements,
            _ => std::slice::from_ref(self),
        }
    }

    /// A text, boolean or number as text.
    pub fn scalar(&self) -> Option<Text> {
        match &self.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Number(text) => Some(Text::known(text)),
            Kind::Bool(truth) => Some(Text::known(truth.to_string())),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The kind in words, with its article.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "an object",
        }
    }

    /// The same tree with those symbols filled in whose value is known.
    #[must_use]
    pub fn filled<'v>(&self, value: &impl Fn(&str) -> Option<&'v str>) -> Self {
        let kind = match &self.kind {
            Kind::Text(text) => Kind::Text(text.filled(value)),
            Kind::List(elements) => {
                Kind::List(elements.iter().map(|node| node.filled(value)).collect())
            }
            Kind::Map(members) => Kind::Map(
                members
                    .iter()
                    .map(|member| Member {
                        name: member.name.filled(value),
                        name_span: member.name_span,
                        value: member.value.filled(value),
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Self::new(kind, self.span)
    }

    /// The tree as JSON without blanks; symbols stand in it as `${name}`.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        self.write_json(&mut text);
        text
    }

    /// The tree as JSON as the aws CLI prints it, four blanks a level, with a line's end: so that a
    /// diff is one of what `aws iam get-role --query Role.AssumeRolePolicyDocument` prints.
    pub fn to_pretty_json(&self) -> String {
        let mut text = String::new();
        self.write_pretty(0, &mut text);
        text.push('\n');
        text
    }

    fn write_pretty(&self, level: usize, text: &mut String) {
        let line = |level: usize| format!("\n{}", "    ".repeat(level));
        match &self.kind {
            Kind::List(items) if !items.is_empty() => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(&line(level + 1));
                    item.write_pretty(level + 1, text);
                }
                text.push_str(&line(level));
                text.push(']');
            }
            Kind::Map(members) if !members.is_empty() => {
                text.push('{');
                for (index, member) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(&line(level + 1));
                    text.push_str(&crate::quoted_json(member.name()));
                    text.push_str(": ");
                    member.value.write_pretty(level + 1, text);
                }
                text.push_str(&line(level));
                text.push('}');
            }
            _ => self.write_json(text),
        }
    }

    fn write_json(&self, text: &mut String) {
        match &self.kind {
            Kind::Null => text.push_str("null"),
            Kind::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
            Kind::Number(number) => text.push_str(number),
            Kind::Text(value) => text.push_str(&crate::quoted_json(&value.value)),
            Kind::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    item.write_json(text);
                }
                text.push(']');
            }
            Kind::Map(members) => {
                text.push('{');
                for (index, member) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(&crate::quoted_json(member.name()));
                    text.push(':');
                    member.value.write_json(text);
                }
                text.push('}');
            }
        }
    }

    /// The names of all symbols in the tree, in the order of the document, each once.
    pub fn symbols(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_symbols(&mut names);
        names
    }

    fn collect_symbols<'n>(&'n self, names: &mut Vec<&'n str>) {
        let mut add = |text: &'n Text| {
            for symbol in &text.symbols {
                if !names.contains(&symbol.name.as_str()) {
                    names.push(&symbol.name);
                }
            }
        };
        match &self.kind {
            Kind::Text(text) => add(text),
            Kind::List(elements) => {
                for element in elements {
                    element.collect_symbols(names);
                }
            }
            Kind::Map(members) => {
                for member in members {
                    for symbol in &member.name.symbols {
                        if !names.contains(&symbol.name.as_str()) {
                            names.push(&symbol.name);
                        }
                    }
                    member.value.collect_symbols(names);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_that_is_printed_reads_as_the_same_tree() {
        let text = r#"{"a":[1,true,null,"x\n\"é"],"b":{},"a":-2.5}"#;
        let read = |text: &str| crate::json(&rolecall_source::SourceText::new("t", text));
        let printed = read(text).map(|node| node.to_json());
        assert_eq!(printed.as_deref(), Ok(text));
    }

    #[test]
    fn symbols_are_filled_where_known_and_stay_where_not() {
        let mut text = Text::known("arn:");
        text.push_symbol("AWS::Partition");
        text.push_str(":iam::");
        text.push_symbol("AWS::AccountId");
        text.push(&Text::known(":root"));
        assert_eq!(
            text.value,
            "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
        );
        let filled = text.filled(&|name| (name == "AWS::Partition").then_some("aws"));
        assert_eq!(filled.value, "arn:aws:iam::${AWS::AccountId}:root");
        assert_eq!(filled.symbols.len(), 1);
        let symbol = &filled.symbols[0];
        assert_eq!(&filled.value[symbol.start..symbol.end], "${AWS::AccountId}");
        let whole = filled.filled(&|_| Some("111122223333"));
        assert_eq!(whole, Text::known("arn:aws:iam::111122223333:root"));
    }
}
