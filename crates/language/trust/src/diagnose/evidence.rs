//! What is known about a failed exchange: read out of whatever was pasted, or given piece by piece.

use std::sync::Arc;

use rolecall_documents::{Form, FoundPolicy, find};
use rolecall_source::{SourceText, Span};
use serde_json::Value;

use super::blocks::{Block, Wrapped, blocks_in, moved, wrapped};
use super::event::{SeenEvent, events_in};
use super::provider::{SeenProvider, listed_provider};
use super::seen::{SeenError, errors_in};
use super::surroundings::{Surroundings, surroundings_of};
use super::token::{self, SeenClaims};
use crate::request::Context;

/// A trust policy, and the text it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPolicy {
    /// The policy; its places are places in `source`.
    pub found: FoundPolicy,
    /// The text.
    pub source: SourceText,
    /// The document that it was read as, and the part of the text that stands in it.
    pub(crate) document: Document,
    /// The paste damage that had to be repaired before it could be read, in words.
    pub repaired: Vec<String>,
}

/// What a policy was read from, as a reader takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// The files that were read together; for a part of a text, that part and what a reader needs
    /// around it.
    pub(crate) files: Arc<[SourceText]>,
    /// The policy with its places in them.
    pub(crate) found: FoundPolicy,
    /// The part of the text.
    pub(crate) block: Span,
    /// Bytes of the document before the part.
    pub(crate) before: usize,
}

impl SeenPolicy {
    /// A policy of files that are documents as they are.
    fn whole(files: &Arc<[SourceText]>, found: FoundPolicy, repaired: Vec<String>) -> Self {
        let source = files[found.file].clone();
        Self {
            document: Document {
                files: Arc::clone(files),
                found: found.clone(),
                block: Span::new(0, source.text.len()),
                before: 0,
            },
            source,
            found,
            repaired,
        }
    }

    /// Where it stands and whose it is.
    pub fn name(&self) -> String {
        let position = self.source.position(self.found.tree.span.start);
        match &self.found.role {
            Some(role) if *role != self.source.name => {
                format!("{}:{position} {role}", self.source.name)
            }
            _ => format!("{}:{position}", self.source.name),
        }
    }
}

/// All that is known about a failed exchange.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Errors.
    pub errors: Vec<SeenError>,
    /// Claims of tokens, or that events show.
    pub claims: Vec<SeenClaims>,
    /// Trust policies.
    pub policies: Vec<SeenPolicy>,
    /// Registrations of providers.
    pub providers: Vec<SeenProvider>,
    /// CloudTrail events.
    pub events: Vec<SeenEvent>,
    /// Roles that the call names, by their ARN.
    pub roles: Vec<String>,
    /// The client's surroundings: variables, parameters.
    pub surroundings: Surroundings,
    /// Condition keys of the request that are known beside all this.
    pub context: Context,
    /// What was recognised and cannot be used, in words: a token that was cut short.
    pub faults: Vec<String>,
    /// Policies that cannot be read, each with what is wrong with it.
    pub(crate) unreadable: Vec<String>,
}

impl Evidence {
    /// Reads whatever a text holds.
    pub fn read(&mut self, source: &SourceText) {
        let tokens = token::tokens_in(source);
        self.faults.extend(tokens.broken);
        for claims in tokens.claims {
            self.add_claims(claims);
        }
        let source = token::without_tokens(source, &tokens.spans);
        self.errors.extend(errors_in(&source));
        let before = self.inventory().len();
        let (whole, problem) = self.read_whole(&source);
        let blocks = blocks_in(&source.text);
        self.read_values(&source, &blocks);
        if !whole {
            self.read_policies(&source, &blocks);
        }
        if let Some(provider) = listed_provider(&source) {
            self.providers.push(provider);
        }
        if self.claims.is_empty()
            && let Some(claims) = token::listed_claims(&source)
        {
            self.add_claims(claims);
        }
        self.surroundings.merge(surroundings_of(&source));
        for role in self.surroundings.roles.clone() {
            self.add_role(role);
        }
        // What kept a document from being read is told where nothing else was read of it.
        if self.inventory().len() == before && source.text.trim_start().starts_with(['{', '[']) {
            self.faults.extend(problem);
        }
    }

    /// Adds the errors of a text that is an error.
    pub fn read_error(&mut self, source: &SourceText) {
        let found = errors_in(source);
        self.errors.extend(found);
        self.surroundings.merge(surroundings_of(source));
    }

