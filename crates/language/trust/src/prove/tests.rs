#![allow(clippy::unwrap_used, clippy::panic)]

mod properties;

use rolecall_source::SourceText;

use super::{Answer, Width, compare};
use crate::{CompiledPolicy, ContextValue, Policy};

pub(super) const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev";

pub(super) fn policy(text: &str) -> Policy {
    Policy::parse(&SourceText::new("policy", text)).unwrap()
}

/// A policy for a provider's tokens with one allowing statement for each block of conditions.
fn allowing(conditions: &[&str]) -> Policy {
    let statements: Vec<String> = conditions
        .iter()
        .map(|condition| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}"#
            )
        })
        .collect();
    policy(&format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    ))
}

/// The subject that the new conditions admit beyond the old ones: `-` for none at all, `(absent)`.
fn more(old: &str, new: &str) -> String {
    match compare(&allowing(&[old]), &allowing(&[new])).new_admits_more {
        Answer::Nothing => "-".to_owned(),
        Answer::Undecided(undecided) => format!(
            "undecided: {} at {}:{}",
            undecided.what, undecided.place.line, undecided.place.column
        ),
        Answer::More(witness) => {
            let context = &witness.request.context;
            let mut keys: Vec<&str> = context.keys().collect();
            keys.sort_unstable();
            let shown = keys.iter().map(|key| match context.value(key) {
                Some(ContextValue::Single(text)) => format!("{key}={text}"),
                Some(ContextValue::Multiple(texts)) => format!("{key}={texts:?}"),
                None => String::new(),
            });
            let shown: Vec<String> = shown.collect();
            match shown.is_empty() {
                true => "(no key at all)".to_owned(),
                false => shown.join(" "),
            }
        }
    }
}

#[test]
fn a_tenant_prefix_without_a_separator_admits_another_tenant() {
    let old = r#"{"StringLike":{"h:sub":"contoso:*"}}"#;
    let new = r#"{"StringLike":{"h:sub":"contoso*"}}"#;
    insta::assert_snapshot!(more(old, new), @"h:sub=contosox");
    insta::assert_snapshot!(more(new, old), @"-");
}

#[test]
fn a_missing_key_widens() {
    let old = r#"{"StringLike":{"h:sub":"*"}}"#;
    let absent = r#"{"StringLikeIfExists":{"h:sub":"*"}}"#;
    insta::assert_snapshot!(more(old, absent), @"(no key at all)");
    let all = r#"{"ForAllValues:StringLike":{"h:sub":"*"}}"#;
    insta::assert_snapshot!(more(old, all), @"(no key at all)");
    let paired = r#"{"ForAllValues:StringLike":{"h:sub":"*"},"Null":{"h:sub":"false"}}"#;
    insta::assert_snapshot!(more(old, paired), @"-");
    insta::assert_snapshot!(more(r#"{"StringLike":{"h:sub":"a"}}"#, r#"{"ForAnyValue:StringEquals":{"h:sub":"a"}}"#), @"-");
}

#[test]
fn kinds_of_values_beside_strings() {
    let cases = [
        (
            r#"{"NumericLessThan":{"h:n":"5"}}"#,
            r#"{"NumericLessThanEquals":{"h:n":"5"}}"#,
        ),
        (
            r#"{"NumericLessThan":{"h:n":"5"}}"#,
            r#"{"NumericNotEquals":{"h:n":"5.0"}}"#,
        ),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01"}}"#,
            r#"{"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00.001Z"}}"#,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/9"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/9","10.128.0.0/9"]}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
        ),
        (
            r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"::/0"}}"#,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#,
            r#"{"IpAddress":{"aws:SourceIp":"::/0"}}"#,
        ),
        (
            r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
            r#"{"Bool":{"aws:SecureTransport":["true","false"]}}"#,
        ),
        (
            r#"{"BinaryEquals":{"h:b":"AAAA"}}"#,
            r#"{"BinaryEquals":{"h:b":["AAAA","AQAA"]}}"#,
        ),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/a"}}"#,
            r#"{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/a"}}"#,
        ),
        (
            r#"{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/a"}}"#,
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/a"}}"#,
        ),
        (
            r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::1:*"}}"#,
            r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::1:a*"}}"#,
        ),
        (
            r#"{"StringEquals":{"h:sub":["k","K"]}}"#,
            r#"{"StringEqualsIgnoreCase":{"h:sub":"k"}}"#,
        ),
        (
            r#"{"ForAnyValue:StringEquals":{"h:amr":"a"}}"#,
            r#"{"ForAnyValue:StringLike":{"h:amr":"a*"}}"#,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"h:amr":["a","b"]},"ForAnyValue:StringEquals":{"h:amr":"a"}}"#,
            r#"{"ForAllValues:StringEquals":{"h:amr":["a","b"]}}"#,
        ),
        (
            r#"{"StringLike":{"h:sub":"??"}}"#,
            "{\"StringLike\":{\"h:sub\":\"\u{1F600}\"}}",
        ),
        (
            r#"{"StringLike":{"h:sub":"?"}}"#,
            "{\"StringLike\":{\"h:sub\":\"\u{1F600}\"}}",
        ),
    ];
    let shown: Vec<String> = cases.iter().map(|(old, new)| more(old, new)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    h:n=5
    h:n=x
    aws:currenttime=2026-01-01T00:00:00Z
    aws:sourceip=10.128.0.0
    -
    -
    aws:sourceip=::
    aws:securetransport=x
    h:b=AQAA
    aws:principalarn=arn:aws:iam::::role/a
    -
    aws:principalarn=arn:aws:iam::1:x
    h:sub=K
    h:amr=["ax"]
    h:amr=["b"]
    -
    h:sub=😀
    "#);
}

