use std::process::Command;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{credentials, noon};
use crate::Format;
use crate::format::shell_quote;

fn rendered(format: &str) -> String {
    let region = "eu-central-1".parse().unwrap();
    format
        .parse::<Format>()
        .unwrap()
        .render(&credentials("ASIAEXAMPLE", noon()), Some(&region))
        .unwrap()
        .expose_secret()
        .to_owned()
}

#[test]
fn every_format_says_the_same_in_its_own_words() {
    insta::assert_snapshot!(rendered("env"), @r#"
    export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'
    export AWS_SECRET_ACCESS_KEY='canary/secret+key='
    export AWS_SESSION_TOKEN='canary/session+token=='
    export AWS_CREDENTIAL_EXPIRATION='2026-11-23T12:00:00Z'
    export AWS_ACCOUNT_ID='123456789012'
    export AWS_REGION='eu-central-1'
    export AWS_DEFAULT_REGION='eu-central-1'
    "#);
    insta::assert_snapshot!(rendered("dotenv"), @r#"
    AWS_ACCESS_KEY_ID=ASIAEXAMPLE
    AWS_SECRET_ACCESS_KEY=canary/secret+key=
    AWS_SESSION_TOKEN=canary/session+token==
    AWS_CREDENTIAL_EXPIRATION=2026-11-23T12:00:00Z
    AWS_ACCOUNT_ID=123456789012
    AWS_REGION=eu-central-1
    AWS_DEFAULT_REGION=eu-central-1
    "#);
    insta::assert_snapshot!(rendered("json"), @r#"{"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"canary/secret+key=","SessionToken":"canary/session+token==","Expiration":"2026-11-23T12:00:00Z","AccountId":"123456789012","Region":"eu-central-1"}"#);
    insta::assert_snapshot!(rendered("process"), @r#"{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"canary/secret+key=","SessionToken":"canary/session+token==","Expiration":"2026-11-23T12:00:00Z","AccountId":"123456789012"}"#);
    insta::assert_snapshot!("yaml".parse::<Format>().unwrap_err(), @"`yaml` is not a format: expected `env`, `dotenv`, `json` or `process`");
}

#[test]
fn process_has_its_version_as_a_number_and_its_end_without_a_fraction() {
    let mut fractional = credentials("ASIAEXAMPLE", "2026-11-23T12:00:00.75Z".parse().unwrap());
    fractional.account_id = None;
    let text = Format::Process.render(&fractional, None).unwrap();
    let object: serde_json::Value = serde_json::from_str(text.expose_secret()).unwrap();
    assert_eq!(object["Version"], serde_json::json!(1));
    assert_eq!(object["Expiration"], "2026-11-23T12:00:00Z");
    assert!(object.get("AccountId").is_none());
}

#[test]
fn what_dotenv_readers_disagree_on_is_refused() {
    let mut odd = credentials("ASIAEXAMPLE", noon());
    odd.session_token = "a b".into();
    insta::assert_snapshot!(Format::Dotenv.render(&odd, None).unwrap_err(), @"the value of AWS_SESSION_TOKEN holds characters that readers of dotenv files disagree on; use `--format env` or `json`");
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", credentials("ASIAEXAMPLE", noon()));
    assert!(
        shown.contains("ASIAEXAMPLE") && !shown.contains("canary"),
        "{shown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One shell a case takes all values of it, each ended by a NUL, which no value holds.
    #[test]
    fn a_shell_reads_back_what_was_quoted(values in proptest::collection::vec("[^\u{0}]{0,20}|['\"\\\\$`! \n*~#-]{0,12}", 1..40)) {
        let words: Vec<String> = values.iter().map(|value| shell_quote(value)).collect();
        let script = format!("printf '%s\\0' {}", words.join(" "));
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        let expected: String = values.iter().map(|value| format!("{value}\0")).collect();
        prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn a_shell_that_evaluates_env_has_the_variables() {
    let script = format!(
        "{}printf %s \"$AWS_SESSION_TOKEN $AWS_REGION\"",
        rendered("env")
    );
    let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "canary/session+token== eu-central-1"
    );
}