    /// Adds the trust policies and providers of files.
    pub fn read_files(&mut self, files: &[SourceText]) {
        let found = find(files);
        let shared: Arc<[SourceText]> = files.into();
        for mut policy in found.policies {
            let source = &files[policy.file];
            // What was read from an account is called by its role's ARN.
            if source.name.starts_with("arn:") {
                policy.role.get_or_insert_with(|| source.name.clone());
                policy.form = Form::GetRole;
            }
            self.policies
                .push(SeenPolicy::whole(&shared, policy, Vec::new()));
        }
        for provider in &found.providers {
            let seen = SeenProvider::from_found(provider, &files[provider.file]);
            self.providers.push(seen);
        }
        for (file, problem) in found.problems {
            let source = &files[file];
            let before = self.policies.len();
            self.read_repaired(
                source,
                Block {
                    span: Span::new(0, source.text.len()),
                    language: super::blocks::Language::Json,
                },
            );
            if self.policies.len() == before {
                self.faults.push(problem.to_string());
                if source.text.contains("Statement") {
                    self.unreadable.push(problem.to_string());
                }
            }
        }
    }

    /// Adds a token's claims.
    pub fn add_claims(&mut self, claims: SeenClaims) {
        if !self
            .claims
            .iter()
            .any(|other| other.claims == claims.claims)
        {
            self.claims.push(claims);
        }
    }

    /// Adds the ARN of the role that the call names.
    pub fn add_role(&mut self, arn: String) {
        if !self.roles.contains(&arn) {
            self.roles.push(arn);
        }
    }

    /// Reads a text that is one document; false where it is not, and why not.
    fn read_whole(&mut self, source: &SourceText) -> (bool, Option<String>) {
        let found = find(std::slice::from_ref(source));
        if found.policies.is_empty() || !found.problems.is_empty() {
            let problem = found.problems.first();
            return (false, problem.map(|(_, problem)| problem.to_string()));
        }
        let shared: Arc<[SourceText]> = Arc::new([source.clone()]);
        for policy in found.policies {
            self.policies
                .push(SeenPolicy::whole(&shared, policy, Vec::new()));
        }
        for provider in &found.providers {
            self.providers
                .push(SeenProvider::from_found(provider, source));
        }
        (true, None)
    }

    /// Claims, events and registrations in JSON.
    fn read_values(&mut self, source: &SourceText, blocks: &[Block]) {
        for block in blocks {
            let text = &source.text[block.span.start..block.span.end];
            let Some(value) = value_of(text) else {
                continue;
            };
            let line = source.position(block.span.start).line;
            for event in events_in(&value) {
                self.add_event(event);
            }
            self.read_value(&value, &format!("line {line} of {}", source.name), 0);
        }
    }

    fn read_value(&mut self, value: &Value, place: &str, depth: usize) {
        let Value::Object(object) = value else {
            return;
        };
        if object.contains_key("eventName") {
            return;
        }
        if let Some(provider) =
            SeenProvider::from_json(value, &format!("the registration on {place}"))
        {
            self.providers.push(provider);
            return;
        }
        if let Some(arn) = object
            .get("Role")
            .and_then(|role| role.get("MaxSessionDuration"))
            .and_then(Value::as_i64)
        {
            self.surroundings.longest_session.get_or_insert(arn);
        }
        if token::is_claims(object) {
            self.add_claims(SeenClaims {
                claims: object.clone(),
                origin: format!("the claims on {place}"),
                kid: None,
                fault: None,
            });
            return;
        }
        if depth < NESTED {
            for inner in object.values() {
                self.read_value(inner, place, depth + 1);
            }
        }
    }

