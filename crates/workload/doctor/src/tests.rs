#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    Answers, FileFacts, Machine, Program, Severity, TextFile, TokenFacts, Verdict, chains,
    findings, programs, referenced, with_profile_header,
};

fn machine(variables: &[(&str, &str)], config: &str, credentials: &str) -> Machine {
    let file = |name: &str, text: &str| match text.is_empty() {
        true => TextFile {
            path: format!("/h/.aws/{name}"),
            ..TextFile::default()
        },
        false => TextFile::new(format!("/h/.aws/{name}"), text, Some(0o600)),
    };
    Machine {
        now: "2026-11-23T12:00:00Z".parse().unwrap(),
        variables: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .chain([("AWS_REGION".to_owned(), "eu-central-1".to_owned())])
            .collect(),
        asked_profile: None,
        config: file("config", config),
        credentials: file("credentials", credentials),
        files: BTreeMap::new(),
        programs: BTreeMap::new(),
        caches: Vec::new(),
        agent_socket: None,
        answers: Answers::default(),
    }
}

/// What each family does, and the findings, a line each.
fn told(machine: &Machine) -> String {
    let mut told = String::new();
    for chain in chains(machine) {
        let decided = match (&chain.stopped, chain.decisive()) {
            (Some(why), _) => format!("stops: {why}"),
            (None, None) => "nothing".to_owned(),
            (None, Some(one)) if one.verdict == Verdict::Fails => format!("fails: {}", one.told),
            (None, Some(one)) => one.told.clone(),
        };
        told.push_str(&format!("{}: {decided}\n", chain.family));
    }
    for one in findings(machine) {
        let place = one.place.unwrap_or_default();
        told.push_str(&format!(
            "{} {:?} [{place}] {}\n",
            one.code, one.severity, one.what
        ));
    }
    told
}

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";
const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "(kept back)"),
];

