//! CloudFormation templates, synthesised CDK among them: functions are worked out as far as the
//! template alone tells, the rest are symbols.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use rolecall_source::Span;

use crate::found::FoundProvider;
use crate::{Kind, Member, Node, Text};

/// A template, with what its functions refer to.
pub(crate) struct Template<'t> {
    root: &'t Node,
}

impl<'t> Template<'t> {
    /// A document that has resources with types, as templates do.
    pub(crate) fn of(root: &'t Node) -> Option<Self> {
        let resources = root.get("Resources")?.members()?;
        let typed = |member: &Member| member.value.get("Type").and_then(Node::text).is_some();
        resources.iter().any(typed).then_some(Self { root })
    }

    /// No template: functions refer to nothing.
    pub(crate) fn alone(root: &'t Node) -> Self {
        Self { root }
    }

    /// The roles' trust policies by logical ID, functions worked out.
    pub(crate) fn roles(&self) -> Vec<(String, Node)> {
        self.resources("AWS::IAM::Role")
            .filter_map(|(id, properties)| {
                let document = properties.get("AssumeRolePolicyDocument")?;
                Some((id.to_owned(), self.resolved(document)))
            })
            .collect()
    }

    /// The OIDC providers by logical ID.
    pub(crate) fn providers(&self, file: usize) -> Vec<FoundProvider> {
        self.resources("AWS::IAM::OIDCProvider")
            .filter_map(|(id, properties)| {
                let texts = |name: &str| -> Vec<Text> {
                    let list = properties.get(name).map(|node| self.resolved(node));
                    let elements = list.iter().flat_map(Node::elements);
                    elements.filter_map(Node::scalar).collect()
                };
                Some(FoundProvider {
                    file,
                    name: Some(id.to_owned()),
                    arn: None,
                    url: self.resolved(properties.get("Url")?).scalar()?,
                    client_ids: texts("ClientIdList"),
                    thumbprints: texts("ThumbprintList"),
                    span: properties.span,
                })
            })
            .collect()
    }

    fn resources(&self, kind: &str) -> impl Iterator<Item = (&'t str, &'t Node)> {
        let members = self.root.get("Resources").and_then(Node::members);
        members
            .unwrap_or_default()
            .iter()
            .filter(move |member| member.value.get("Type").and_then(Node::text) == Some(kind))
            .filter_map(|member| Some((member.name(), member.value.get("Properties")?)))
    }

    /// The same tree with every function replaced by what it gives, or by a symbol.
    pub(crate) fn resolved(&self, node: &Node) -> Node {
        let kind = match &node.kind {
            Kind::List(elements) => {
                Kind::List(elements.iter().map(|one| self.resolved(one)).collect())
            }
            Kind::Map(members) => match members.as_slice() {
                [only] if is_function(only.name()) => {
                    return self.called(only.name(), &only.value, node.span);
                }
                members => Kind::Map(
                    members
                        .iter()
                        .map(|member| Member {
                            name: member.name.clone(),
                            name_span: member.name_span,
                            value: self.resolved(&member.value),
                        })
                        .collect(),
                ),
            },
            kind => kind.clone(),
        };
        Node::new(kind, node.span)
    }

    fn called(&self, name: &str, argument: &Node, span: Span) -> Node {
        let text = match name {
            "Ref" => argument.text().map(|name| self.reference(name)),
            "Fn::Sub" => self.substituted(argument),
            "Fn::Join" => self.joined(argument),
            "Fn::GetAtt" => attribute(argument).map(|(id, of)| self.attribute(&id, &of)),
            "Fn::If" => None,
            _ => None,
        };
        let unknown = || Text::symbol(written(name, argument));
        Node::new(Kind::Text(text.unwrap_or_else(unknown)), span)
    }

    /// A parameter is its default, where it has one; a provider is its ARN.
    fn reference(&self, name: &str) -> Text {
        let default = self
            .root
            .get("Parameters")
            .and_then(|parameters| parameters.get(name)?.get("Default"))
            .and_then(Node::scalar);
        if let Some(default) = default {
            return default;
        }
        self.provider_arn(name)
            .unwrap_or_else(|| Text::symbol(name))
    }

    fn attribute(&self, id: &str, attribute: &str) -> Text {
        match attribute {
            "Arn" => self.provider_arn(id),
            _ => None,
        }
        .unwrap_or_else(|| Text::symbol(format!("{id}.{attribute}")))
    }

    /// The ARN of a provider that the template registers; the account is not known.
    fn provider_arn(&self, id: &str) -> Option<Text> {
        let (_, properties) = self
            .resources("AWS::IAM::OIDCProvider")
            .find(|(known, _)| *known == id)?;
        let url = self.resolved(properties.get("Url")?).scalar()?;
        let mut arn = Text::known("arn:");
        arn.push_symbol("AWS::Partition");
        arn.push_str(":iam::");
        arn.push_symbol("AWS::AccountId");
        arn.push_str(":oidc-provider/");
        arn.push(&without_scheme(&url));
        Some(arn)
    }

    /// `Fn::Sub`: a text, or a text with a map of names.
    fn substituted(&self, argument: &Node) -> Option<Text> {
        let (template, names) = match argument.elements() {
            [template] => (template, None),
            [template, names] => (template, Some(names)),
            _ => return None,
        };
        let mut rest = template.text()?;
        let mut text = Text::default();
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}')?;
            text.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => text.push_str(&format!("${{{literal}}}")),
                None => {
                    let own = names.and_then(|names| names.get(name.trim()));
                    let value = match (own, name.trim().split_once('.')) {
                        (Some(own), _) => self.resolved(own).scalar()?,
                        (None, Some((id, of))) => self.attribute(id, of),
                        (None, None) => self.reference(name.trim()),
                    };
                    text.push(&value);
                }
            }
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }

    fn joined(&self, argument: &Node) -> Option<Text> {
        let [separator, parts] = argument.elements() else {
            return None;
        };
        let mut text = Text::default();
        for (index, part) in self.resolved(parts).elements().iter().enumerate() {
            if index > 0 {
                text.push_str(separator.text()?);
            }
            text.push(&part.scalar()?);
        }
        Some(text)
    }
}

/// A text without the `https://` in front.
pub(crate) fn without_scheme(url: &Text) -> Text {
    let scheme = "https://";
    if !url.value.starts_with(scheme) {
        return url.clone();
    }
    let mut cut = url.clone();
    cut.value.drain(..scheme.len());
    for symbol in &mut cut.symbols {
        symbol.start -= scheme.len();
        symbol.end -= scheme.len();
    }
    cut
}

fn is_function(name: &str) -> bool {
    name == "Ref" || name.starts_with("Fn::")
}

/// `[id, attribute]`, or `id.attribute` in one text.
fn attribute(argument: &Node) -> Option<(String, String)> {
    match argument.elements() {
        [one] => {
            let (id, of) = one.text()?.split_once('.')?;
            Some((id.to_owned(), of.to_owned()))
        }
        [id, of] => Some((id.text()?.to_owned(), of.text()?.to_owned())),
        _ => None,
    }
}

/// A function call as a symbol's name.
fn written(name: &str, argument: &Node) -> String {
    let arguments: Vec<&str> = argument.elements().iter().filter_map(Node::text).collect();
    format!("{name} {}", arguments.join(" "))
        .trim_end()
        .to_owned()
}