    /// Adds an event, and what it shows of the token.
    pub fn add_event(&mut self, event: SeenEvent) {
        if let Some(role) = &event.role
            && event.name.starts_with("AssumeRole")
        {
            self.add_role(role.clone());
        }
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    fn read_policies(&mut self, source: &SourceText, blocks: &[Block]) {
        let mut taken: Vec<Span> = Vec::new();
        for block in blocks {
            let inside = taken
                .iter()
                .any(|span| span.start <= block.span.start && block.span.end <= span.end);
            if inside {
                continue;
            }
            let before = self.policies.len();
            for document in wrapped(source, *block) {
                self.read_document(source, *block, &document);
                if self.policies.len() > before {
                    break;
                }
            }
            if self.policies.len() == before {
                self.read_repaired(source, *block);
            }
            if self.policies.len() > before {
                taken.push(block.span);
            }
        }
    }

    /// A block in what a reader needs around it; its places become those of the text.
    fn read_document(&mut self, source: &SourceText, block: Block, wrapped: &Wrapped) {
        let found = find(std::slice::from_ref(&wrapped.document));
        let length = block.span.end - block.span.start;
        let place = |span: Span| {
            let back = |at: usize| block.span.start + at.saturating_sub(wrapped.before).min(length);
            Span::new(back(span.start), back(span.end))
        };
        for provider in &found.providers {
            let mut seen = SeenProvider::from_found(provider, &wrapped.document);
            seen.origin = format!(
                "{}:{}",
                source.name,
                source.position(place(provider.span).start)
            );
            if !self.providers.contains(&seen) {
                self.providers.push(seen);
            }
        }
        for policy in found.policies {
            let own = FoundPolicy {
                role: policy
                    .role
                    .clone()
                    .filter(|role| !role.ends_with(".pasted")),
                ..policy.clone()
            };
            self.policies.push(SeenPolicy {
                found: FoundPolicy {
                    tree: moved(&policy.tree, &place),
                    ..own
                },
                source: source.clone(),
                document: Document {
                    files: Arc::new([wrapped.document.clone()]),
                    found: policy,
                    block: block.span,
                    before: wrapped.before,
                },
                repaired: Vec::new(),
            });
        }
    }

    /// Reads a policy that cannot be read as it stands, with its paste damage mended.
    fn read_repaired(&mut self, source: &SourceText, block: Block) {
        let text = &source.text[block.span.start..block.span.end];
        if !text.contains("Statement") {
            return;
        }
        let (repaired, damage) = super::paste::repaired(text);
        if damage.is_empty() {
            return;
        }
        let line = source.position(block.span.start).line;
        let name = format!(
            "{} from line {line}{}",
            source.name,
            block.language.extension()
        );
        let mended: Arc<[SourceText]> = Arc::new([SourceText::new(name, repaired)]);
        for policy in find(&mended).policies {
            self.policies
                .push(SeenPolicy::whole(&mended, policy, damage.clone()));
        }
    }

    /// What was recognised, a line each.
    pub(crate) fn inventory(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for error in &self.errors {
            let code = if error.row.code.is_empty() {
                "an error of the client"
            } else {
                error.row.code
            };
            let operation = error
                .operation
                .as_ref()
                .map_or_else(String::new, |name| format!(" of {name}"));
            lines.push(format!(
                "{code}{operation}, reported by {}, line {}",
                error.wrapping, error.line
            ));
        }
        lines.extend(self.claims.iter().map(|claims| claims.origin.clone()));
        lines.extend(self.policies.iter().map(|policy| {
            format!(
                "a trust policy ({}), {}",
                form(policy.found.form),
                policy.name()
            )
        }));
        lines.extend(
            self.providers
                .iter()
                .map(|provider| format!("a provider `{}`, {}", provider.url, provider.origin)),
        );
        lines.extend(
            self.events
                .iter()
                .map(|event| format!("a CloudTrail event {}", event.name)),
        );
        lines.extend(self.roles.iter().map(|role| format!("the role {role}")));
        lines
    }
}

/// A form of document, for people.
fn form(form: Form) -> &'static str {
    match form {
        Form::Json => "JSON",
        Form::GetRole => "as IAM has it",
        Form::CloudFormationJson | Form::CloudFormationYaml => "CloudFormation",
        Form::Yaml => "YAML",
        Form::TerraformJsonencode | Form::TerraformHeredoc | Form::TerraformPolicyDocument => {
            "Terraform"
        }
    }
}

/// JSON, or the way in which Python prints the same.
fn value_of(text: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_str(text) {
        return Some(value);
    }
    if !text
        .trim_start_matches(['{', '[', ' ', '\n'])
        .starts_with('\'')
    {
        return None;
    }
    let json = text
        .replace('\'', "\"")
        .replace(": True", ": true")
        .replace(": False", ": false")
        .replace(": None", ": null");
    serde_json::from_str(&json).ok()
}

/// How deep claims or a registration may be nested in a value.
const NESTED: usize = 4;
