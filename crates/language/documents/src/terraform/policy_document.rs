//! `data "aws_iam_policy_document"`: blocks that stand for a JSON policy.
//!
//! <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document>

use hcl_edit::Span as _;
use hcl_edit::structure::{Attribute, Block};
use rolecall_source::Span;

use super::{Module, Policy, span};
use crate::found::Form;
use crate::{Kind, Member, Node, Text};

impl Module<'_> {
    /// The policy that a document stands for. Statements of documents that it builds upon come
    /// first, as in what Terraform renders.
    pub(super) fn document(&self, name: &str, depth: usize) -> Option<Policy> {
        let depth = depth.checked_sub(1)?;
        let (file, block) = *self.documents.get(name)?;
        let place = span(block.span());
        let mut statements = Vec::new();
        for list in ["source_policy_documents", "override_policy_documents"] {
            let Some(attribute) = block.body.get_attribute(list) else {
                continue;
            };
            let Some(array) = attribute.value.as_array() else {
                continue;
            };
            for element in array.iter() {
                let Ok(Some(policy)) = self.policy(file, element, depth) else {
                    continue;
                };
                // Places of another file would be read as places in this one.
                if policy.file == file
                    && let Some(more) = policy.tree.get("Statement")
                {
                    statements.extend(more.elements().iter().cloned());
                }
            }
        }
        for (statement, _) in self.repeated(block, "statement") {
            statements.push(self.statement(file, statement, depth));
        }
        let version = match block.body.get_attribute("version") {
            Some(attribute) => member(
                "Version",
                attribute,
                self.evaluate(file, &attribute.value, depth),
            ),
            None => Member {
                name: Text::known("Version"),
                name_span: place,
                value: Node::new(Kind::Text(Text::known("2012-10-17")), place),
            },
        };
        let statements = Member {
            name: Text::known("Statement"),
            name_span: place,
            value: Node::new(Kind::List(statements), place),
        };
        let tree = Node::new(Kind::Map(vec![version, statements]), place);
        Some(Policy {
            document: Some(name.to_owned()),
            ..Policy::new(file, Form::TerraformPolicyDocument, tree)
        })
    }

    /// The blocks of a kind, the contents of dynamic ones among them; with whether one is dynamic.
    fn repeated<'b>(&self, block: &'b Block, kind: &str) -> Vec<(&'b Block, bool)> {
        let mut found = Vec::new();
        for inner in block.body.blocks() {
            if inner.has_ident(kind) {
                found.push((inner, false));
            } else if inner.has_ident("dynamic")
                && inner
                    .labels
                    .first()
                    .is_some_and(|label| label.as_str() == kind)
            {
                let contents = inner.body.blocks().filter(|one| one.has_ident("content"));
                found.extend(contents.map(|one| (one, true)));
            }
        }
        found
    }

    fn statement(&self, file: usize, block: &Block, depth: usize) -> Node {
        let place = span(block.span());
        let value = |attribute: &Attribute| self.evaluate(file, &attribute.value, depth);
        let mut members = Vec::new();
        if let Some(sid) = block.body.get_attribute("sid") {
            members.push(member("Sid", sid, value(sid)));
        }
        members.push(match block.body.get_attribute("effect") {
            Some(effect) => member("Effect", effect, value(effect)),
            None => Member {
                name: Text::known("Effect"),
                name_span: place,
                value: Node::new(Kind::Text(Text::known("Allow")), place),
            },
        });
        for (blocks, element) in [
            ("principals", "Principal"),
            ("not_principals", "NotPrincipal"),
        ] {
            members.extend(self.principals(file, block, blocks, element, depth));
        }
        for (attribute, element) in [
            ("actions", "Action"),
            ("not_actions", "NotAction"),
            ("resources", "Resource"),
            ("not_resources", "NotResource"),
        ] {
            if let Some(attribute) = block.body.get_attribute(attribute) {
                members.push(member(element, attribute, variables(value(attribute))));
            }
        }
        members.extend(self.conditions(file, block, depth));
        Node::new(Kind::Map(members), place)
    }

    fn principals(
        &self,
        file: usize,
        statement: &Block,
        blocks: &str,
        element: &str,
        depth: usize,
    ) -> Option<Member> {
        let mut kinds: Vec<Member> = Vec::new();
        let mut place: Option<Span> = None;
        for (block, _) in self.repeated(statement, blocks) {
            let at = span(block.span());
            place = Some(place.map_or(at, |known| Span::new(known.start, at.end)));
            let (Some(kind), Some(identifiers)) = (
                block.body.get_attribute("type"),
                block.body.get_attribute("identifiers"),
            ) else {
                continue;
            };
            let kind = self.evaluate(file, &kind.value, depth);
            let value = variables(self.evaluate(file, &identifiers.value, depth));
            let name = kind.scalar().unwrap_or_default();
            let everyone = value.elements().first().and_then(Node::text) == Some("*");
            if name.value == "*" && everyone {
                let name_span = at;
                return Some(Member {
                    name: Text::known(element),
                    name_span,
                    value: Node::new(Kind::Text(Text::known("*")), value.span),
                });
            }
            merge(&mut kinds, name, kind.span, value);
        }
        let place = place?;
        Some(Member {
            name: Text::known(element),
            name_span: place,
            value: Node::new(Kind::Map(kinds), place),
        })
    }

    fn conditions(&self, file: usize, statement: &Block, depth: usize) -> Option<Member> {
        let mut operators: Vec<Member> = Vec::new();
        let mut place: Option<Span> = None;
        for (block, _) in self.repeated(statement, "condition") {
            let at = span(block.span());
            place = Some(place.map_or(at, |known| Span::new(known.start, at.end)));
            let get = |name: &str| {
                let attribute = block.body.get_attribute(name)?;
                Some(self.evaluate(file, &attribute.value, depth))
            };
            let (Some(test), Some(variable), Some(values)) =
                (get("test"), get("variable"), get("values"))
            else {
                continue;
            };
            let (operator, key) = (
                test.scalar().unwrap_or_default(),
                variable.scalar().unwrap_or_default(),
            );
            let values = variables(values);
            let known = operators.iter_mut().find(|one| one.name == operator);
            match known.map(|one| &mut one.value.kind) {
                Some(Kind::Map(keys)) => merge(keys, key, variable.span, values),
                _ => {
                    let mut keys = Vec::new();
                    merge(&mut keys, key, variable.span, values);
                    operators.push(Member {
                        name: operator,
                        name_span: test.span,
                        value: Node::new(Kind::Map(keys), at),
                    });
                }
            }
        }
        let place = place?;
        Some(Member {
            name: Text::known("Condition"),
            name_span: place,
            value: Node::new(Kind::Map(operators), place),
        })
    }
}

