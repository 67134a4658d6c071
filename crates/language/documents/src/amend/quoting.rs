//! Values as each language writes them.

use crate::Value;

/// How a policy is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// JSON, also as text in a YAML block.
    Json,
    /// JSON in a heredoc: `${` is Terraform's own there.
    Heredoc,
    /// HCL expressions.
    Hcl,
    /// HCL expressions in a policy document, where policy variables are `&{…}`.
    Document,
    /// YAML.
    Yaml,
}

impl Dialect {
    /// A text in quotes. `as_in` is the text that it replaces, as written: YAML keeps its style.
    pub(super) fn text(self, text: &str, as_in: &str) -> String {
        match self {
            Self::Json => json(text),
            Self::Heredoc => templated(&json(text)),
            Self::Hcl => templated(&json(text)),
            Self::Document => json(text).replace("${", "&{").replace("%{", "%%{"),
            Self::Yaml => yaml(text, as_in),
        }
    }

    /// The name of a member.
    pub(super) fn name(self, name: &str, as_in: &str) -> String {
        let identifier = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.as_bytes()[0].is_ascii_digit();
        match self {
            Self::Hcl | Self::Document if identifier && !as_in.starts_with('"') => name.to_owned(),
            dialect => dialect.text(name, as_in),
        }
    }

    /// A member with its value, as one text on one line or, with an indentation, on several.
    pub(super) fn member(self, name: &str, value: &str) -> String {
        match self {
            Self::Hcl | Self::Document => format!("{name} = {value}"),
            _ => format!("{name}: {value}"),
        }
    }

    /// A value in brackets. With `indent`, the width of the line that it begins in, and `step`,
    /// maps go over several lines.
    pub(super) fn bracketed(self, value: &Value, indent: Option<(&str, &str)>) -> String {
        match value {
            Value::Text(text) => self.text(text, "\""),
            Value::List(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| self.bracketed(item, indent))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            Value::Map(members) => {
                let deeper = indent.map(|(indent, step)| (format!("{indent}{step}"), step));
                let inner = deeper
                    .as_ref()
                    .map(|(deeper, step)| (deeper.as_str(), *step));
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| {
                        let name = self.name(name, if self == Self::Yaml { "\"" } else { "" });
                        self.member(&name, &self.bracketed(value, inner))
                    })
                    .collect();
                match (indent, &deeper) {
                    (Some((indent, _)), Some((deeper, _))) => {
                        let comma = if self == Self::Hcl { "" } else { "," };
                        let separator = format!("{comma}\n{deeper}");
                        format!("{{\n{deeper}{}\n{indent}}}", members.join(&separator))
                    }
                    _ if members.is_empty() => "{}".to_owned(),
                    _ => format!("{{ {} }}", members.join(", ")),
                }
            }
        }
    }
}

/// A JSON text (RFC 8259 §7).
pub(crate) fn json(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                quoted.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// Marks of Terraform's templates, doubled to stand for themselves.
fn templated(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

fn yaml(text: &str, as_in: &str) -> String {
    let controls = text.chars().any(char::is_control);
    match as_in.as_bytes().first() {
        Some(b'"') => json(text),
        Some(b'\'') if !controls => format!("'{}'", text.replace('\'', "''")),
        _ if controls => json(text),
        _ if plain(text) => text.to_owned(),
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

/// Whether a text may stand without quotes, in brackets too.
fn plain(text: &str) -> bool {
    let first = text.chars().next();
    let begins = first.is_some_and(|first| first.is_ascii_alphabetic() || first == '/');
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    begins
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && !text.contains([',', '[', ']', '{', '}', '\n', '"', '\''])
        && !words.iter().any(|word| text.eq_ignore_ascii_case(word))
}
