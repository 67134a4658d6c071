//! Terraform's roles, policy documents and OIDC providers, out of the files of one folder: one
//! module, in Terraform's words. Expressions are in `terraform/evaluation.rs`, policy documents in
//! `terraform/policy_document.rs`.

mod evaluation;
mod policy_document;

pub(crate) use evaluation::with_symbols;

use std::collections::HashMap;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use rolecall_source::{Diagnostic, SourceText, Span};

use crate::cloudformation::without_scheme;
use crate::found::{Form, FoundPolicy, FoundProvider};
use crate::{DocumentError, Kind, Node, Text};

/// A file that was parsed.
pub(crate) struct File<'s> {
    pub(crate) index: usize,
    pub(crate) source: &'s SourceText,
    body: Body,
}

impl<'s> File<'s> {
    /// Parses a file. The parser bounds nesting itself.
    pub(crate) fn parse(index: usize, source: &'s SourceText) -> Result<Self, DocumentError> {
        if source.text.len() > SIZE_LIMIT {
            return Err(DocumentError::TooLarge {
                name: source.name.clone(),
                size: source.text.len(),
                limit: SIZE_LIMIT,
            });
        }
        let body = hcl_edit::parser::parse_body(&source.text).map_err(|error| {
            let at = error.location().offset();
            let message = format!("not HCL: {}", error.message().replace('\n', ", "));
            let span = Span::new(at, at + 1);
            DocumentError::syntax(source, Diagnostic::error("hcl-syntax", message, span))
        })?;
        Ok(Self {
            index,
            source,
            body,
        })
    }

    fn blocks<'f>(&'f self, kind: &'f str, label: &'f str) -> impl Iterator<Item = &'f Block> {
        self.body
            .blocks()
            .filter(move |block| block.has_ident(kind))
            .filter(move |block| {
                block
                    .labels
                    .first()
                    .is_some_and(|one| one.as_str() == label)
            })
    }
}

/// The files of one folder.
pub(crate) struct Module<'f> {
    files: &'f [File<'f>],
    /// Locals and variables' defaults by their address, each with its file.
    values: HashMap<String, (usize, &'f Expression)>,
    documents: HashMap<String, (usize, &'f Block)>,
    providers: HashMap<String, (usize, &'f Block)>,
}

impl<'f> Module<'f> {
    /// Indexes what expressions may refer to.
    pub(crate) fn new(files: &'f [File<'f>]) -> Self {
        let mut module = Self {
            files,
            values: HashMap::new(),
            documents: HashMap::new(),
            providers: HashMap::new(),
        };
        for (index, file) in files.iter().enumerate() {
            for block in file.body.blocks() {
                let name = block.labels.last().map_or("", |label| label.as_str());
                let kind = block.labels.first().map_or("", |label| label.as_str());
                match (block.ident.as_str(), kind) {
                    ("locals", _) => {
                        for attribute in block.body.attributes() {
                            let address = format!("local.{}", attribute.key.as_str());
                            module.values.insert(address, (index, &attribute.value));
                        }
                    }
                    ("variable", _) => {
                        if let Some(default) = block.body.get_attribute("default") {
                            let address = format!("var.{name}");
                            module.values.insert(address, (index, &default.value));
                        }
                    }
                    ("data", "aws_iam_policy_document") => {
                        module.documents.insert(name.to_owned(), (index, block));
                    }
                    ("resource" | "data", "aws_iam_openid_connect_provider") => {
                        module.providers.insert(name.to_owned(), (index, block));
                    }
                    _ => {}
                }
            }
        }
        module
    }

    /// The roles' trust policies, and those documents that are trust policies of no role here.
    pub(crate) fn policies(&self, problems: &mut Vec<(usize, DocumentError)>) -> Vec<FoundPolicy> {
        let (mut found, mut used) = (Vec::new(), Vec::new());
        for (index, file) in self.files.iter().enumerate() {
            for role in file.blocks("resource", "aws_iam_role") {
                let Some(attribute) = role.body.get_attribute("assume_role_policy") else {
                    continue;
                };
                let name = role.labels.last().map_or("", |label| label.as_str());
                match self.policy(index, &attribute.value, DEPTH) {
                    Ok(Some(policy)) => {
                        used.extend(policy.document);
                        found.push(FoundPolicy {
                            file: self.files[policy.file].index,
                            form: policy.form,
                            role: Some(format!("aws_iam_role.{name}")),
                            tree: policy.tree,
                        });
                    }
                    Ok(None) => {}
                    Err(problem) => problems.push(problem),
                }
            }
        }
        let mut names: Vec<&String> = self.documents.keys().collect();
        names.sort();
        for name in names {
            if used.contains(name) {
                continue;
            }
            let Some(policy) = self.document(name, DEPTH) else {
                continue;
            };
            if policy_document::trusts(&policy.tree) {
                found.push(FoundPolicy {
                    file: self.files[policy.file].index,
                    form: policy.form,
                    role: Some(format!("data.aws_iam_policy_document.{name}")),
                    tree: policy.tree,
                });
            }
        }
        found.sort_by_key(|policy| (policy.file, policy.tree.span.start));
        found
    }

    /// The providers that the module registers.
    pub(crate) fn providers(&self) -> Vec<FoundProvider> {
        let mut found: Vec<FoundProvider> = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            for block in file.blocks("resource", "aws_iam_openid_connect_provider") {
                let name = block.labels.last().map_or("", |label| label.as_str());
                let texts = |name: &str| -> Vec<Text> {
                    let attribute = block.body.get_attribute(name);
                    let node = attribute.map(|one| self.evaluate(index, &one.value, DEPTH));
                    let elements = node.iter().flat_map(Node::elements);
                    elements.filter_map(Node::scalar).collect()
                };
                let Some(url) = texts("url").into_iter().next() else {
                    continue;
                };
                found.push(FoundProvider {
                    file: file.index,
                    name: Some(format!("aws_iam_openid_connect_provider.{name}")),
                    arn: None,
                    url,
                    client_ids: texts("client_id_list"),
                    thumbprints: texts("thumbprint_list"),
                    span: span(block.span()),
                });
            }
        }
        found
    }

    /// The ARN of a provider of the module; the account is not known.
    fn provider_arn(&self, name: &str) -> Option<Text> {
        let mut arn = Text::known("arn:aws:iam::");
        arn.push_symbol("account");
        arn.push_str(":oidc-provider/");
        arn.push(&without_scheme(&self.provider_url(name)?));
        Some(arn)
    }

    fn provider_url(&self, name: &str) -> Option<Text> {
        let (file, block) = self.providers.get(name)?;
        let url = block.body.get_attribute("url")?;
        self.evaluate(*file, &url.value, DEPTH).scalar()
    }
}

/// A policy that an expression leads to.
struct Policy {
    file: usize,
    form: Form,
    tree: Node,
    /// The policy document that it is, by name.
    document: Option<String>,
}

impl Policy {
    fn new(file: usize, form: Form, tree: Node) -> Self {
        Self {
            file,
            form,
            tree,
            document: None,
        }
    }
}

fn span(range: Option<std::ops::Range<usize>>) -> Span {
    let range = range.unwrap_or_default();
    Span::new(range.start, range.end)
}

fn null(span: Span) -> Node {
    Node::new(Kind::Null, span)
}

/// Bytes of a file that are read, at most.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;
/// References that lead to references, at most: locals may name each other in a circle.
const DEPTH: usize = 16;
