//! Corners of the policy language that published test suites leave out.

use super::{compiled, holds, many, one};
use crate::{Context, Decision, Principal, Request};

const OPERATORS: &[(&str, &str)] = &[
    ("StringEquals", "a"),
    ("StringNotEquals", "a"),
    ("StringEqualsIgnoreCase", "a"),
    ("StringNotEqualsIgnoreCase", "a"),
    ("StringLike", "a*"),
    ("StringNotLike", "a*"),
    ("NumericEquals", "5"),
    ("NumericNotEquals", "5"),
    ("NumericLessThan", "5"),
    ("NumericLessThanEquals", "5"),
    ("NumericGreaterThan", "5"),
    ("NumericGreaterThanEquals", "5"),
    ("DateEquals", "2024-01-01"),
    ("DateNotEquals", "2024-01-01"),
    ("DateLessThan", "2024-01-01"),
    ("DateLessThanEquals", "2024-01-01"),
    ("DateGreaterThan", "2024-01-01"),
    ("DateGreaterThanEquals", "2024-01-01"),
    ("Bool", "true"),
    ("BinaryEquals", "YWJj"),
    ("IpAddress", "10.0.0.0/8"),
    ("NotIpAddress", "10.0.0.0/8"),
    ("ArnEquals", "arn:aws:iam::*:role/*"),
    ("ArnLike", "arn:aws:iam::*:role/*"),
    ("ArnNotEquals", "arn:aws:iam::*:role/*"),
    ("ArnNotLike", "arn:aws:iam::*:role/*"),
];

