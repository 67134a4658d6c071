//! Finds trust policies and providers in files of every language.

use std::collections::BTreeMap;

use rolecall_source::{Diagnostic, SourceText, Span};

use crate::cloudformation::Template;
use crate::found::{Form, Found, FoundPolicy, FoundProvider};
use crate::nested::Nested;
use crate::terraform::{self, Module};
use crate::{DocumentError, Kind, Member, Node, Text, json, yaml};

/// Searches files for trust policies and providers. What one file of a folder names and another
/// defines (a Terraform data source, a variable's default) is joined.
///
/// The language is told by the file's name or, without a known extension, by its text. A file that
/// cannot be read is a problem when it looks as if it held a policy, or is the only one. A text that
/// bears a role's ARN as its name is the policy that the role has.
pub fn find(files: &[SourceText]) -> Found {
    let mut found = Found::default();
    let mut modules: BTreeMap<&str, Vec<terraform::File<'_>>> = BTreeMap::new();
    for (index, source) in files.iter().enumerate() {
        let read = match language(source) {
            Language::Json => search_json(index, source, &mut found),
            Language::Yaml => search_yaml(index, source, &mut found),
            Language::UrlEncoded => search_encoded(index, source, &mut found),
            Language::Hcl => terraform::File::parse(index, source)
                .map(|file| modules.entry(folder(&source.name)).or_default().push(file)),
            Language::Program => Err(program(source)),
        };
        if let Err(problem) = read
            && (files.len() == 1 || looks_like_a_policy(&source.text))
        {
            found.problems.push((index, problem));
        }
    }
    for files in modules.values() {
        let module = Module::new(files);
        found.policies.extend(module.policies(&mut found.problems));
        found.providers.extend(module.providers());
    }
    found
        .policies
        .sort_by_key(|policy| (policy.file, policy.tree.span.start));
    found
}

enum Language {
    Json,
    Yaml,
    Hcl,
    UrlEncoded,
    /// A program that makes a policy when it runs.
    Program,
}

fn language(source: &SourceText) -> Language {
    let name = source.name.as_str();
    let ends = |extensions: &[&str]| extensions.iter().any(|one| name.ends_with(one));
    let text = source.text.trim_start();
    match text.as_bytes().first() {
        // A role may be called `deploy.py`.
        _ if role_of(source).is_some() => Language::Json,
        _ if ends(&[".ts", ".js", ".py", ".go", ".java", ".cs"]) => Language::Program,
        _ if ends(&[".tf", ".hcl", ".tofu"]) => Language::Hcl,
        _ if ends(&[".json"]) => Language::Json,
        // A template in JSON may be called `.yaml`: JSON is YAML, and better read as what it is.
        Some(b'{' | b'[') if !text.starts_with("{{") => Language::Json,
        _ if ends(&[".yaml", ".yml", ".template"]) => Language::Yaml,
        Some(b'%')
            if text
                .get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case("%7b")) =>
        {
            Language::UrlEncoded
        }
        _ if text.lines().any(is_hcl) => Language::Hcl,
        _ => Language::Yaml,
    }
}

/// The role whose policy a text is, where it bears a role's ARN: it was read from an account.
fn role_of(source: &SourceText) -> Option<String> {
    let name = &source.name;
    (name.starts_with("arn:") && name.contains(":role/")).then(|| name.clone())
}

/// A line as only HCL has.
fn is_hcl(line: &str) -> bool {
    let line = line.trim();
    [
        "resource \"",
        "data \"",
        "variable \"",
        "locals {",
        "statement {",
    ]
    .iter()
    .any(|start| line.starts_with(start))
        || line.contains("= jsonencode(")
}

fn looks_like_a_policy(text: &str) -> bool {
    ["AssumeRole", "assume_role_policy", "sts:", "oidc-provider/"]
        .iter()
        .any(|word| text.contains(word))
}

fn folder(name: &str) -> &str {
    name.rfind(['/', '\\']).map_or("", |slash| &name[..slash])
}

