//! The proofs against brute force.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{PROVIDER, policy};
use crate::prove::{Answer, compare, who};
use crate::{CompiledPolicy, Context, Decision, Policy, Principal, Request, WebIdentity};

/// All texts over `letters` of at most that length.
fn texts(letters: &str, length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = last
            .iter()
            .flat_map(|text| letters.chars().map(move |letter| format!("{text}{letter}")))
            .collect();
        all.extend(last.clone());
    }
    all
}

fn requests(contexts: impl IntoIterator<Item = Context>) -> Vec<Request> {
    let request = |context| Request {
        principal: Principal::Federated(PROVIDER.to_owned()),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: None,
        context,
    };
    contexts.into_iter().map(request).collect()
}

/// Whether the answers stand up to requests that were tried one by one, and are answers.
fn agrees(old: &Policy, new: &Policy, requests: &[Request]) -> Result<(), TestCaseError> {
    let undecided = stands_up(old, new, requests)?;
    prop_assert_eq!(undecided, 0);
    Ok(())
}

/// Whether the answers stand up to requests that were tried one by one; how many are none.
fn stands_up(old: &Policy, new: &Policy, requests: &[Request]) -> Result<usize, TestCaseError> {
    let mut count = 0;
    let comparison = compare(old, new);
    let [old, new] = [old, new].map(CompiledPolicy::compile);
    let only = |one: &CompiledPolicy, other: &CompiledPolicy, request: &Request| {
        one.decide(request) == Decision::Allow && other.decide(request) != Decision::Allow
    };
    for (answer, one, other) in [
        (&comparison.new_admits_more, &new, &old),
        (&comparison.old_admits_more, &old, &new),
    ] {
        let tried = requests.iter().find(|request| only(one, other, request));
        match answer {
            Answer::Nothing => prop_assert!(tried.is_none(), "missed {tried:?}"),
            Answer::More(witness) => prop_assert!(only(one, other, &witness.request)),
            Answer::Undecided(_) => count += 1,
        }
    }
    Ok(count)
}

