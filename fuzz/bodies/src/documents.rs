//! The readers: places lie in the text, what is printed reads back, and an edit says what it should.

use rolecall_documents::{FoundPolicy, Kind, Node, Step, TreeEdit, Value, amended, edited, find};
use rolecall_source::SourceText;
use rolecall_trust::lint::lint_files;
use rolecall_trust::write_time::validate_trust_policy;
use rolecall_trust::{CompiledPolicy, Policy};

use crate::text;

/// JSON: printing a tree and reading it gives the tree again.
pub(crate) fn json(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let source = SourceText::new("fuzz.json", text);
    match rolecall_documents::json(&source) {
        Ok(tree) => {
            places(&source, &tree);
            for printed in [tree.to_json(), tree.to_pretty_json()] {
                let again = rolecall_documents::json(&SourceText::new("again.json", &printed));
                assert!(
                    again.is_ok_and(|again| again.to_json() == tree.to_json()),
                    "{printed}"
                );
            }
            let _ = validate_trust_policy(text);
        }
        Err(error) => told(&error.to_string()),
    }
}

/// YAML, any number of documents.
pub(crate) fn yaml(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let source = SourceText::new("fuzz.yaml", text);
    match rolecall_documents::yaml(&source) {
        Ok(trees) => trees.iter().for_each(|tree| places(&source, tree)),
        Err(error) => told(&error.to_string()),
    }
}

/// Terraform configuration.
pub(crate) fn terraform(bytes: &[u8]) {
    searched("fuzz.tf", bytes);
}

/// CloudFormation templates, and whatever else is YAML.
pub(crate) fn cloudformation(bytes: &[u8]) {
    searched("fuzz.yaml", bytes);
}

/// What AWS answers, and policies by themselves, in JSON.
pub(crate) fn listing(bytes: &[u8]) {
    searched("fuzz.json", bytes);
}

fn searched(name: &str, bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let files = [SourceText::new(name, text)];
    let found = find(&files);
    for (_, problem) in &found.problems {
        told(&problem.to_string());
    }
    for policy in &found.policies {
        places(&files[0], &policy.tree);
        if let Ok(read) = Policy::from_tree(&files[0], &policy.tree) {
            let _ = CompiledPolicy::compile(&read);
        }
        changed(&files, policy);
    }
    let _ = lint_files(&files, &found);
}

/// A change that can be written says what was wanted, and nothing else of the file changes.
fn changed(files: &[SourceText], policy: &FoundPolicy) {
    assert!(
        amended(files, policy, &[]).is_ok_and(|same| same == files[0].text)
            || policy.form == rolecall_documents::Form::GetRole
    );
    let edit = [TreeEdit::Set {
        path: vec![Step::Name("Version".to_owned())],
        value: Value::Text("2012-10-17".to_owned()),
    }];
    if let Ok(text) = amended(files, policy, &edit) {
        let again = [SourceText::new(files[0].name.clone(), text)];
        // The order of names says nothing: a new one may stand before one without a value.
        let read = |tree: &Node| serde_json::from_str::<serde_json::Value>(&tree.to_json()).ok();
        let wanted = edited(&policy.tree, &edit).and_then(|tree| read(&tree));
        let found = find(&again);
        assert!(
            found
                .policies
                .iter()
                .any(|found| read(&found.tree) == wanted),
            "{}\n{wanted:?}\n{:?}",
            again[0].text,
            found.policies
        );
    }
}

/// Every place lies in the text, at the bounds of characters.
fn places(source: &SourceText, node: &Node) {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        assert!(
            source.text.get(node.span.start..node.span.end).is_some(),
            "{:?}",
            node.span
        );
        let _ = source.position(node.span.start);
        match &node.kind {
            Kind::Map(members) => {
                for member in members {
                    let span = member.name_span;
                    assert!(source.text.get(span.start..span.end).is_some(), "{span:?}");
                    waiting.push(&member.value);
                }
            }
            Kind::List(elements) => waiting.extend(elements),
            _ => {}
        }
    }
}

fn told(message: &str) {
    assert!(!message.is_empty());
}
