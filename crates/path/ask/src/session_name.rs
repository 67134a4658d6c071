use std::fmt;
use std::str::FromStr;

use rolecall_names::RoleSessionName;

use crate::{AskError, Asker, Template, text_deserialize};

/// What sessions are called in CloudTrail, as a template over the asker.
///
/// Values are fitted to what STS takes: other characters become `-`, and a name over 64
/// characters is cut and ends in a hash of the whole, so that two long names stay two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionNameTemplate(Template);

impl SessionNameTemplate {
    /// The template as written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The name for this asker.
    ///
    /// # Errors
    /// A missing attribute, or fewer than 2 characters.
    pub fn render(&self, asker: &Asker) -> Result<RoleSessionName, AskError> {
        let full = self.0.render_with(asker, replace_others)?;
        cut(full).parse().map_err(|error| AskError::Rendered {
            template: self.0.as_str().to_owned(),
            error,
        })
    }

    /// The name where no template is configured: the run first, because cutting keeps the front,
    /// and whoever reads CloudTrail wants the run.
    ///
    /// # Errors
    /// Fewer than 2 characters.
    pub fn render_default(asker: &Asker) -> Result<RoleSessionName, AskError> {
        let workload = replace_others(asker.workload());
        let full = match asker.run_id() {
            Some(run) => format!("{}@{workload}", replace_others(run)),
            None => workload,
        };
        cut(full).parse().map_err(|error| AskError::Rendered {
            template: "{run_id}@{workload}".to_owned(),
            error,
        })
    }
}

impl FromStr for SessionNameTemplate {
    type Err = AskError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let template = text.parse::<Template>()?.with_literals(
            allowed,
            "a role session name",
            "letters, digits and `_+=,.@-`",
        )?;
        if template.parts().is_empty() {
            return Err(AskError::Template {
                given: text.to_owned(),
                column: 1,
                why: "a role session name has 2 to 64 characters".to_owned(),
            });
        }
        Ok(Self(template))
    }
}

impl fmt::Display for SessionNameTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

text_deserialize!(SessionNameTemplate);

fn replace_others(value: &str) -> String {
    value
        .chars()
        .map(|character| if allowed(character) { character } else { '-' })
        .collect()
}

fn allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_+=,.@-".contains(character)
}

/// `full` is ASCII by now, so bytes are characters.
fn cut(full: String) -> String {
    if full.len() <= LONGEST {
        return full;
    }
    let kept = &full[..LONGEST - HASH_DIGITS - 1];
    format!("{kept}-{:08x}", short_hash(full.as_bytes()))
}

/// FNV-1a, folded to 32 bits: the same in every release, which `std`'s hasher does not promise.
/// It tells names apart; it protects nothing.
fn short_hash(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    ((hash >> 32) ^ (hash & 0xffff_ffff)) as u32
}

const LONGEST: usize = 64;
const HASH_DIGITS: usize = 8;