fn built(statements: &[(bool, Vec<Value>)]) -> Policy {
    let statements: Vec<Value> = statements
        .iter()
        .map(|(allow, conditions)| {
            let mut operators = serde_json::Map::new();
            for condition in conditions {
                for (operator, keys) in condition.as_object().into_iter().flatten() {
                    let own = operators
                        .entry(operator.clone())
                        .or_insert_with(|| json!({}));
                    if let (Value::Object(own), Value::Object(keys)) = (own, keys) {
                        own.extend(keys.clone());
                    }
                }
            }
            json!({
                "Effect": if *allow { "Allow" } else { "Deny" },
                "Principal": { "Federated": PROVIDER },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": operators,
            })
        })
        .collect();
    policy(&json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
}

fn statements(
    condition: impl Strategy<Value = Value> + Clone + 'static,
) -> impl Strategy<Value = Vec<(bool, Vec<Value>)>> {
    let statement = (
        prop::bool::weighted(0.7),
        prop::collection::vec(condition, 0..3),
    );
    prop::collection::vec(statement, 1..4)
}

fn strings() -> impl Strategy<Value = Value> + Clone {
    let operators = prop::sample::select(
        [
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringLike",
            "StringNotLike",
            "StringLikeIfExists",
            "StringNotLikeIfExists",
            "ForAllValues:StringLike",
            "ForAllValues:StringNotLike",
            "ForAnyValue:StringLike",
            "ForAnyValue:StringNotEquals",
            "ForAnyValue:StringEqualsIfExists",
        ]
        .as_slice(),
    );
    let key = prop::sample::select(["k", "k", "p:s"].as_slice());
    let values = prop::collection::vec("[ab:*?]{0,4}", 0..3);
    let string = (operators, key, values)
        .prop_map(|(operator, key, values)| json!({ operator: { key: values } }));
    let null = (any::<bool>(), prop::sample::select(["k", "p:s"].as_slice()))
        .prop_map(|(absent, key)| json!({ "Null": { key: absent.to_string() } }));
    prop_oneof![9 => string, 1 => null]
}

/// Conditions on strings, some with a variable in them.
fn variables() -> impl Strategy<Value = Value> + Clone {
    let operators = [
        "StringEquals",
        "StringLike",
        "StringNotLike",
        "StringLikeIfExists",
    ];
    let operators = prop::sample::select(operators.to_vec());
    let variable = prop::sample::select(vec!["${k}", "${p:s}", "a${p:s}*", "${p:s, 'b'}"]);
    let value = prop_oneof![2 => "[ab*?]{0,3}", 1 => variable.prop_map(str::to_owned)];
    let key = prop::sample::select(vec!["k", "p:s"]);
    (operators, key, prop::collection::vec(value, 1..3))
        .prop_map(|(operator, key, values)| json!({ operator: { key: values } }))
}

/// Numbers, dates, addresses and booleans, each kind on its own key.
fn scalars() -> impl Strategy<Value = Value> + Clone {
    let suffix = prop::sample::select(["", "IfExists"].as_slice());
    let order = prop::sample::select(
        [
            "Equals",
            "NotEquals",
            "LessThan",
            "LessThanEquals",
            "GreaterThan",
            "GreaterThanEquals",
        ]
        .as_slice(),
    );
    let set = prop::sample::select(["", "ForAllValues:", "ForAnyValue:"].as_slice());
    let numbers = prop::collection::vec(-2..3_i32, 0..3);
    let number = (set.clone(), order.clone(), suffix.clone(), numbers).prop_map(
        |(set, order, suffix, values)| json!({ format!("{set}Numeric{order}{suffix}"): { "n": values } }),
    );
    let days = prop::collection::vec(1..4_u8, 0..3);
    let date = (order, suffix.clone(), days).prop_map(|(order, suffix, days)| {
        let days: Vec<String> = days.iter().map(|day| format!("2026-01-0{day}")).collect();
        json!({ format!("Date{order}{suffix}"): { "p:d": days } })
    });
    let ranges = prop::sample::subsequence(
        vec![
            "10.0.0.0/30",
            "10.0.0.2/31",
            "10.0.0.1",
            "0.0.0.0/1",
            "::/0",
            "fd00::/8",
            "fd00::1/8",
        ],
        0..3,
    );
    let address = (prop::sample::select(["", "Not"].as_slice()), suffix, ranges).prop_map(
        |(not, suffix, ranges)| json!({ format!("{not}IpAddress{suffix}"): { "p:i": ranges } }),
    );
    let truths = prop::collection::vec(any::<bool>(), 0..3);
    let truth = truths.prop_map(|values| json!({ "Bool": { "p:t": values } }));
    prop_oneof![3 => number, 1 => date, 1 => address, 1 => truth]
}

fn arns() -> impl Strategy<Value = Value> + Clone {
    let operators = prop::sample::select(
        [
            "ArnLike",
            "ArnNotLike",
            "StringLike",
            "StringNotLike",
            "ArnNotEqualsIfExists",
        ]
        .as_slice(),
    );
    let value = prop_oneof![
        8 => "(arn|a\\*|\\*):(a|\\*):(|\\*|\\?):::(a|b|\\*|a\\*b|\\*:\\*)",
        1 => "[a:*]{0,4}"
    ];
    (operators, prop::collection::vec(value, 0..3))
        .prop_map(|(operator, values)| json!({ operator: { "p:a": values } }))
}

proptest! {
    #[test]
    fn strings_agree_with_brute_force(old in statements(strings()), new in statements(strings())) {
        let (long, short) = (texts("ab:", 3), texts("ab:", 1));
        let mut contexts = Vec::new();
        for other in std::iter::once(None).chain(short.iter().map(Some)) {
            let mut base = Context::new();
            if let Some(other) = other {
                base.set("p:s", other);
            }
            contexts.push(base.clone());
            for text in &long {
                let mut context = base.clone();
                contexts.push(context.set("k", text).clone());
            }
            for one in &short {
                for other in &short {
                    let mut context = base.clone();
                    contexts.push(context.set_list("k", [one, other]).clone());
                }
            }
        }
        agrees(&built(&old), &built(&new), &requests(contexts))?;
    }

    #[test]
    fn answers_beside_policy_variables_stand_up(
        old in statements(variables()),
        new in statements(variables()),
    ) {
        let texts = texts("ab", 3);
        let mut contexts = Vec::new();
        for own in std::iter::once(None).chain(texts.iter().map(Some)) {
            for other in std::iter::once(None).chain(texts.iter().map(Some)) {
                let mut context = Context::new();
                own.map(|own| context.set("k", own));
                other.map(|other| context.set("p:s", other));
                contexts.push(context);
            }
        }
        stands_up(&built(&old), &built(&new), &requests(contexts))?;
    }

    #[test]
    fn lists_of_patterns_agree_with_brute_force(
        old in prop::collection::vec("[ab*?]{0,6}", 1..4),
        new in prop::collection::vec("[ab*?]{0,6}", 1..4),
        denied in prop::collection::vec("[ab*?]{0,6}", 0..2),
    ) {
        let like = |values: &[String]| vec![json!({ "StringLike": { "p:s": values } })];
        let old = built(&[(true, like(&old)), (false, like(&denied))]);
        let new = built(&[(true, like(&new))]);
        let contexts = texts("abc", 5).into_iter().map(|text| {
            let mut context = Context::new();
            context.set("p:s", text).clone()
        });
        agrees(&old, &new, &requests(contexts))?;
    }

    #[test]
    fn other_kinds_agree_with_brute_force(old in statements(scalars()), new in statements(scalars())) {
        let numbers = ["-3", "-2", "-1.5", "-1", "-0.5", "0", "0.5", "1", "1.5", "2", "3", "x"];
        let dates = ["2025-12-31", "2026-01-01", "2026-01-01T12:00:00Z", "2026-01-02", "2026-01-03", "2026-01-04", "x"];
        let addresses = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.4", "200.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "x"];
        let mut contexts = Vec::new();
        for number in std::iter::once(None).chain(numbers.iter().map(Some)) {
            for (date, address, truth) in dates.iter().enumerate().flat_map(|(at, date)| {
                let address = addresses.iter().cycle().skip(at).take(3);
                address.map(move |address| (date, address, "true"))
            }).chain(addresses.iter().map(|address| (&dates[0], address, "false"))) {
                let mut context = Context::new();
                if let Some(number) = number {
                    context.set("n", *number);
                }
                context.set("p:d", *date).set("p:i", *address).set("p:t", truth);
                contexts.push(context.clone());
                if let Some(number) = number {
                    context.set_list("n", [*number, "1"]);
                    contexts.push(context);
                }
            }
        }
        contexts.push(Context::new());
        agrees(&built(&old), &built(&new), &requests(contexts))?;
    }

    #[test]
    fn arns_agree_with_brute_force(old in statements(arns()), new in statements(arns())) {
        let mut contexts = vec![Context::new()];
        for service in ["", "a", "x"] {
            for region in ["", "a"] {
                for rest in ["", "a", "b", "ab", "a:b", ":"] {
                    for scheme in ["arn", "a"] {
                        let mut context = Context::new();
                        context.set("p:a", format!("{scheme}:{service}:{region}:::{rest}"));
                        contexts.push(context);
                    }
                }
            }
        }
        for text in texts("a:", 4) {
            let mut context = Context::new();
            contexts.push(context.set("p:a", text).clone());
        }
        agrees(&built(&old), &built(&new), &requests(contexts))?;
    }

    #[test]
    fn who_agrees_with_deciding_every_pair(
        roles in prop::collection::vec(role(), 1..8),
        callers in prop::collection::vec(caller(), 1..12),
    ) {
        let roles: Vec<Policy> = roles.iter().map(|role| policy(&role.to_string())).collect();
        let reach = who(&roles, &callers);
        for (role, policy) in roles.iter().enumerate() {
            let compiled = CompiledPolicy::compile(policy);
            let mut used = false;
            for (number, caller) in callers.iter().enumerate() {
                let allowed = caller.decide(&compiled, Context::new()) == Decision::Allow;
                used |= allowed;
                prop_assert_eq!(reach.admits(number, role), allowed, "{:?} {:?}", caller, policy);
            }
            prop_assert_eq!(reach.unused.contains(&role), !used);
            prop_assert!(!(used && reach.closed.contains(&role)));
        }
        let all: usize = reach.groups.iter().map(|group| group.callers.len()).sum();
        prop_assert_eq!(all, callers.len());
    }
}

