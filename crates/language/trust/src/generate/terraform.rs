//! Terraform, with policies as `jsonencode({…})` or as `data "aws_iam_policy_document"`.

use rolecall_documents::Value;

use super::{Design, Part};

pub(super) fn written(design: &Design, parts: &[Part], documents: bool) -> String {
    let label = label(&design.role);
    let mut blocks = Vec::new();
    for part in parts {
        match part {
            Part::Provider => blocks.push(provider(design)),
            Part::Trust => {
                let name = format!("{label}_trust");
                let policy = design.trust_policy();
                let value = match documents {
                    true => {
                        blocks.push(document(&name, &policy));
                        format!("data.aws_iam_policy_document.{name}.json")
                    }
                    false => format!("jsonencode({})", object(&policy, 1)),
                };
                blocks.push(format!(
                    "resource \"aws_iam_role\" \"{label}\" {{\n  name = {}\n\n  assume_role_policy = {value}\n}}\n",
                    quoted(&design.role)
                ));
            }
            Part::Permissions => {
                let name = format!("{label}_permissions");
                let policy = design.permission_policy();
                let value = match documents {
                    true => {
                        blocks.push(document(&name, &policy));
                        format!("data.aws_iam_policy_document.{name}.json")
                    }
                    false => format!("jsonencode({})", object(&policy, 1)),
                };
                let role = match parts.contains(&Part::Trust) {
                    true => format!("aws_iam_role.{label}.name"),
                    false => quoted(&design.role),
                };
                blocks.push(format!(
                    "resource \"aws_iam_role_policy\" \"{label}\" {{\n  name = {}\n  role = {role}\n\n  policy = {value}\n}}\n",
                    quoted(&design.policy_name())
                ));
            }
        }
    }
    blocks.join("\n")
}

fn provider(design: &Design) -> String {
    let host = design.issuer.trim_start_matches("https://");
    let mut lines = vec![
        ("url", quoted(&design.issuer)),
        ("client_id_list", format!("[{}]", quoted(&design.audience))),
    ];
    if !design.thumbprints.is_empty() {
        let list: Vec<String> = design.thumbprints.iter().map(|one| quoted(one)).collect();
        lines.push(("thumbprint_list", format!("[{}]", list.join(", "))));
    }
    format!(
        "resource \"aws_iam_openid_connect_provider\" \"{}\" {{\n{}}}\n",
        label(host),
        aligned(&lines, 1)
    )
}

/// Attributes with their equal signs in one column, as `terraform fmt` has them.
fn aligned(lines: &[(&str, String)], depth: usize) -> String {
    let width = lines
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let indent = "  ".repeat(depth);
    lines
        .iter()
        .map(|(name, value)| format!("{indent}{name:width$} = {value}\n"))
        .collect()
}

/// A value in HCL's expressions.
fn object(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let outer = "  ".repeat(depth);
    match value {
        Value::Text(text) => quoted(text),
        Value::List(items) => {
            let items: String = items
                .iter()
                .map(|item| format!("{indent}{},\n", object(item, depth + 1)))
                .collect();
            format!("[\n{items}{outer}]")
        }
        Value::Map(members) => {
            let keys: Vec<String> = members.iter().map(|(name, _)| key(name)).collect();
            let mut out = String::from("{\n");
            let mut at = 0;
            while at < members.len() {
                // `terraform fmt` aligns neighbours that fit on a line each.
                let run = members[at..]
                    .iter()
                    .take_while(|(_, value)| is_text(value))
                    .count()
                    .max(1);
                let width = match is_text(&members[at].1) {
                    true => keys[at..at + run]
                        .iter()
                        .map(String::len)
                        .max()
                        .unwrap_or_default(),
                    false => 0,
                };
                for (key, (_, value)) in keys[at..at + run].iter().zip(&members[at..at + run]) {
                    out.push_str(&format!(
                        "{indent}{key:width$} = {}\n",
                        object(value, depth + 1)
                    ));
                }
                at += run;
            }
            out.push_str(&format!("{outer}}}"));
            out
        }
    }
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Text(_))
}

/// A name of an object's member: bare where it is a word.
fn key(name: &str) -> String {
    let word = name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.chars().all(|char| char.is_ascii_alphanumeric());
    match word {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// `data "aws_iam_policy_document"` of a policy that the design made.
fn document(name: &str, policy: &Value) -> String {
    let mut out = format!("data \"aws_iam_policy_document\" \"{name}\" {{\n");
    for (at, statement) in member(policy, "Statement")
        .map(items)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        if at > 0 {
            out.push('\n');
        }
        out.push_str("  statement {\n");
        let mut lines = Vec::new();
        for (attribute, element) in [
            ("sid", "Sid"),
            ("effect", "Effect"),
            ("actions", "Action"),
            ("resources", "Resource"),
        ] {
            if let Some(value) = member(statement, element) {
                let value = match attribute {
                    "sid" | "effect" => object(value, 2),
                    _ => list(value, 2),
                };
                lines.push((attribute, value));
            }
        }
        out.push_str(&runs(&lines));
        if let Some(Value::Map(principals)) = member(statement, "Principal") {
            for (kind, who) in principals {
                let lines = [("type", quoted(kind)), ("identifiers", list(who, 3))];
                out.push_str(&format!(
                    "\n    principals {{\n{}    }}\n",
                    aligned(&lines, 3)
                ));
            }
        }
        if let Some(Value::Map(operators)) = member(statement, "Condition") {
            for (operator, keys) in operators {
                let Value::Map(keys) = keys else { continue };
                for (key, values) in keys {
                    let lines = [
                        ("test", quoted(operator)),
                        ("variable", quoted(key)),
                        ("values", list(values, 3)),
                    ];
                    out.push_str(&format!(
                        "\n    condition {{\n{}    }}\n",
                        aligned(&lines, 3)
                    ));
                }
            }
        }
        out.push_str("  }\n");
    }
    out.push_str("}\n");
    out
}

/// Attributes of a statement: aligned, except for values over several lines.
fn runs(lines: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut from = 0;
    while from < lines.len() {
        let single = lines[from..]
            .iter()
            .take_while(|(_, value)| !value.contains('\n'))
            .count();
        match single {
            0 => {
                out.push_str(&aligned(&lines[from..=from], 2));
                from += 1;
            }
            run => {
                out.push_str(&aligned(&lines[from..from + run], 2));
                from += run;
            }
        }
    }
    out
}

/// A list, also of a single value: on one line if that is short.
fn list(value: &Value, depth: usize) -> String {
    let texts: Vec<String> = items(value)
        .iter()
        .map(|item| object(item, depth))
        .collect();
    let line = format!("[{}]", texts.join(", "));
    if texts.len() == 1 || line.len() <= LINE {
        return line;
    }
    let (indent, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    let lines: String = texts
        .iter()
        .map(|text| format!("{indent}{text},\n"))
        .collect();
    format!("[\n{lines}{outer}]")
}

fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        one => std::slice::from_ref(one),
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(members) = value else {
        return None;
    };
    members
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

/// A text in HCL's quotes; nothing in it is a template.
fn quoted(text: &str) -> String {
    super::quoted(text)
        .replace("${", "$${")
        .replace("%{", "%%{")
}

/// A resource's name: letters, digits, `_` and `-`.
fn label(name: &str) -> String {
    let mut label: String = name
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || char == '-' {
                char
            } else {
                '_'
            }
        })
        .collect();
    if !label.starts_with(|char: char| char.is_ascii_alphabetic()) {
        label.insert(0, '_');
    }
    label
}

/// Characters of a list that stands on one line.
const LINE: usize = 80;