#[test]
fn what_cannot_be_decided_is_named() {
    let old = r#"{"StringLike":{"h:sub":"a*"}}"#;
    let variable = r#"{"StringLike":{"h:sub":"a${aws:PrincipalTag/team}*"}}"#;
    insta::assert_snapshot!(more(old, variable), @"undecided: the policy variable in `a${aws:PrincipalTag/team}*` at 1:211");
    insta::assert_snapshot!(more(variable, variable), @"-");
    let other = r#"{"StringLike":{"h:sub":"b${aws:PrincipalTag/team}*"}}"#;
    insta::assert_snapshot!(more(old, other), @"aws:principaltag/team=x h:sub=bxx");
    insta::assert_snapshot!(more(other, old), @"h:sub=ax");
    let mixed = r#"{"NumericLessThan":{"h:n":"5"},"StringLike":{"h:n":"1*2"}}"#;
    insta::assert_snapshot!(more(r#"{"StringLike":{"h:n":"1?*2"}}"#, mixed), @"undecided: operators of different kinds on `h:n` at 1:216");
}

#[test]
fn principals_and_actions_are_compared() {
    let with = |principal: &str, action: &str| {
        policy(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":{action}}}}}"#
        ))
    };
    let told = |old: &Policy, new: &Policy| match compare(old, new).new_admits_more {
        Answer::More(witness) => {
            format!(
                "{} {}",
                witness.request.action,
                witness.request.principal.name()
            )
        }
        other => format!("{other:?}"),
    };
    let role = with(
        r#"{"AWS":"arn:aws:iam::111122223333:role/path/a"}"#,
        r#""sts:AssumeRole""#,
    );
    let account = with(r#"{"AWS":"111122223333"}"#, r#""sts:AssumeRole""#);
    let everyone = with(r#""*""#, r#""sts:AssumeRole""#);
    let session = with(
        r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/a/x"}"#,
        r#"["sts:Assume*","sts:TagSession"]"#,
    );
    insta::assert_snapshot!(told(&role, &account), @"sts:AssumeRole arn:aws:iam::111122223333:user/x");
    insta::assert_snapshot!(told(&account, &role), @"Nothing");
    insta::assert_snapshot!(told(&account, &everyone), @"sts:AssumeRole arn:aws:iam::999999999999:user/x");
    insta::assert_snapshot!(told(&role, &session), @"sts:TagSession arn:aws:sts::111122223333:assumed-role/a/x");
    insta::assert_snapshot!(told(&session, &role), @"sts:AssumeRole arn:aws:sts::111122223333:assumed-role/a/x1");
    insta::assert_snapshot!(told(&everyone, &with(r#"{"AWS":"*"}"#, r#""sts:assumerole""#)), @"Nothing");
}

#[test]
fn the_same_texts_in_another_order_are_equal() {
    let old = allowing(&[
        r#"{"StringEquals":{"h:aud":"x","h:sub":["a","b"]}}"#,
        r#"{"StringEquals":{"h:aud":"x"},"StringLike":{"h:sub":"c*"}}"#,
    ]);
    let new =
        allowing(&[r#"{"StringLike":{"h:sub":["c*","b","a"]},"StringEquals":{"h:aud":"x"}}"#]);
    let comparison = compare(&old, &new);
    assert_eq!(comparison.new_admits_more, Answer::Nothing);
    assert_eq!(comparison.old_admits_more, Answer::Nothing);
}

#[test]
fn a_policy_that_nobody_can_use_is_known() {
    let none = allowing(&[r#"{"StringEquals":{"h:sub":"a"},"StringLike":{"h:sub":"b*"}}"#]);
    let some = allowing(&[r#"{"StringEquals":{"h:sub":"ab"},"StringLike":{"h:sub":"*b"}}"#]);
    let of = |policy: &Policy| super::reachable(&CompiledPolicy::compile(policy));
    assert_eq!(of(&none), Answer::Nothing);
    assert!(matches!(of(&some), Answer::More(_)));
}

#[test]
fn a_statement_that_denies_counts() {
    let text = |denied: &str| {
        format!(
            r#"{{"Statement":[
            {{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringLike":{{"h:sub":"a*"}}}}}},
            {{"Effect":"Deny","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:*","Condition":{{"StringLike":{{"h:sub":"{denied}"}}}}}}]}}"#
        )
    };
    let (old, new) = (policy(&text("*x*")), policy(&text("*xy*")));
    let comparison = compare(&old, &new);
    let Answer::More(witness) = comparison.new_admits_more else {
        panic!("{comparison:?}");
    };
    assert_eq!(
        witness.request.context.value("h:sub").unwrap().values(),
        ["ax"]
    );
    assert_eq!(comparison.old_admits_more, Answer::Nothing);
}

#[test]
fn the_least_policy_admits_the_subjects_and_none_else() {
    let subjects = ["a:x:1", "a:y${z}*?:2", "\u{4e00}"].map(str::to_owned);
    let least = super::least(&subjects, "sts.amazonaws.com", PROVIDER, Width::Exact, 2048).unwrap();
    assert_eq!(least.admits_more, None);
    insta::assert_snapshot!(least.text, @r#"
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": {
            "Federated": "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev"
          },
          "Action": "sts:AssumeRoleWithWebIdentity",
          "Condition": {
            "StringEquals": {
              "acme.cubecloud.dev:aud": "sts.amazonaws.com",
              "acme.cubecloud.dev:sub": [
                "a:x:1",
                "a:y${$}{z}*?:2",
                "\u4e00"
              ]
            }
          }
        }
      ]
    }
    "#);
}

#[test]
fn patterns_tell_what_more_they_admit() {
    let subjects = [
        "repo:acme/web:ref:refs/heads/main",
        "repo:acme/api:ref:refs/heads/main",
        "repo:acme/api:environment:prod",
    ]
    .map(str::to_owned);
    let least = super::least(
        &subjects,
        "sts.amazonaws.com",
        PROVIDER,
        Width::Pattern,
        2048,
    )
    .unwrap();
    insta::assert_snapshot!(least.values.join("\n"), @r"
    repo:acme/api:environment:prod
    repo:acme/*:ref:refs/heads/main
    ");
    let witness = least.admits_more.unwrap();
    let subject = witness
        .request
        .context
        .value("acme.cubecloud.dev:sub")
        .unwrap();
    assert_eq!(subject.values(), ["repo:acme/x:ref:refs/heads/main"]);
    let two = ["a:x:1", "a:x:2", "b:y:1"].map(str::to_owned);
    let least = super::least(&two, "sts.amazonaws.com", PROVIDER, Width::Pattern, 2048).unwrap();
    insta::assert_snapshot!(least.values.join("\n"), @r"
    a:x:*
    b:y:1
    ");
}

#[test]
fn a_policy_that_is_too_long_says_so() {
    let subjects: Vec<String> = (0..100)
        .map(|at| format!("repo:acme/service-{at}:ref:x"))
        .collect();
    let least = |width| super::least(&subjects, "sts.amazonaws.com", PROVIDER, width, 2048);
    insta::assert_snapshot!(least(Width::Exact).unwrap_err().to_string(), @"the policy for 100 subjects has 3178 characters, and IAM takes 2048 at most");
    assert_eq!(least(Width::Pattern).unwrap().values, ["repo:acme/*:ref:x"]);
}

/// As Terraform and CloudFormation write them: parts that only they know.
fn templated(principal: &str, key: &str, subject: &str) -> Policy {
    use rolecall_documents::{Kind, Node, Text};
    use rolecall_source::Span;
    let node = |kind| Node::new(kind, Span::new(0, 0));
    let text = |text: &str| {
        let mut known = Text::default();
        for (at, part) in text.split('$').enumerate() {
            match at % 2 {
                0 => known.push_str(part),
                _ => known.push_symbol(part),
            }
        }
        known
    };
    let map = |members: Vec<(Text, Node)>| {
        let members = members
            .into_iter()
            .map(|(name, value)| rolecall_documents::Member {
                name,
                name_span: Span::new(0, 0),
                value,
            });
        node(Kind::Map(members.collect()))
    };
    let leaf = |value: &str| node(Kind::Text(text(value)));
    let statement = map(vec![
        (text("Effect"), leaf("Allow")),
        (
            text("Principal"),
            map(vec![(text("Federated"), leaf(principal))]),
        ),
        (text("Action"), leaf("sts:AssumeRoleWithWebIdentity")),
        (
            text("Condition"),
            map(vec![(
                text("StringLike"),
                map(vec![(text(key), leaf(subject))]),
            )]),
        ),
    ]);
    let tree = map(vec![(text("Statement"), statement)]);
    Policy::from_tree(&SourceText::new("template", ""), &tree).unwrap()
}

#[test]
fn parts_that_only_a_template_engine_knows() {
    let told = |old: &Policy, new: &Policy| match compare(old, new).new_admits_more {
        Answer::Nothing => "nothing".to_owned(),
        Answer::More(witness) => format!("{:?}", witness.request.context.keys().next()),
        Answer::Undecided(undecided) => undecided.what,
    };
    let arn = "arn:aws:iam::$account$:oidc-provider/$url$";
    let narrow = templated(arn, "$url$:sub", "a:b*");
    let wide = templated(arn, "$url$:sub", "a:*");
    // The same unknown stands on both sides, so it does not matter which it is.
    insta::assert_snapshot!(told(&wide, &narrow), @"nothing");
    insta::assert_snapshot!(told(&narrow, &wide), @r#"Some("${url}:sub")"#);
    let other_key = templated(arn, "h:sub", "a:b*");
    insta::assert_snapshot!(told(&wide, &other_key), @"the condition key `${url}:sub`, which only a template engine knows");
    let other_principal = templated(PROVIDER, "$url$:sub", "a:b*");
    insta::assert_snapshot!(told(&wide, &other_principal), @"whether the principals `arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev` and `arn:aws:iam::${account}:oidc-provider/${url}` are the same, which only a template engine knows");
    insta::assert_snapshot!(told(&other_principal, &wide), @"whether the principals `arn:aws:iam::${account}:oidc-provider/${url}` and `arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev` are the same, which only a template engine knows");
    let other_value = templated(arn, "$url$:sub", "a:$team$");
    insta::assert_snapshot!(told(&wide, &other_value), @"the value `a:${team}`, which only a template engine knows");
    insta::assert_snapshot!(told(&other_value, &other_value), @"nothing");
}