/// Adds a member; values of a name that is there already are joined, as Terraform joins them.
fn merge(members: &mut Vec<Member>, name: Text, name_span: Span, value: Node) {
    let known = members.iter_mut().find(|member| member.name == name);
    let Some(known) = known else {
        members.push(Member {
            name,
            name_span,
            value,
        });
        return;
    };
    let mut elements = known.value.elements().to_vec();
    elements.extend(value.elements().iter().cloned());
    let place = Span::new(
        known.value.span.start,
        value.span.end.max(known.value.span.end),
    );
    known.value = Node::new(Kind::List(elements), place);
}

fn member(name: &str, attribute: &Attribute, value: Node) -> Member {
    Member {
        name: Text::known(name),
        name_span: span(attribute.key.span()),
        value,
    }
}

/// Policy variables are written `&{…}` in a document, since `${…}` is Terraform's own.
fn variables(node: Node) -> Node {
    let kind = match node.kind {
        Kind::Text(text) if text.value.contains("&{") => Kind::Text(Text {
            // Both are as long: the places of symbols stay.
            value: text.value.replace("&{", "${"),
            symbols: text.symbols,
        }),
        Kind::List(elements) => Kind::List(elements.into_iter().map(variables).collect()),
        kind => kind,
    };
    Node::new(kind, node.span)
}

/// Whether a policy is one of trust: it has principals, or actions of STS.
pub(crate) fn trusts(tree: &Node) -> bool {
    let statements = tree.get("Statement").map(Node::elements);
    statements.unwrap_or_default().iter().any(|statement| {
        let actions = statement.get("Action").map(Node::elements);
        let sts = |node: &Node| {
            let text = node.text().unwrap_or_default();
            text.get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("sts:"))
        };
        let principal = statement.get("Principal").or(statement.get("NotPrincipal"));
        principal.is_some() && actions.unwrap_or_default().iter().any(sts)
    })
}