#[test]
fn forgotten_keys_are_used_before_the_token() {
    let mut variables = KEYS.to_vec();
    variables.extend([
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/run/token"),
        ("AWS_ROLE_ARN", ROLE),
    ]);
    insta::assert_snapshot!(told(&machine(&variables, "", "")), @r#"
aws CLI, boto3: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
Go, Terraform: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
Java: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
JavaScript: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
Rust: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
RD1001 Error [AWS_ACCESS_KEY_ID] the key AKIA…MPLE of the environment is used before AWS_WEB_IDENTITY_TOKEN_FILE
RD1004 Warning [AWS_ACCESS_KEY_ID] the key AKIA…MPLE is one for good
"#);
}

#[test]
fn families_disagree_about_a_named_profile_beside_keys() {
    let mut variables = KEYS.to_vec();
    variables.push(("AWS_PROFILE", "work"));
    let config = "[profile work]\ncredential_process = /opt/fetch it\nregion = eu-west-1\n";
    let mut machine = machine(&variables, config, "");
    machine.programs = [("/opt/fetch".to_owned(), Program::Found)].into();
    insta::assert_snapshot!(told(&machine), @r#"
aws CLI, boto3: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
Go, Terraform: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
Java: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
JavaScript: what `/opt/fetch` answers
Rust: the key AKIA…MPLE of AWS_ACCESS_KEY_ID
RD1001 Error [AWS_ACCESS_KEY_ID] the key AKIA…MPLE of the environment is used before the profile's `credential_process`
RD1004 Warning [AWS_ACCESS_KEY_ID] the key AKIA…MPLE is one for good
RD1007 Warning [AWS_PROFILE] AWS_PROFILE names `work`, and the environment has keys too
"#);
    machine.asked_profile = Some("work".to_owned());
    assert_eq!(
        chains(&machine)[0].decisive().unwrap().told,
        "what `/opt/fetch` answers"
    );
}

#[test]
fn headers_and_names_that_are_nearly_right() {
    let config = "[wrok]\nrole_arn = arn:aws:iam::<ACCOUNT>:role/x\nregion = eu-centrall-1\n";
    let machine = machine(
        &[("AWS_PROFILE", "work")],
        config,
        "[profile work]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
    );
    insta::assert_snapshot!(told(&machine), @r#"
aws CLI, boto3: stops: there is no profile `work`, which AWS_PROFILE names
Go, Terraform: nothing
Java: nothing
JavaScript: nothing
Rust: nothing
RD1006 Error [AWS_PROFILE] there is no profile `work`; `wrok` is near
RD1010 Error [/h/.aws/config:1] `[wrok]` is no profile
RD1011 Error [/h/.aws/credentials:1] `[profile work]` is a profile of the name `profile work`
RD1013 Error [/h/.aws/credentials:2] `profile work` has a key without its secret
RD1004 Warning [/h/.aws/credentials:2] the key AKIA…MPLE of `profile work` is one for good
"#);
}

#[test]
fn roles_that_lead_nowhere() {
    let config = "[default]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = b\nduration_seconds = 7200\n\
                  [profile b]\nrole_arn = arn:aws:iam::123456789012:role/b\nsource_profile = default\n\
                  [profile c]\nrole_arn = arn:aws-cn:iam::123456789012:role/c\n\
                  [profile d]\nrole_arn = arn:aws:iam::123456789012:role/d\ncredential_source = Environmnt\nrole_session_name = a b\n";
    insta::assert_snapshot!(told(&machine(&[], config, "")), @r#"
aws CLI, boto3: fails: the role arn:aws:iam::123456789012:role/a of the profile `default`: the profiles begin with each other, default → b → default
Go, Terraform: fails: the role arn:aws:iam::123456789012:role/a of the profile `default`: the profiles begin with each other, default → b → default
Java: fails: the role arn:aws:iam::123456789012:role/a of the profile `default`: the profiles begin with each other, default → b → default
JavaScript: fails: the role arn:aws:iam::123456789012:role/a of the profile `default`: the profiles begin with each other, default → b → default
Rust: fails: the role arn:aws:iam::123456789012:role/a of the profile `default`: the profiles begin with each other, default → b → default
RD1020 Error [/h/.aws/config:9] `c` has a role, and nothing says with what to take it on
RD1021 Error [/h/.aws/config:3] the profiles begin with each other: default → b → default
RD1021 Error [/h/.aws/config:7] the profiles begin with each other: b → default → b
RD1023 Error [/h/.aws/config:12] `Environmnt` is no credential source; `Environment` is near
RD1025 Error [/h/.aws/config:13] a session's name cannot have ` ` in it
RD1052 Error [/h/.aws/config:9] the role is in the partition `aws-cn`, and the region eu-central-1 is in `aws`
"#);
}

#[test]
fn tokens_that_will_not_be_taken() {
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "run/token"),
        ("AWS_ROLE_ARN", ROLE),
    ];
    let mut machine = machine(&variables, "", "");
    assert_eq!(referenced(&machine), ["run/token".to_owned()].into());
    let claims = |json: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
    };
    let old = claims(
        r#"{"iss":"https://i","sub":"s","aud":"sts.amazonaws.com","exp":1000000000,"iat":999999000}"#,
    );
    for (name, bytes) in [
        ("token-old-and-padded", format!("a.{old}.c\n")),
        ("token-none", "hello".to_owned()),
        ("token-empty", String::new()),
    ] {
        let token = TokenFacts::of(bytes.as_bytes());
        let file = FileFacts {
            exists: true,
            mode: Some(0o644),
            token,
            ..FileFacts::default()
        };
        machine.files = [("run/token".to_owned(), file)].into();
        insta::assert_snapshot!(name, told(&machine));
    }
    machine.files = [("run/token".to_owned(), FileFacts::default())].into();
    assert!(told(&machine).contains("RD1030"));
}

#[test]
fn what_python_does_not_read_at_all() {
    let config = "region = eu-west-1\n[default]\nregion = eu-west-1\nregion = eu-west-2\n[default]\nnonsense\n";
    insta::assert_snapshot!(told(&machine(&[], config, "")), @r#"
aws CLI, boto3: stops: /h/.aws/config:1: a setting stands before the first `[section]`
Go, Terraform: nothing
Java: nothing
JavaScript: nothing
Rust: nothing
RD1012 Error [/h/.aws/config:1] a setting stands before the first `[section]`
RD1012 Error [/h/.aws/config:4] `region` is there twice in `[default]`, first in line 3
RD1012 Error [/h/.aws/config:5] the section `[default]` is there twice, first in line 2
RD1012 Error [/h/.aws/config:6] expected `[section]` or `name = value`
"#);
}

#[test]
fn endpoints_and_the_container() {
    let variables = [
        ("AWS_ENDPOINT_URL_STS", "http://sts.example.com"),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://10.0.0.1/creds",
        ),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"),
        ("http_proxy", "http://proxy:3128"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ];
    let mut machine = machine(&variables, "", "");
    machine.answers.clock_ahead = Some(-400);
    machine.answers.container = Some(Err("connection refused".to_owned()));
    insta::assert_snapshot!(told(&machine), @r#"
aws CLI, boto3: fails: the endpoint http://169.254.170.2/creds: connection refused
Go, Terraform: fails: the endpoint http://169.254.170.2/creds: connection refused
Java: fails: the endpoint http://169.254.170.2/creds: connection refused
JavaScript: fails: the endpoint http://169.254.170.2/creds: connection refused
Rust: fails: the endpoint http://169.254.170.2/creds: connection refused
RD1060 Error [AWS_ENDPOINT_URL_STS] calls go to http://sts.example.com, in plain
RD1071 Error [AWS_CONTAINER_CREDENTIALS_FULL_URI] SDKs refuse http://10.0.0.1/creds
RD1073 Error [] the container endpoint does not answer: connection refused
RD1090 Error [] this machine's clock is 400 s ahead of STS's
RD1053 Warning [AWS_DEFAULT_REGION] AWS_REGION is eu-central-1 and AWS_DEFAULT_REGION is us-east-1
RD1070 Warning [AWS_CONTAINER_CREDENTIALS_FULL_URI] both AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are set
RD1121 Warning [http_proxy] http_proxy is set, and NO_PROXY does not name 10.0.0.1
"#);
}

#[test]
fn a_set_up_that_is_right_has_nothing_to_say() {
    let config = "[default]\nregion = eu-central-1\ncredential_process = \"/opt/a b/rolecall\" credentials x\n";
    let mut machine = machine(&[], config, "");
    assert_eq!(programs(&machine), ["/opt/a b/rolecall".to_owned()].into());
    machine.programs = [("/opt/a b/rolecall".to_owned(), Program::Found)].into();
    assert_eq!(findings(&machine).len(), 0, "{}", told(&machine));
    let used = chains(&machine)
        .iter()
        .filter(|chain| chain.decisive().unwrap().verdict == Verdict::Used)
        .count();
    assert_eq!(used, 5);
}

#[test]
fn a_header_is_mended_and_nothing_else_changes() {
    let before = b"# mine\r\n[default]\nregion=x\n\n [ dev ] # why\nregion = y\n[other]\n";
    let after = with_profile_header(before, "dev").unwrap();
    assert_eq!(
        String::from_utf8(after).unwrap(),
        "# mine\r\n[default]\nregion=x\n\n [profile dev ] # why\nregion = y\n[other]\n"
    );
    assert_eq!(with_profile_header(b"[dev]\n[profile dev]\n", "dev"), None);
    assert_eq!(with_profile_header(b"[default]\n", "dev"), None);
}

#[test]
fn no_secret_is_kept() {
    let credentials = "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n  /K7MDENG\n  bPx = RfiCY\naws_session_token = FwoGZXIvYXdz\n";
    let proxied = [
        (
            "AWS_ENDPOINT_URL_STS",
            "http://me:opensesame@10.0.0.1:8080/sts",
        ),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://me:opensesame@10.0.0.1/c",
        ),
    ];
    let told_of = machine(&proxied, "", "");
    let shown = format!("{}{:?}", told(&told_of), findings(&told_of));
    assert!(
        !shown.contains("opensesame") && shown.contains("http://10.0.0.1:8080/sts"),
        "{shown}"
    );
    let machine = machine(&[], "", credentials);
    let all = format!("{machine:?}{}{:?}", told(&machine), findings(&machine));
    for secret in ["wJalr", "K7MDENG", "RfiCY", "FwoG", "opensesame"] {
        assert!(!all.contains(secret), "{all}");
    }
    assert!(all.contains("AKIA…MPLE"));
}

proptest! {
    #[test]
    fn any_files_are_read_or_refused(
        config in "(\\[(default|profile [a-c]|[a-c]|sso-session x)\\]\n|(role_arn|source_profile|region|credential_process|aws_access_key_id|aws_secret_access_key|duration_seconds|web_identity_token_file) ?= ?[ -~]{0,20}\n|[ -~é\t]{0,30}\n){0,12}",
        credentials in "\\PC{0,60}",
        profile in "[a-d]?",
    ) {
        let machine = machine(&[("AWS_PROFILE", &profile)], &config, &credentials);
        for chain in chains(&machine) {
            let decisive = chain.candidates.iter().filter(|one| matches!(one.verdict, Verdict::Used | Verdict::Fails));
            prop_assert!(decisive.count() <= 1);
        }
        for one in findings(&machine) {
            prop_assert!(one.code.starts_with("RD") && one.code.len() == 6);
            prop_assert!(one.severity <= Severity::Note);
        }
    }
}