fn program(source: &SourceText) -> DocumentError {
    let message = "a program makes its policies when it runs".to_owned();
    let diagnostic = Diagnostic::error("program", message, Span::new(0, 1)).with_hint(
        "Give what it makes: run `cdk synth` or `pulumi preview --json` first, and name the template.",
    );
    DocumentError::syntax(source, diagnostic)
}

fn search_json(file: usize, source: &SourceText, found: &mut Found) -> Result<(), DocumentError> {
    let root = json(source).map_err(|error| rendered_first(source, error))?;
    search_tree(file, source, &root, true, found)
}

fn search_yaml(file: usize, source: &SourceText, found: &mut Found) -> Result<(), DocumentError> {
    let documents = yaml(source).map_err(|error| rendered_first(source, error))?;
    for root in &documents {
        search_tree(file, source, root, false, found)?;
    }
    Ok(())
}

/// A template that is no YAML before it is rendered says so.
fn rendered_first(source: &SourceText, error: DocumentError) -> DocumentError {
    match error {
        DocumentError::Syntax { diagnostic, .. } if source.text.contains("{{") => {
            let hint = "It has `{{…}}` in it: render the template first, and give what it makes.";
            DocumentError::syntax(source, diagnostic.with_hint(hint))
        }
        error => error,
    }
}

fn search_encoded(
    file: usize,
    source: &SourceText,
    found: &mut Found,
) -> Result<(), DocumentError> {
    let text = source.text.trim();
    let start = source.text.len() - source.text.trim_start().len();
    let span = Span::new(start, start + text.len());
    let nested = Nested::align(&source.text, span, text);
    let Some(decoded) = nested.url_decoded() else {
        let diagnostic = Diagnostic::error("url-encoding", "not URL-encoded text", span);
        return Err(DocumentError::syntax(source, diagnostic));
    };
    let tree = decoded.json(source)?;
    if is_policy(&tree) {
        let form = Form::GetRole;
        found.policies.push(FoundPolicy {
            file,
            form,
            role: None,
            tree,
        });
    }
    Ok(())
}

fn search_tree(
    file: usize,
    source: &SourceText,
    root: &Node,
    is_json: bool,
    found: &mut Found,
) -> Result<(), DocumentError> {
    let template = Template::of(root);
    if let Some(template) = &template {
        let form = match is_json {
            true => Form::CloudFormationJson,
            false => Form::CloudFormationYaml,
        };
        for (id, tree) in template.roles() {
            let tree = with_marks(in_text(source, tree)?);
            if is_policy(&tree) {
                let role = Some(id);
                found.policies.push(FoundPolicy {
                    file,
                    form,
                    role,
                    tree,
                });
            }
        }
        found.providers.extend(template.providers(file));
        return Ok(());
    }
    if is_policy(root) {
        let (form, tree) = match is_json {
            true => (Form::Json, root.clone()),
            false => (Form::Yaml, functions_resolved(root)),
        };
        let role = role_of(source);
        let tree = with_marks(tree);
        found.policies.push(FoundPolicy {
            file,
            form,
            role,
            tree,
        });
        return Ok(());
    }
    Search {
        file,
        source,
        is_json,
        found,
    }
    .below(root)
}

/// A search through a document that is no template: what AWS answers, resources of Kubernetes,
/// plans, and whatever else has a role in it.
struct Search<'s> {
    file: usize,
    source: &'s SourceText,
    is_json: bool,
    found: &'s mut Found,
}

