//! Errors of STS, recognised in whatever a client wrapped them in.

use rolecall_source::SourceText;
use serde::Serialize;

use super::errors::{ErrorRow, error_rows, is_exchange_denial};

/// An error that was read out of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenError {
    /// What it tells; see [`ErrorRow`].
    #[serde(flatten)]
    pub row: &'static ErrorRow,
    /// The operation, where the text names it.
    pub operation: Option<String>,
    /// Its words, as far as they are on one line; no tokens or keys.
    pub text: String,
    /// Who reported it: `aws CLI or boto3`, `Go SDK or Terraform`, …
    pub wrapping: &'static str,
    /// The line, from 1.
    pub line: usize,
    /// The document that it was read in.
    #[serde(skip)]
    pub(crate) document: String,
}

impl SeenError {
    /// Whether it is the AccessDenied that the exchange of a token gives.
    pub fn is_exchange_denial(&self) -> bool {
        is_exchange_denial(self.row)
    }

    /// Whether it is about AssumeRoleWithWebIdentity, as far as it says.
    pub(crate) fn is_exchange(&self) -> bool {
        self.operation
            .as_deref()
            .is_none_or(|name| name.eq_ignore_ascii_case("AssumeRoleWithWebIdentity"))
    }
}

/// The errors in a text, each kind once, in the order in which they stand.
pub(crate) fn errors_in(source: &SourceText) -> Vec<SeenError> {
    let flat = Flat::new(&source.text);
    let mut seen: Vec<(usize, usize, &'static ErrorRow)> = Vec::new();
    for row in error_rows() {
        let by_code = [row.code.to_ascii_lowercase()];
        let code = by_code
            .iter()
            .map(String::as_str)
            .filter(|code| row.words.is_empty() && !code.is_empty());
        for words in row.words.iter().copied().chain(code) {
            for at in flat.all(words).take(EACH) {
                let end = at + words.len();
                // A specific row has taken the place already.
                if seen
                    .iter()
                    .any(|(start, stop, _)| *start < end && at < *stop)
                {
                    continue;
                }
                seen.push((at, end, row));
            }
        }
    }
    // A bare code with words that no row knows.
    for (at, code) in flat.codes() {
        let near = seen.iter().any(|(start, _, row)| {
            let distance = start.abs_diff(at);
            distance < CLOSE || distance < NEAR && row.code == code
        });
        let exchange = flat
            .operation(at)
            .is_none_or(|name| name == "AssumeRoleWithWebIdentity");
        let fits = |row: &&ErrorRow| match code {
            "AccessDenied" => {
                is_exchange_denial(row) == exchange && (exchange || row.words == OTHER)
            }
            _ => row.code == code,
        };
        if !near && let Some(row) = error_rows().iter().find(fits) {
            seen.push((at, at + code.len(), row));
        }
    }
    seen.sort_by_key(|(start, ..)| *start);
    let mut errors: Vec<SeenError> = Vec::new();
    for (start, _, row) in seen {
        if errors.iter().any(|error| std::ptr::eq(error.row, row)) {
            continue;
        }
        let offset = flat.offsets.get(start).copied().unwrap_or_default();
        let line = source.line_at(offset);
        errors.push(SeenError {
            row,
            operation: flat.operation(start),
            text: shown(line),
            wrapping: flat.wrapping(start),
            line: source.position(offset).line,
            document: source.name.clone(),
        });
    }
    // "Could not assume role" adds nothing beside the reason that follows it.
    if errors.len() > 1 {
        errors.retain(|error| error.row.words.first() != Some(&"could not assume role with oidc"));
    }
    errors
}

/// A text in lower case with all white space as one blank, and where each byte of it came from.
struct Flat {
    text: String,
    offsets: Vec<usize>,
}

impl Flat {
    fn new(text: &str) -> Self {
        let (mut flat, mut offsets) = (String::with_capacity(text.len()), Vec::new());
        for (offset, character) in text.char_indices() {
            // Terraform frames its errors.
            let character = match character {
                '│' | '╷' | '╵' | '|' => ' ',
                '\u{2019}' => '\'',
                '\u{201c}' | '\u{201d}' => '"',
                other => other,
            };
            if character.is_whitespace() {
                if flat.ends_with(' ') {
                    continue;
                }
                flat.push(' ');
            } else {
                flat.push(character.to_ascii_lowercase());
            }
            offsets.resize(flat.len(), offset);
        }
        Self {
            text: flat,
            offsets,
        }
    }

    fn all<'t>(&'t self, words: &'t str) -> impl Iterator<Item = usize> + 't {
        self.text.match_indices(words).map(|(at, _)| at)
    }

    /// Codes by the forms in which clients print them.
    fn codes(&self) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        for code in CODES {
            let lower = code.to_ascii_lowercase();
            for form in [
                format!("({lower})"),
                format!("api error {lower}"),
                format!("error code: {lower}"),
                format!("<code>{lower}"),
                format!("\"code\": \"{lower}"),
                format!("code: some(\"{lower}"),
                format!("\"errorcode\": \"{lower}"),
                format!("{lower}: "),
                format!("{lower}exception: "),
            ] {
                found.extend(self.all(&form).take(EACH).map(|at| (at, *code)));
            }
        }
        found.sort_unstable();
        found
    }

    fn operation(&self, at: usize) -> Option<String> {
        let from = self.floor(at.saturating_sub(NEAR));
        let to = self.floor((at + NEAR).min(self.text.len()));
        let before = &self.text[from..at];
        let around = &self.text[from..to];
        let name = |mark: &str, start: Option<usize>, text: &str| {
            let rest = &text[start? + mark.len()..];
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric())
                .unwrap_or(rest.len());
            (end > 0).then(|| rest[..end].to_owned())
        };
        let behind = |mark: &str, text: &str| name(mark, text.rfind(mark), text);
        let ahead = |mark: &str, text: &str| name(mark, text.find(mark), text);
        let near = around.get(..at - from + 160).unwrap_or(around);
        let name = behind("when calling the ", near)
            .or_else(|| behind("operation error sts: ", before))
            .or_else(|| behind("error executing \"", before))
            .or_else(|| ahead("authorized to perform: sts:", &self.text[at..to]))
            .or_else(|| ahead("not authorized to perform sts:", &self.text[at..to]))?;
        Some(
            OPERATIONS
                .iter()
                .find(|known| known.eq_ignore_ascii_case(&name))
                .map_or(name, |known| (*known).to_owned()),
        )
    }

    fn wrapping(&self, at: usize) -> &'static str {
        let from = self.floor(at.saturating_sub(NEAR));
        let to = self.floor((at + NEAR).min(self.text.len()));
        let around = &self.text[from..to];
        WRAPPINGS
            .iter()
            .find(|(mark, _)| around.contains(mark))
            .map_or("the text", |(_, name)| name)
    }

    fn floor(&self, mut at: usize) -> usize {
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

/// A line as it may be repeated: short, and without what looks like a secret.
pub(crate) fn shown(line: &str) -> String {
    let line = line.trim().trim_start_matches('│').trim();
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| if secret(word) { "…" } else { word })
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(LINE_LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a word could be a token, a key, or hold one.
fn secret(word: &str) -> bool {
    let run = word
        .split(|c: char| !c.is_ascii_alphanumeric() && !"+/_-=.".contains(c))
        .map(|part| part.trim_start_matches('='))
        .max_by_key(|part| part.len())
        .unwrap_or_default();
    let key = ["AKIA", "ASIA"].iter().any(|mark| word.contains(mark));
    let lower = word.to_ascii_lowercase();
    let named = ["secret", "token=", "password", "session_token"]
        .iter()
        .any(|mark| lower.contains(mark))
        && word.contains('=');
    let mixed = run.len() >= 40
        && run.bytes().any(|b| b.is_ascii_uppercase())
        && run.bytes().any(|b| b.is_ascii_lowercase())
        && run.bytes().any(|b| b.is_ascii_digit())
        && !run.contains("oidc-provider");
    key || named || word.contains("eyJ") || mixed
}

const OPERATIONS: &[&str] = &[
    "AssumeRoleWithWebIdentity",
    "AssumeRole",
    "AssumeRoleWithSAML",
    "GetCallerIdentity",
    "TagSession",
    "SetSourceIdentity",
];
const CODES: &[&str] = &[
    "AccessDenied",
    "InvalidIdentityToken",
    "ExpiredTokenException",
    "ExpiredToken",
    "IDPCommunicationError",
    "IDPRejectedClaim",
    "PackedPolicyTooLarge",
    "RegionDisabledException",
    "MalformedPolicyDocument",
    "InvalidClientTokenId",
    "NoSuchEntity",
    "Throttling",
];
const WRAPPINGS: &[(&str, &str)] = &[
    ("could not assume role with oidc", "the GitHub action"),
    ("cannot assume iam role", "Terraform"),
    ("retrieve credentials", "Go SDK or Terraform"),
    ("operation error sts", "Go SDK or Terraform"),
    ("api error", "Go SDK or Terraform"),
    ("botocore.", "boto3"),
    ("an error occurred (", "aws CLI or boto3"),
    ("webidentityerr", "Go SDK"),
    ("com.amazonaws.", "Java SDK"),
    ("software.amazon.awssdk", "Java SDK"),
    ("service: sts", "Java SDK"),
    ("<code>", "STS itself"),
    ("\"eventsource\"", "CloudTrail"),
    ("was denied:", "rolecall"),
    ("parameter validation failed", "aws CLI or boto3"),
    ("@aws-sdk", "JavaScript SDK"),
    ("$fault", "JavaScript SDK"),
];
/// Words of a denial that is not of the exchange.
const OTHER: &[&str] = &["is not authorized to perform: "];
/// Places of one error that are looked at: it is told once.
const EACH: usize = 16;
/// Bytes within which a code and words are of one error, whatever they are.
const CLOSE: usize = 40;
/// Bytes around an error in which its operation and code are looked for.
const NEAR: usize = 400;
/// Characters of a line that are repeated.
const LINE_LIMIT: usize = 240;
