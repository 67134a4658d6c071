//! What the client was told: variables of the environment, parameters of a command.

use rolecall_source::SourceText;

/// The client's surroundings as far as a text shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Roles that a variable or parameter names, by their ARN.
    pub roles: Vec<String>,
    /// The line on which AWS_ACCESS_KEY_ID or its kin is set.
    pub static_keys: Option<usize>,
    /// Whether web identity is set up: a token file, an action's permission, a provider's block.
    pub web_identity: bool,
    /// The line on which an external ID is passed to an exchange.
    pub external_id: Option<usize>,
    /// The longest session that the role allows, in seconds.
    pub longest_session: Option<i64>,
    /// Who signed, by the text of an error: a user or session that is no token.
    pub caller: Option<String>,
}

impl Surroundings {
    /// Takes over what another text shows.
    pub(crate) fn merge(&mut self, other: Self) {
        self.roles.extend(other.roles);
        self.static_keys = self.static_keys.or(other.static_keys);
        self.web_identity |= other.web_identity;
        self.external_id = self.external_id.or(other.external_id);
        self.longest_session = self.longest_session.or(other.longest_session);
        self.caller = self.caller.take().or(other.caller);
    }
}

/// What a text shows.
pub(crate) fn surroundings_of(source: &SourceText) -> Surroundings {
    let mut found = Surroundings::default();
    for (index, line) in source.text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        let named = ROLE_MARKS.iter().any(|mark| lower.contains(mark));
        if named {
            found
                .roles
                .extend(arns(line).filter(|arn| arn.contains(":role/")));
        }
        let sets = |name: &str| {
            lower.find(name).is_some_and(|at| {
                let rest = lower[at + name.len()..]
                    .trim_start_matches(['"', '\''])
                    .trim_start();
                rest.starts_with(['=', ':'])
                    && !rest[1..].trim().trim_matches(['"', '\'', ',']).is_empty()
            })
        };
        if sets("aws_access_key_id") {
            found.static_keys.get_or_insert(index + 1);
        }
        found.web_identity |= WEB_MARKS.iter().any(|mark| lower.contains(mark));
        if EXTERNAL_MARKS.iter().any(|mark| lower.contains(mark)) {
            found.external_id.get_or_insert(index + 1);
        }
        if found.caller.is_none()
            && let Some((_, rest)) = line.split_once("User: ")
            && rest.contains("not authorized to perform")
        {
            found.caller = arns(rest).next();
        }
    }
    // An external ID is a mistake beside a web identity only.
    if !found.web_identity {
        found.external_id = None;
    }
    found.roles.dedup();
    found
}

/// The ARNs in a line.
fn arns(line: &str) -> impl Iterator<Item = String> {
    line.match_indices("arn:").map(|(at, _)| {
        let rest = &line[at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !":/_+=,.@-".contains(c))
            .unwrap_or(rest.len());
        rest[..end].trim_end_matches([',', '.', ':']).to_owned()
    })
}

const ROLE_MARKS: &[&str] = &[
    "role-to-assume",
    "role_to_assume",
    "aws_role_arn",
    "role_arn",
    "rolearn",
    "role-arn",
    "on resource: arn",
    "assuming role",
];
const WEB_MARKS: &[&str] = &[
    "aws_web_identity_token_file",
    "web_identity_token_file",
    "id-token: write",
    "assume_role_with_web_identity",
    "assume-role-with-web-identity",
    "assumerolewithwebidentity",
    "web_identity_token",
];
const EXTERNAL_MARKS: &[&str] = &[
    "--external-id",
    "external_id =",
    "external_id=",
    "role-external-id:",
    "externalid=",
    "aws_external_id",
    "external_id:",
];
