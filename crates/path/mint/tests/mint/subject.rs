use proptest::prelude::*;
use rolecall_mint::{Attributes, FormatProblem, MintError, SubjectFormat};

fn attributes<const N: usize>(pairs: [(&str, &str); N]) -> Attributes {
    Attributes::from_iter(pairs)
}

fn render<const N: usize>(template: &str, pairs: [(&str, &str); N]) -> Result<String, MintError> {
    SubjectFormat::parse(template)
        .unwrap()
        .render(&attributes(pairs))
}

#[test]
fn separators_in_values_are_escaped() {
    let template = "a:{x}:b:{y}";
    assert_eq!(
        render(template, [("x", "1:b:2"), ("y", "100%")]).unwrap(),
        "a:1%3Ab%3A2:b:100%25"
    );
    assert_eq!(
        render(template, [("x", "%3A"), ("y", "z")]).unwrap(),
        "a:%253A:b:z"
    );
}

#[test]
fn further_separators_are_escaped_where_the_template_uses_them() {
    assert_eq!(
        render("env:{env}", [("env", "project/env|x@y+z")]).unwrap(),
        "env:project/env|x@y+z"
    );
    assert_eq!(
        render(
            "org/{org}/project/{project}",
            [("org", "a/project/b"), ("project", "c:d")]
        )
        .unwrap(),
        "org/a%2Fproject%2Fb/project/c%3Ad"
    );
    assert_eq!(
        render(
            "{owner}@{id}|{x}",
            [("owner", "a@1"), ("id", "a|b"), ("x", "+")]
        )
        .unwrap(),
        "a%401@a%7Cb|+"
    );
}

#[test]
fn a_missing_attribute_is_named_with_the_nearest() {
    let error = render("s:{stack}", [("stacks", "x"), ("name", "y")]).unwrap_err();
    insta::assert_snapshot!(error, @"`subject` needs the attribute `stack`, which the workload does not have; did you mean `stacks`?");
    let error = render("s:{stack}", [("name", "y")]).unwrap_err();
    insta::assert_snapshot!(error, @"`subject` needs the attribute `stack`, which the workload does not have");
}

#[test]
fn dangerous_values_are_refused() {
    for value in [
        "*", "a*", "?", "a b", "a\n", "a\u{0}", "é", "a\"b", "a\\b", "${aws:x}", "<x>", "",
    ] {
        let error = render("s:{x}", [("x", value)]).unwrap_err();
        assert!(
            matches!(&error, MintError::AttributeValue { name, .. } if name == "x"),
            "{value:?}"
        );
    }
    insta::assert_snapshot!(
        render("s:{x}", [("x", "prod-*")]).unwrap_err(),
        @"`subject` cannot take the attribute `x`: its value `prod-*` holds the wildcard `*`, which would match others in a policy written from it"
    );
    insta::assert_snapshot!(
        render("s:{x}", [("x", "a\u{1b}[31m")]).unwrap_err(),
        @r"`subject` cannot take the attribute `x`: its value `a\u{1b}[31m` holds `\u{1b}`; letters, digits and `_-.@+/|:%=,~#!&();'` are possible"
    );
}

