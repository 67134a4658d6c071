use std::process::Command;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::{credentials, noon};
use crate::format::quoting;
use crate::{Credentials, DeliverError, Format, GithubStep, Printed, ProfileName};

/// All that can be said, and the old name of the session token too.
fn everything<T>(credentials: &Credentials, write: impl FnOnce(&Printed<'_>) -> T) -> T {
    write(&Printed {
        credentials,
        region: Some(&"eu-central-1".parse().unwrap()),
        profile: "athena",
        legacy_security_token: true,
    })
}

/// Nothing but the credentials and the region.
fn plainly(format: Format, credentials: &Credentials) -> Result<String, DeliverError> {
    let text = everything(credentials, |printed| {
        format.render(&Printed {
            legacy_security_token: false,
            ..*printed
        })
    })?;
    Ok(text.expose_secret().to_owned())
}

fn rendered(format: &str) -> String {
    plainly(format.parse().unwrap(), &credentials("ASIAEXAMPLE", noon())).unwrap()
}

/// What a program printed that ran a script.
fn told(program: &str, script: &str) -> String {
    let output = Command::new(program)
        .arg("-c")
        .arg(script)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
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
    insta::assert_snapshot!(rendered("fish"), @r#"
    set -gx AWS_ACCESS_KEY_ID 'ASIAEXAMPLE'
    set -gx AWS_SECRET_ACCESS_KEY 'canary/secret+key='
    set -gx AWS_SESSION_TOKEN 'canary/session+token=='
    set -gx AWS_CREDENTIAL_EXPIRATION '2026-11-23T12:00:00Z'
    set -gx AWS_ACCOUNT_ID '123456789012'
    set -gx AWS_REGION 'eu-central-1'
    set -gx AWS_DEFAULT_REGION 'eu-central-1'
    "#);
    insta::assert_snapshot!(rendered("powershell"), @r#"
    $Env:AWS_ACCESS_KEY_ID = 'ASIAEXAMPLE'
    $Env:AWS_SECRET_ACCESS_KEY = 'canary/secret+key='
    $Env:AWS_SESSION_TOKEN = 'canary/session+token=='
    $Env:AWS_CREDENTIAL_EXPIRATION = '2026-11-23T12:00:00Z'
    $Env:AWS_ACCOUNT_ID = '123456789012'
    $Env:AWS_REGION = 'eu-central-1'
    $Env:AWS_DEFAULT_REGION = 'eu-central-1'
    "#);
    insta::assert_snapshot!(rendered("profile"), @r#"
    [athena]
    # these keys end 2026-11-23T12:00:00Z
    aws_access_key_id = ASIAEXAMPLE
    aws_secret_access_key = canary/secret+key=
    aws_session_token = canary/session+token==
    region = eu-central-1
    "#);
    insta::assert_snapshot!(rendered("json"), @r#"{"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"canary/secret+key=","SessionToken":"canary/session+token==","Expiration":"2026-11-23T12:00:00Z","AccountId":"123456789012","Region":"eu-central-1"}"#);
    insta::assert_snapshot!(rendered("process"), @r#"{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"canary/secret+key=","SessionToken":"canary/session+token==","Expiration":"2026-11-23T12:00:00Z","AccountId":"123456789012"}"#);
    insta::assert_snapshot!("yaml".parse::<Format>().unwrap_err(), @"`yaml` is not a format: expected `env`, `fish`, `powershell`, `dotenv`, `profile`, `json` or `process`");
}

#[test]
fn process_has_its_version_as_a_number_and_its_end_without_a_fraction() {
    let mut fractional = credentials("ASIAEXAMPLE", "2026-11-23T12:00:00.75Z".parse().unwrap());
    fractional.account_id = None;
    let text = plainly(Format::Process, &fractional).unwrap();
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(object["Version"], serde_json::json!(1));
    assert_eq!(object["Expiration"], "2026-11-23T12:00:00Z");
    assert!(object.get("AccountId").is_none());
}

#[test]
fn what_dotenv_readers_disagree_on_is_refused() {
    let mut odd = credentials("ASIAEXAMPLE", noon());
    odd.session_token = "a b".into();
    insta::assert_snapshot!(plainly(Format::Dotenv, &odd).unwrap_err(), @"the value of AWS_SESSION_TOKEN holds characters that readers of dotenv files disagree on; use `--format env` or `json`");
    insta::assert_snapshot!(plainly(Format::Profile, &odd).unwrap_err(), @"the value of aws_session_token holds characters that readers of `~/.aws/credentials` disagree on; use `--format env` or `json`");
}

#[test]
fn the_old_name_of_the_session_token_is_added_where_there_is_a_place_for_it() {
    let credentials = credentials("ASIAEXAMPLE", noon());
    for (format, line) in [
        (
            Format::Env,
            "export AWS_SECURITY_TOKEN='canary/session+token=='",
        ),
        (Format::Dotenv, "AWS_SECURITY_TOKEN=canary/session+token=="),
        (
            Format::Fish,
            "set -gx AWS_SECURITY_TOKEN 'canary/session+token=='",
        ),
        (
            Format::PowerShell,
            "$Env:AWS_SECURITY_TOKEN = 'canary/session+token=='",
        ),
        (
            Format::Profile,
            "aws_security_token = canary/session+token==",
        ),
    ] {
        let text = everything(&credentials, |printed| format.render(printed)).unwrap();
        assert!(
            text.expose_secret().lines().any(|told| told == line),
            "{format}"
        );
    }
    let refused = everything(&credentials, |printed| Format::Process.render(printed)).unwrap_err();
    insta::assert_snapshot!(refused, @"`process` has no place for AWS_SECURITY_TOKEN; use `env`, `dotenv`, `fish`, `powershell`, `github` or `profile`");
}

#[test]
fn a_step_masks_what_is_secret_and_exports_the_rest() {
    let step = everything(&credentials("ASIAEXAMPLE", noon()), |printed| {
        GithubStep::render(printed, "end")
    });
    insta::assert_snapshot!(step.masks.expose_secret(), @r#"
    ::add-mask::ASIAEXAMPLE
    ::add-mask::canary/secret+key=
    ::add-mask::canary/session+token==
    "#);
    insta::assert_snapshot!(step.environment.expose_secret(), @r#"
    AWS_ACCESS_KEY_ID=ASIAEXAMPLE
    AWS_SECRET_ACCESS_KEY=canary/secret+key=
    AWS_SESSION_TOKEN=canary/session+token==
    AWS_CREDENTIAL_EXPIRATION=2026-11-23T12:00:00Z
    AWS_ACCOUNT_ID=123456789012
    AWS_REGION=eu-central-1
    AWS_DEFAULT_REGION=eu-central-1
    AWS_SECURITY_TOKEN=canary/session+token==
    "#);
}

#[test]
fn a_profile_has_a_name_that_every_sdk_takes() {
    for name in ["athena", "team/athena.eu-1", "a@b:c+d%e_f"] {
        assert_eq!(name.parse::<ProfileName>().unwrap().as_str(), name);
    }
    for name in ["", "a b", "a]", "ä", "a\nb", "a#b"] {
        assert!(name.parse::<ProfileName>().is_err(), "{name}");
    }
    insta::assert_snapshot!("my athena".parse::<ProfileName>().unwrap_err(), @"`my athena` cannot be the name of a profile: SDKs agree on letters, digits and `_ - . / @ : + %` only");
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", credentials("ASIAEXAMPLE", noon()));
    assert!(
        shown.contains("ASIAEXAMPLE") && !shown.contains("canary"),
        "{shown}"
    );
}

/// What a runner reads from the file of `GITHUB_ENV`, by the documented rules: `NAME=value`, or
/// `NAME<<DELIMITER` and the lines up to the delimiter.
fn read_by_runner(file: &str) -> Vec<(String, String)> {
    let mut variables = Vec::new();
    let mut lines = file.split('\n');
    while let Some(line) = lines.next().filter(|line| !line.is_empty()) {
        let heredoc = line.find("<<").filter(|at| !line[..*at].contains('='));
        variables.push(match heredoc {
            Some(at) => {
                let end = &line[at + 2..];
                let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                (line[..at].to_owned(), value.join("\n"))
            }
            None => {
                let (name, value) = line.split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            }
        });
    }
    variables
}

/// What PowerShell reads of a single-quoted word, by its quoting rules.
fn read_by_powershell(word: &str) -> Option<String> {
    let mut characters = word.strip_prefix('\'')?.chars().peekable();
    let mut value = String::new();
    while let Some(character) = characters.next() {
        if quoting::POWERSHELL_QUOTES.contains(&character) {
            match characters.peek() {
                // The first of two quotes gives way to the second.
                Some(next) if quoting::POWERSHELL_QUOTES.contains(next) => {
                    value.extend(characters.next());
                }
                Some(_) => return None,
                None => return Some(value),
            }
        } else {
            value.push(character);
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One shell a case takes all values of it, each ended by a NUL, which no value holds.
    #[test]
    fn a_shell_reads_back_what_was_quoted(values in proptest::collection::vec("[^\u{0}]{0,20}|['\"\\\\$`! \n*~#-]{0,12}", 1..40)) {
        let words: Vec<String> = values.iter().map(|value| quoting::posix(value)).collect();
        let expected: String = values.iter().map(|value| format!("{value}\0")).collect();
        prop_assert_eq!(told("sh", &format!("printf '%s\\0' {}", words.join(" "))), expected);
    }

    /// fish cannot hold some private characters, which it keeps for itself.
    #[test]
    fn fish_reads_back_what_was_quoted(values in proptest::collection::vec("[^\u{0}\u{e000}-\u{f8ff}\u{fdd0}-\u{fdef}]{0,20}|['\"\\\\$`! \n\t*~#(){}-]{0,12}", 1..40)) {
        let words: Vec<String> = values.iter().map(|value| quoting::fish(value)).collect();
        let expected: String = values.iter().map(|value| format!("{value}\0")).collect();
        prop_assert_eq!(told("fish", &format!("printf '%s\\0' {}", words.join(" "))), expected);
    }
}

proptest! {
    #[test]
    fn powershell_reads_back_what_was_quoted(value in "[^\u{0}]{0,20}|['\u{2018}\u{2019}\u{201a}\u{201b}\"`$ \n]{0,12}") {
        prop_assert_eq!(read_by_powershell(&quoting::powershell(&value)), Some(value));
    }

    /// Also a value that looks like what ends it, and like a variable of its own.
    #[test]
    fn a_runner_reads_back_what_was_written(secret in "[^\u{0}]{0,30}|([a-zA-Z=<\r\n%]|EOF|PATH=){0,20}") {
        let mut odd = credentials("ASIAEXAMPLE", noon());
        odd.secret_access_key = secret.clone().into();
        let step = everything(&odd, |printed| GithubStep::render(printed, "2b1f-unguessable"));
        let read = read_by_runner(step.environment.expose_secret());
        prop_assert_eq!(read.len(), 8);
        prop_assert_eq!(&read[1], &("AWS_SECRET_ACCESS_KEY".to_owned(), secret.clone()));
        let masked = step.masks.expose_secret().lines().nth(1).unwrap().to_owned();
        let masked = masked.strip_prefix("::add-mask::").unwrap();
        prop_assert_eq!(masked.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"), secret);
    }
}

#[test]
fn shells_that_evaluate_their_form_have_the_variables() {
    for (program, format) in [("sh", "env"), ("fish", "fish")] {
        let script = format!(
            "{}printf %s \"$AWS_SESSION_TOKEN $AWS_REGION\"",
            rendered(format)
        );
        assert_eq!(
            told(program, &script),
            "canary/session+token== eu-central-1"
        );
    }
}