const PROVIDERS: [&str; 3] = [
    PROVIDER,
    "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
    "accounts.google.com",
];

/// A trust policy of a role, with conditions on everything that a token brings.
fn role() -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(
        [
            "StringEquals",
            "StringEquals",
            "StringLike",
            "StringLike",
            "StringLike",
            "StringNotLike",
            "StringEqualsIgnoreCase",
            "ForAnyValue:StringLike",
            "ForAllValues:StringEquals",
            "StringLikeIfExists",
        ]
        .as_slice(),
    );
    let key = prop::sample::select(
        [
            "sub",
            "sub",
            "sub",
            "sub",
            "aud",
            "amr",
            "repository",
            "aws:RequestTag/a",
            "aws:userid",
            "sts:SourceIdentity",
        ]
        .as_slice(),
    );
    let value = prop_oneof![
        3 => "[ab*?]{0,3}",
        3 => "(abba|ab|b|\\*|\\?|\\*){0,6}",
        1 => Just("${token.actions.githubusercontent.com:repository}*".to_owned())
    ];
    let condition = (operator, key, prop::collection::vec(value, 1..3));
    let action = prop::sample::select(vec![
        json!("sts:AssumeRoleWithWebIdentity"),
        json!("sts:*"),
        json!(["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]),
    ]);
    let statement = (
        prop::bool::weighted(0.8),
        prop::collection::vec(0..3_usize, 1..3),
        prop::bool::weighted(0.1),
        action,
        prop::collection::vec(condition, 0..3),
    );
    let statement = statement.prop_map(|(allow, providers, not, action, conditions)| {
        let providers: Vec<&str> = providers.iter().map(|at| PROVIDERS[*at]).collect();
        let prefix = crate::web_identity::provider_prefix(providers[0]);
        let mut operators = serde_json::Map::new();
        for (operator, key, values) in conditions {
            let key = match key.contains(':') {
                true => key.to_owned(),
                false => format!("{prefix}:{key}"),
            };
            operators.insert(operator.to_owned(), json!({ key: values }));
        }
        let principal = if not { "NotPrincipal" } else { "Principal" };
        json!({
            "Effect": if allow { "Allow" } else { "Deny" },
            principal: { "Federated": providers },
            "Action": action,
            "Condition": operators,
        })
    });
    prop::collection::vec(statement, 1..3)
        .prop_map(|statements| json!({ "Version": "2012-10-17", "Statement": statements }))
}

fn caller() -> impl Strategy<Value = WebIdentity> {
    let given = (
        prop::sample::select(PROVIDERS.as_slice()),
        prop_oneof!["[ab]{0,3}", "(abba|ab|b){0,6}"],
        "[ab]",
        prop::collection::vec("[ab]", 0..2),
        prop::option::of("[ab]"),
        prop::option::of("[ab]{0,2}"),
        prop::option::weighted(0.2, "[ab]"),
    );
    given.prop_map(
        |(provider, subject, audience, amr, tag, repository, identity)| {
            let mut claims = json!({ "sub": subject, "aud": audience, "amr": amr });
            if let Some(tag) = tag {
                claims["https://aws.amazon.com/tags"] = json!({ "principal_tags": { "a": [tag] } });
            }
            if let Some(repository) = repository {
                claims["repository"] = json!(repository);
            }
            if let Some(identity) = identity {
                claims["https://aws.amazon.com/source_identity"] = json!(identity);
            }
            let claims = claims.as_object().unwrap();
            WebIdentity::read(provider, claims).unwrap()
        },
    )
}