#[test]
fn templates_are_checked_when_they_are_written() {
    let error = |template: &str| SubjectFormat::parse(template).unwrap_err();
    let at = |template: &str| {
        let error = error(template);
        (error.column(), error.span(), error.to_string())
    };
    insta::assert_debug_snapshot!(at(""), @r#"
    (
        1,
        0..0,
        "`subject` column 1: the text is empty",
    )
    "#);
    insta::assert_debug_snapshot!(at("cube:{deployment_id"), @r#"
    (
        6,
        5..6,
        "`subject` column 6: this `{` has no `}`",
    )
    "#);
    insta::assert_debug_snapshot!(at("a:{b{c}"), @r#"
    (
        3,
        2..3,
        "`subject` column 3: this `{` has no `}`",
    )
    "#);
    insta::assert_debug_snapshot!(at("a:b}"), @r#"
    (
        4,
        3..4,
        "`subject` column 4: this `}` has no `{`",
    )
    "#);
    insta::assert_debug_snapshot!(at("a:{}"), @r#"
    (
        3,
        2..4,
        "`subject` column 3: the placeholder is empty; write an attribute's name between the braces",
    )
    "#);
    insta::assert_debug_snapshot!(at("a:{b c}"), @r#"
    (
        5,
        4..5,
        "`subject` column 5: ` ` may not stand in a placeholder; it begins with a letter and goes on with letters, digits and `_-.:`",
    )
    "#);
    insta::assert_debug_snapshot!(at("a:{b}{c}"), @r#"
    (
        6,
        5..8,
        "`subject` column 6: two placeholders stand side by side, so different workloads could get the same text; put a separator such as `:` between them",
    )
    "#);
    insta::assert_debug_snapshot!(at("env:*"), @r#"
    (
        5,
        4..5,
        "`subject` column 5: `*` may not stand outside placeholders; letters, digits and `:_-/|.@+` may",
    )
    "#);
    for bad in [
        "a b", "a%b", "a?", "{{a}}", "a\n", "ä", "{1a}", "{_a}", "a=b",
    ] {
        error(bad);
    }
    assert_eq!(error("ab:ä").column(), 4);
    let long = "a".repeat(1001);
    assert_eq!(
        error(&long).problem(),
        &FormatProblem::TooLong {
            length: 1001,
            limit: 1000
        }
    );
    assert_eq!(error(&long).column(), 1001);
    assert!(SubjectFormat::parse(&long[1..]).is_ok());
    let name = format!("a:{{{}}}", "x".repeat(65));
    assert_eq!(error(&name).problem(), &FormatProblem::NameTooLong);
}

#[test]
fn unknown_placeholders_are_found_before_any_token() {
    let format = SubjectFormat::parse("space:{spaceId}:stack:{calerId}:{region}").unwrap();
    let error = format
        .check_known(&["spaceId", "callerId", "runType"])
        .unwrap_err();
    insta::assert_snapshot!(error, @"`subject` column 23: there is no attribute `calerId`; did you mean `callerId`?");
    assert_eq!(&error.text()[error.span()], "{calerId}");
    assert_eq!(
        format.check_known(&["spaceId", "calerId", "region"]),
        Ok(())
    );
    assert_eq!(
        format.placeholders().collect::<Vec<_>>(),
        ["spaceId", "calerId", "region"]
    );
}

#[test]
fn long_subjects_are_refused() {
    assert_eq!(
        render("{x}", [("x", &"a".repeat(2048))]).unwrap().len(),
        2048
    );
    assert_eq!(
        render("{x}", [("x", &":".repeat(683))]),
        Err(MintError::SubjectTooLong {
            length: 2049,
            limit: 2048
        })
    );
}

#[test]
fn what_keeps_values_apart_is_encoded_in_them_where_it_does() {
    let values = [("a", "x/y@z"), ("b", "refs/heads/main"), ("c", "u/v")];
    assert_eq!(
        render("{a}/{c}:{b}", values).unwrap(),
        "x%2Fy@z/u%2Fv:refs/heads/main"
    );
    assert_eq!(
        render("p/{b}:{a}", values).unwrap(),
        "p/refs%2Fheads%2Fmain:x/y@z"
    );
    for (template, column) in [("{a}-{b}", 5), ("x:{a}and{b}", 9), ("{a}_._{b}", 7)] {
        let error = SubjectFormat::parse(template).unwrap_err();
        assert_eq!(error.problem(), &FormatProblem::Inseparable, "{template}");
        assert_eq!(error.column(), column);
    }
    assert!(SubjectFormat::parse("{a}-/-{b}").is_ok());
}

proptest! {
    #[test]
    fn different_attributes_never_give_the_same_subject(
        first in prop::array::uniform2("[a-z:/%@|3A]{1,6}"),
        second in prop::array::uniform2("[a-z:/%@|3A]{1,6}"),
        template in prop_oneof![
            Just("x:{a}:y:{b}"), Just("{a}/{b}"), Just("{a}:{b}"), Just("p:{a}@{b}"), Just("{a}|{b}"), Just("{a}-/{b}"), Just("x/{a}/-{b}-"),
        ],
    ) {
        let subject = |values: &[String; 2]| {
            render(template, [("a", values[0].as_str()), ("b", values[1].as_str())]).unwrap()
        };
        prop_assert_eq!(subject(&first) == subject(&second), first == second);
    }

    #[test]
    fn a_value_never_adds_a_segment(value in "[!-~]{1,30}") {
        if let Ok(subject) = render("a:{x}:b:{y}", [("x", value.as_str()), ("y", "end")]) {
            prop_assert_eq!(subject.split(':').count(), 4);
            prop_assert!(subject.ends_with(":b:end"));
            prop_assert!(!subject.contains(['*', '?']));
            let shown = subject.split(':').nth(1).unwrap();
            prop_assert_eq!(unescape(shown), value);
        }
    }

    #[test]
    fn arbitrary_templates_never_panic(template in "\\PC{0,60}", value in "\\PC{0,20}") {
        match SubjectFormat::parse(&template) {
            Ok(format) => {
                let values = format.placeholders().map(|name| (name.to_owned(), value.clone()));
                let attributes: Attributes = values.collect();
                let _ = format.render(&attributes);
            }
            Err(error) => prop_assert!(error.text().get(error.span()).is_some()),
        }
    }

    #[test]
    fn template_like_text_never_panics(template in "[a-z:/{}]{0,40}") {
        let parsed = SubjectFormat::parse(&template);
        if let Err(error) = parsed {
            prop_assert!(error.column() <= template.len() + 1);
        }
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        out.push(char::from(u8::from_str_radix(&after[..2], 16).unwrap()));
        rest = &after[2..];
    }
    out + rest
}
