//! Commands for the aws CLI, as a POSIX shell takes them.

use super::{Design, Part, json};

pub(super) fn written(design: &Design, parts: &[Part]) -> String {
    let mut commands = Vec::new();
    for part in parts {
        commands.push(match part {
            Part::Provider => {
                let mut command = format!(
                    "aws iam create-open-id-connect-provider \\\n  --url {} \\\n  --client-id-list {}",
                    quoted(&design.issuer),
                    quoted(&design.audience)
                );
                if !design.thumbprints.is_empty() {
                    command.push_str(" \\\n  --thumbprint-list");
                    for thumbprint in &design.thumbprints {
                        command.push_str(&format!(" {}", quoted(thumbprint)));
                    }
                }
                command
            }
            Part::Trust => format!(
                "aws iam create-role \\\n  --role-name {} \\\n  --assume-role-policy-document {}",
                quoted(&design.role),
                quoted(json(&design.trust_policy()).trim_end())
            ),
            Part::Permissions => format!(
                "aws iam put-role-policy \\\n  --role-name {} \\\n  --policy-name {} \\\n  --policy-document {}",
                quoted(&design.role),
                quoted(&design.policy_name()),
                quoted(json(&design.permission_policy()).trim_end())
            ),
        });
    }
    commands.join("\n\n") + "\n"
}

/// A word of a shell: bare where nothing in it is special.
fn quoted(text: &str) -> String {
    let bare = !text.is_empty()
        && text
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_-./:@,+%".contains(char));
    match bare {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
