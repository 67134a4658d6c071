//! A CloudFormation template in YAML.

use rolecall_documents::Value;

use super::{Design, Part, map, text};

pub(super) fn written(design: &Design, parts: &[Part]) -> String {
    let mut resources = Vec::new();
    let logical = logical(&design.role);
    for part in parts {
        match part {
            Part::Provider => {
                let mut properties = vec![
                    ("Url", text(&design.issuer)),
                    ("ClientIdList", Value::List(vec![text(&design.audience)])),
                ];
                if !design.thumbprints.is_empty() {
                    properties.push(("ThumbprintList", design.thumbprint_list()));
                }
                resources.push((
                    format!("{logical}Provider"),
                    map([
                        ("Type", text("AWS::IAM::OIDCProvider")),
                        ("Properties", map(properties)),
                    ]),
                ));
            }
            Part::Trust => {
                let mut properties = vec![
                    ("RoleName", text(&design.role)),
                    ("AssumeRolePolicyDocument", design.trust_policy()),
                ];
                if parts.contains(&Part::Permissions) {
                    let policy = map([
                        ("PolicyName", text(&design.policy_name())),
                        ("PolicyDocument", design.permission_policy()),
                    ]);
                    properties.push(("Policies", Value::List(vec![policy])));
                }
                resources.push((
                    format!("{logical}Role"),
                    map([
                        ("Type", text("AWS::IAM::Role")),
                        ("Properties", map(properties)),
                    ]),
                ));
            }
            // Within the role, where that is written too.
            Part::Permissions if parts.contains(&Part::Trust) => {}
            Part::Permissions => resources.push((
                format!("{logical}Permissions"),
                map([
                    ("Type", text("AWS::IAM::RolePolicy")),
                    (
                        "Properties",
                        map([
                            ("RoleName", text(&design.role)),
                            ("PolicyName", text(&design.policy_name())),
                            ("PolicyDocument", design.permission_policy()),
                        ]),
                    ),
                ]),
            )),
        }
    }
    let template = map([
        ("AWSTemplateFormatVersion", text("2010-09-09")),
        ("Resources", Value::Map(resources)),
    ]);
    let mut out = String::new();
    block(&template, 0, &mut out);
    out
}

/// A map or list in block style.
fn block(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Text(text) => out.push_str(&format!("{indent}{}\n", scalar(text))),
        Value::Map(members) => {
            for (name, value) in members {
                out.push_str(&format!("{indent}{}:", scalar(name)));
                after(value, depth, out);
            }
        }
        Value::List(items) => {
            for item in items {
                let mut inner = String::new();
                block(item, depth + 1, &mut inner);
                // The dash takes the place of the first line's indentation.
                let first = inner.get(indent.len() + 2..).unwrap_or_default();
                out.push_str(&format!("{indent}- {first}"));
            }
        }
    }
}

fn after(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Text(text) => out.push_str(&format!(" {}\n", scalar(text))),
        nested => {
            out.push('\n');
            block(nested, depth + 1, out);
        }
    }
}

/// A text: plain where YAML reads it as one, else in single quotes.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_-./:@".contains(char))
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    match plain {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "''")),
    }
}

/// A logical ID: letters and digits.
fn logical(name: &str) -> String {
    let mut id = String::new();
    for word in name.split(|char: char| !char.is_ascii_alphanumeric()) {
        let mut chars = word.chars();
        id.extend(chars.next().map(|char| char.to_ascii_uppercase()));
        id.push_str(chars.as_str());
    }
    if !id.starts_with(|char: char| char.is_ascii_alphabetic()) {
        id.insert(0, 'R');
    }
    id
}

/// What YAML 1.1 reads as something other than a text.
const WORDS: &[&str] = &["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
