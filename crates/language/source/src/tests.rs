#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{Diagnostic, SourceText, Span, nearest};
use proptest::prelude::*;

#[test]
fn columns_count_characters() {
    let source = SourceText::new("a.json", "é\nαβ\"x\"");
    let offset = source.text.find('x').unwrap();
    assert_eq!(source.position(offset).to_string(), "2:4");
    assert_eq!(source.position(999).to_string(), "2:6");
}

#[test]
fn a_diagnostic_points_at_its_place() {
    let source = SourceText::new("trust.json", "{\n  \"Efect\": \"Allow\"\n}");
    let start = source.text.find("\"Efect\"").unwrap();
    let shown = Diagnostic::error(
        "unknown-element",
        "unknown element `Efect`",
        Span::new(start, start + 7),
    )
    .with_hint("Did you mean `Effect`?")
    .render(&source);
    insta::assert_snapshot!(shown, @r#"
    trust.json:2:3: unknown element `Efect`
      |
    2 |   "Efect": "Allow"
      |   ^^^^^^^
    hint: Did you mean `Effect`?
    "#);
}

#[test]
fn nearest_word() {
    let known = ["StringEquals", "StringLike", "Bool"];
    assert_eq!(nearest("stringequal", known), Some("StringEquals"));
    assert_eq!(nearest("StringLkie", known), Some("StringLike"));
    assert_eq!(nearest("Quux", known), None);
}

proptest! {
    #[test]
    fn any_span_renders(text in "(?s).{0,200}", start in 0usize..300, length in 0usize..300) {
        let source = SourceText::new("x", text);
        let span = Span::new(start, start + length);
        let shown = Diagnostic::error("c", "m", span).render(&source);
        prop_assert!(shown.contains('^'));
    }
}
