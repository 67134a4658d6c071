//! What holds for any policy, any text and any pattern.

use proptest::prelude::*;
use rolecall_source::SourceText;

use super::{compiled, web};
use crate::wildcard::Wildcard;
use crate::{CompiledPolicy, Decision, Policy, reason};

/// The definition of the wildcards, read aloud.
fn naive(pattern: &[u16], text: &[u16]) -> bool {
    let (star, one) = (u16::from(b'*'), u16::from(b'?'));
    match pattern.split_first() {
        None => text.is_empty(),
        Some((head, rest)) if *head == star => {
            (0..=text.len()).any(|taken| naive(rest, &text[taken..]))
        }
        Some((head, rest)) => {
            !text.is_empty() && (*head == one || *head == text[0]) && naive(rest, &text[1..])
        }
    }
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

proptest! {
    #[test]
    fn wildcards_agree_with_their_definition(pattern in "[ab*?\u{1F600}]{0,10}", text in "[ab\u{1F600}]{0,12}") {
        prop_assert_eq!(Wildcard::new(&pattern).matches(&text), naive(&units(&pattern), &units(&text)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,200}") {
        let source = SourceText::new("x", text.clone());
        if let Ok(policy) = Policy::parse(&source) {
            CompiledPolicy::compile(&policy).explain(&web("x"));
        }
        let _ = crate::write_time::validate_trust_policy(&text);
        let _ = crate::write_time::validate_identity_policy(&text);
    }

    #[test]
    fn broken_policies_are_read_or_refused(cut in 0usize..400, with in "[\\[\\]{}\",:\\\\*$u0-9 é]{0,6}") {
        let whole = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev"},"Action":["sts:*"],"Condition":{"StringLike":{"k":"${a, 'b'}*"},"IpAddress":{"aws:SourceIp":["::/0"]}}}]}"#;
        let cut = cut.min(whole.len());
        let text = format!("{}{with}{}", &whole[..cut], &whole[cut..]);
        if let Ok(policy) = Policy::parse(&SourceText::new("x", text.clone())) {
            let verdict = CompiledPolicy::compile(&policy).explain(&web("x"));
            prop_assert_eq!(reason(&verdict).is_some(), verdict.decision != Decision::Allow);
        }
        let _ = crate::write_time::validate_trust_policy(&text);
        let _ = crate::write_time::validate_identity_policy(&text);
    }

    #[test]
    fn decide_agrees_with_explain(
        statements in prop::collection::vec((any::<bool>(), 0usize..4, 0usize..6, "[a*?:]{0,5}", "[ab:]{0,5}"), 0..5),
        sub in "[ab:]{0,5}",
    ) {
        let principals = [
            r#"{"Federated":"arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev"}"#,
            r#"{"Federated":"arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev/"}"#,
            r#"{"AWS":"123456789012"}"#,
            r#""*""#,
        ];
        let operators = ["StringEquals", "StringLike", "StringNotLike", "StringEqualsIfExists", "ForAnyValue:StringLike", "ForAllValues:StringNotEquals"];
        let statements: Vec<String> = statements
            .iter()
            .map(|(allow, principal, operator, first, second)| {
                let effect = if *allow { "Allow" } else { "Deny" };
                format!(
                    r#"{{"Effect":"{effect}","Principal":{},"Action":"sts:Assume*","Condition":{{"{}":{{"acme.cubecloud.dev:sub":["{first}","{second}"]}}}}}}"#,
                    principals[*principal], operators[*operator]
                )
            })
            .collect();
        let policy = compiled(&format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(",")));
        let verdict = policy.explain(&web(&sub));
        prop_assert_eq!(verdict.decision, policy.decide(&web(&sub)));
        prop_assert_eq!(reason(&verdict).is_some(), verdict.decision != Decision::Allow);
    }

    #[test]
    fn a_difference_is_where_the_texts_part(pattern in "[ab*:]{0,12}", value in "[ab:]{0,12}") {
        if let Some(found) = crate::difference(&pattern, &value, true) {
            prop_assert!(found.segment <= pattern.split(':').count());
            prop_assert!(found.expected.is_some() || found.actual.is_some());
            let mended = found.mended(&value, true);
            prop_assert!(Wildcard::new(&mended).matches(&value), "{mended}");
        } else {
            prop_assert!(Wildcard::new(&pattern).matches(&value));
        }
    }
}