#[test]
fn absent_keys_under_every_operator() {
    for (operator, value) in OPERATORS {
        let negated = operator.contains("Not");
        for (name, expected) in [
            ((*operator).to_owned(), negated),
            (format!("{operator}IfExists"), true),
            (format!("ForAllValues:{operator}"), true),
            (format!("ForAllValues:{operator}IfExists"), true),
            (format!("ForAnyValue:{operator}"), false),
            (format!("ForAnyValue:{operator}IfExists"), true),
        ] {
            let condition = format!(r#"{{"{name}":{{"k":"{value}"}}}}"#);
            assert_eq!(holds(&condition, &[]), expected, "{name}");
        }
    }
}

#[test]
fn if_exists_changes_nothing_for_a_key_that_is_there() {
    let values = [
        "a",
        "5",
        "2024-01-01",
        "true",
        "YWJj",
        "10.1.2.3",
        "arn:aws:iam::1:role/x",
        "",
    ];
    for (operator, value) in OPERATORS {
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            for found in values {
                let with = |suffix: &str| {
                    let condition =
                        format!(r#"{{"{prefix}{operator}{suffix}":{{"k":"{value}"}}}}"#);
                    holds(&condition, &[("k", one(found))])
                };
                assert_eq!(
                    with(""),
                    with("IfExists"),
                    "{prefix}{operator} on `{found}`"
                );
            }
        }
    }
}

#[test]
fn null_with_a_set_prefix_is_constant() {
    for value in ["true", "false"] {
        for context in [
            vec![],
            vec![("k", one("a"))],
            vec![("k", many(&["a", "b"]))],
        ] {
            assert!(holds(
                &format!(r#"{{"ForAllValues:Null":{{"k":"{value}"}}}}"#),
                &context
            ));
            assert!(!holds(
                &format!(r#"{{"ForAnyValue:Null":{{"k":"{value}"}}}}"#),
                &context
            ));
        }
    }
}

#[test]
fn conditions_without_values() {
    let present = [("k", one("a"))];
    for operator in [
        "StringEquals",
        "StringNotEquals",
        "NumericNotEquals",
        "ArnNotLike",
    ] {
        let holds = |prefix: &str, suffix: &str, context: &[_]| {
            holds(
                &format!(r#"{{"{prefix}{operator}{suffix}":{{"k":[]}}}}"#),
                context,
            )
        };
        for (prefix, suffix, absent) in [
            ("ForAnyValue:", "", false),
            ("ForAllValues:", "", true),
            ("", "IfExists", true),
        ] {
            assert!(
                !holds(prefix, suffix, &present),
                "{prefix}{operator}{suffix}"
            );
            assert_eq!(
                holds(prefix, suffix, &[]),
                absent,
                "{prefix}{operator}{suffix}"
            );
        }
    }
    assert!(!holds(r#"{"StringEquals":{"k":[]}}"#, &present));
    assert!(!holds(r#"{"Null":{"k":[]}}"#, &present));
}

#[test]
fn defaults_of_variables_are_written_in_one_way() {
    let default = |variable: &str, value: &str| {
        let condition = format!(r#"{{"StringEquals":{{"k":"{variable}"}}}}"#);
        holds(&condition, &[("k", one(value))])
    };
    assert!(default("${none, 'a'}", "a"));
    assert!(default("x-${none, 'a b, c'}-y", "x-a b, c-y"));
    assert!(default("${none, ''}", ""));
    assert!(default("${none, 'a}b'}", "a}b"));
    // A star in a default is a star.
    assert!(holds(
        r#"{"StringLike":{"k":"${none, '*'}"}}"#,
        &[("k", one("*"))]
    ));
    assert!(!holds(
        r#"{"StringLike":{"k":"${none, '*'}"}}"#,
        &[("k", one("a"))]
    ));
    for other in [
        "${none,'a'}",
        "${none,  'a'}",
        "${none, a}",
        "${none, \\\"a\\\"}",
        "${none}",
    ] {
        assert!(!default(other, "a"), "{other}");
        let negated = format!(r#"{{"StringNotEquals":{{"k":"{other}"}}}}"#);
        assert!(holds(&negated, &[("k", one("a"))]), "{other}");
    }
}

#[test]
fn odd_numbers() {
    let equal = |wanted: &str, value: &str| {
        let condition = format!(r#"{{"NumericEquals":{{"k":"{wanted}"}}}}"#);
        holds(&condition, &[("k", one(value))])
    };
    for (wanted, value) in [
        ("5", "+5.000"),
        ("-0", "0"),
        ("0.50", ".5"),
        ("007", "7."),
        ("1e3", "1e3"),
    ] {
        assert_eq!(
            equal(wanted, value),
            wanted != "1e3",
            "{wanted} and {value}"
        );
    }
    for other in [
        "", "+", "-", ".", "--5", "5,0", "٥", "5 ", "0x5", "NaN", "5.0.0",
    ] {
        assert!(!equal("5", other), "{other}");
        let negated = holds(r#"{"NumericNotEquals":{"k":"5"}}"#, &[("k", one(other))]);
        assert!(negated, "{other}");
    }
    let longer = "9".repeat(400);
    let less = format!(r#"{{"NumericLessThan":{{"k":"1{longer}"}}}}"#);
    assert!(holds(&less, &[("k", one(&longer))]));
    // JSON's own numbers and booleans are the text that was written.
    assert!(holds(r#"{"NumericEquals":{"k":5.0}}"#, &[("k", one("5"))]));
    assert!(holds(
        r#"{"StringEquals":{"k":[true, 1.50]}}"#,
        &[("k", one("1.50"))]
    ));
}

#[test]
fn everyone_but_the_named() {
    let decide = |not_principal: &str, principal: Principal| {
        let policy = compiled(&format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"*","Federated":"p"}},"Action":"sts:*"}},
              {{"Effect":"Deny","NotPrincipal":{not_principal},"Action":"sts:*"}}]}}"#
        ));
        policy.decide(&Request {
            principal,
            action: "sts:AssumeRole".to_owned(),
            resource: None,
            context: Context::new(),
        })
    };
    let alice = || Principal::aws("arn:aws:iam::123456789012:user/alice");
    let named = r#"{"AWS":["arn:aws:iam::123456789012:user/alice","222222222222"]}"#;
    assert_eq!(decide(named, alice()), Decision::Allow);
    let bob = Principal::aws("arn:aws:iam::222222222222:user/bob");
    assert_eq!(decide(named, bob), Decision::Allow);
    let carol = Principal::aws("arn:aws:iam::333333333333:user/carol");
    assert_eq!(decide(named, carol), Decision::ExplicitDeny);
    let token = Principal::Federated("p".to_owned());
    assert_eq!(decide(named, token.clone()), Decision::ExplicitDeny);
    assert_eq!(decide(r#"{"Federated":"p"}"#, token), Decision::Allow);
    assert_eq!(
        decide(r#"{"Federated":"p"}"#, alice()),
        Decision::ExplicitDeny
    );
}

#[test]
fn members_that_are_repeated_count_once_the_last_time() {
    let context = [("k", one("b"))];
    assert!(holds(
        r#"{"StringEquals":{"k":"a"},"StringEquals":{"k":"b"}}"#,
        &context
    ));
    assert!(holds(r#"{"StringEquals":{"k":"a","k":"b"}}"#, &context));
    // Other letter cases of a key are another member, and both have to hold.
    assert!(!holds(r#"{"StringEquals":{"k":"a","K":"b"}}"#, &context));
}