impl Search<'_> {
    fn below(&mut self, node: &Node) -> Result<(), DocumentError> {
        match &node.kind {
            Kind::List(elements) => {
                for element in elements {
                    self.below(element)?;
                }
            }
            Kind::Map(members) => {
                self.provider(node);
                for member in members {
                    if DOCUMENT_NAMES.contains(&member.name()) {
                        self.document(node, member)?;
                    } else {
                        self.below(&member.value)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A member that holds a policy as a tree or as text.
    fn document(&mut self, role: &Node, member: &Member) -> Result<(), DocumentError> {
        let answered = role.get("RoleName").is_some() || role.get("RoleId").is_some();
        let tree = in_text(self.source, member.value.clone())?;
        if !is_policy(&tree) {
            return Ok(());
        }
        let (form, tree) = match (answered, self.is_json) {
            (true, _) => (Form::GetRole, tree),
            (false, true) => (Form::Json, with_marks(tree)),
            (false, false) => (Form::Yaml, with_marks(functions_resolved(&tree))),
        };
        let name = ["Arn", "RoleName", "arn", "roleName", "name"]
            .iter()
            .find_map(|name| role.get(name)?.text());
        self.found.policies.push(FoundPolicy {
            file: self.file,
            form,
            role: name.map(str::to_owned),
            tree,
        });
        Ok(())
    }

    /// What `aws iam get-open-id-connect-provider` prints.
    fn provider(&mut self, node: &Node) {
        let (Some(url), Some(clients)) = (node.get("Url"), node.get("ClientIDList")) else {
            return;
        };
        let texts = |node: &Node| node.elements().iter().filter_map(Node::scalar).collect();
        let Some(url) = url.scalar() else {
            return;
        };
        self.found.providers.push(FoundProvider {
            file: self.file,
            name: None,
            arn: node.get("OpenIDConnectProviderArn").and_then(Node::scalar),
            url,
            client_ids: texts(clients),
            thumbprints: node.get("ThumbprintList").map(texts).unwrap_or_default(),
            span: node.span,
        });
    }
}

/// The policy in a text: as JSON, or as URL-encoded JSON. Other values are themselves, and so is a
/// text that is no document.
fn in_text(source: &SourceText, node: Node) -> Result<Node, DocumentError> {
    let Kind::Text(text) = &node.kind else {
        return Ok(node);
    };
    let start = text.value.trim_start();
    let nested = Nested::align(&source.text, node.span, &text.value);
    if start.starts_with('{') {
        return Ok(terraform::with_symbols(nested.json(source)?, text));
    }
    if start
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("%7b"))
        && let Some(decoded) = nested.url_decoded()
    {
        return decoded.json(source);
    }
    Ok(node)
}

/// CloudFormation's functions outside a template: nothing they refer to is known.
fn functions_resolved(tree: &Node) -> Node {
    let nothing = Node::new(Kind::Null, Span::default());
    Template::alone(&nothing).resolved(tree)
}

/// `{{…}}` of a template engine are symbols.
fn with_marks(node: Node) -> Node {
    let kind = match node.kind {
        Kind::Text(text) => Kind::Text(marked(text)),
        Kind::List(elements) => Kind::List(elements.into_iter().map(with_marks).collect()),
        Kind::Map(members) => Kind::Map(
            members
                .into_iter()
                .map(|member| Member {
                    name: marked(member.name),
                    name_span: member.name_span,
                    value: with_marks(member.value),
                })
                .collect(),
        ),
        kind => kind,
    };
    Node::new(kind, node.span)
}

fn marked(text: Text) -> Text {
    if !text.symbols.is_empty() || !text.value.contains("{{") {
        return text;
    }
    let mut marked = Text::default();
    let mut rest = text.value.as_str();
    while let Some((before, behind)) = rest.split_once("{{") {
        let Some((name, after)) = behind.split_once("}}") else {
            break;
        };
        marked.push_str(before);
        marked.push_symbol(name.trim());
        rest = after;
    }
    marked.push_str(rest);
    marked
}

/// Whether a value has the look of a policy.
fn is_policy(tree: &Node) -> bool {
    tree.member("Statement").is_some()
}

/// The names under which documents hold a role's trust policy.
const DOCUMENT_NAMES: &[&str] = &[
    "AssumeRolePolicyDocument",
    "assumeRolePolicyDocument",
    "assumeRolePolicy",
    "AssumeRolePolicy",
    "assume_role_policy",
    "assume_role_policy_document",
];

#[cfg(test)]
mod tests;
