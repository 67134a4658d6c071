use std::fs;
use std::path::Path;

use jiff::SignedDuration;

use super::{Hands, Scripted, Tokens, credentials, denied, noon};
use crate::{ChildSettings, Credentials, DeliverError, Delivery, Execution, exec};

fn execution(program: &str, arguments: &[&str]) -> Execution {
    Execution {
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        inherited: vec![
            ("PATH".into(), std::env::var_os("PATH").unwrap()),
            ("AWS_ACCESS_KEY_ID".into(), "AKIASTALE".into()),
        ],
        settings: ChildSettings::default(),
        tokens: Vec::new(),
        clock: Hands::at_noon().clock(),
    }
}

fn good() -> Credentials {
    credentials("ASIAEXAMPLE", noon() + SignedDuration::from_hours(1))
}

fn frozen() -> Delivery {
    Delivery::Environment {
        credentials: good(),
    }
}

/// Runs a shell script that writes to `$OUT`, and gives what it wrote.
async fn written(script: &str, delivery: Delivery) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut execution = execution("sh", &["-c", script]);
    execution.inherited.push(("OUT".into(), out.clone().into()));
    assert_eq!(exec(execution, delivery).await.unwrap(), 0);
    fs::read_to_string(out).unwrap()
}

#[tokio::test]
async fn frozen_keys_are_in_the_environment_and_stale_ones_are_not() {
    let text = written(
        r#"printf %s "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN $AWS_CREDENTIAL_EXPIRATION" > "$OUT""#,
        frozen(),
    )
    .await;
    assert_eq!(
        text,
        "ASIAEXAMPLE canary/secret+key= canary/session+token== 2026-11-23T13:00:00Z"
    );
}

#[tokio::test]
async fn a_token_file_lives_as_long_as_the_child() {
    let delivery = Delivery::WebIdentity {
        source: Tokens::new(Hands::at_noon().clock()),
        role_arn: "arn:aws:iam::123456789012:role/First".to_owned(),
        session_name: "cube-api".to_owned(),
        names: crate::Names::Aws,
    };
    let text = written(
        r#"{ cat "$AWS_WEB_IDENTITY_TOKEN_FILE"; printf '\n%s\n' "$AWS_ROLE_ARN" "$AWS_ROLE_SESSION_NAME" "$AWS_WEB_IDENTITY_TOKEN_FILE" "${AWS_ACCESS_KEY_ID-none}"; stat -c %a "$(dirname "$AWS_WEB_IDENTITY_TOKEN_FILE")"; } > "$OUT""#,
        delivery,
    )
    .await;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let [token, role, session, file, stale, mode] = lines[..] else {
        panic!("{text}");
    };
    assert_eq!(
        (token, role, session, stale, mode),
        (
            "canary.token.1",
            "arn:aws:iam::123456789012:role/First",
            "cube-api",
            "none",
            "700"
        )
    );
    assert!(!Path::new(file).parent().unwrap().exists());
}

#[tokio::test]
async fn an_endpoint_is_announced_with_its_token_in_a_file_without_a_newline() {
    let delivery = Delivery::Endpoint {
        source: Scripted::new(vec![Ok(good())]),
    };
    let text = written(
        r#"{ printf '%s\n' "$AWS_CONTAINER_CREDENTIALS_FULL_URI" "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" "$AWS_CONFIG_FILE"; wc -lc < "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"; } > "$OUT""#,
        delivery,
    )
    .await;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("http://127.0.0.1:") && lines[0].ends_with("/credentials"));
    assert!(!Path::new(lines[1]).exists());
    assert_eq!(lines[2], "/dev/null");
    assert_eq!(lines[3].split_whitespace().collect::<Vec<_>>(), ["0", "43"]);
}

#[tokio::test]
async fn a_denial_is_seen_before_the_program_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("started");
    let delivery = Delivery::Endpoint {
        source: Scripted::new(vec![Err(denied())]),
    };
    let error = exec(execution("touch", &[mark.to_str().unwrap()]), delivery)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "AccessDenied: not authorized");
    assert!(!mark.exists());
}

#[tokio::test]
async fn the_childs_exit_code_is_passed_on() {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ] {
        let got = exec(execution("sh", &["-c", script]), frozen())
            .await
            .unwrap();
        assert_eq!(got, code, "{script}");
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_told_as_a_shell_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, "text").unwrap();
    let absent = exec(execution("rolecall-no-such-program", &[]), frozen())
        .await
        .unwrap_err();
    insta::assert_snapshot!(absent, @"`rolecall-no-such-program` was not found; give a path, or look at PATH");
    assert_eq!(absent.shell_exit_code(), Some(127));
    let forbidden = exec(execution(plain.to_str().unwrap(), &[]), frozen())
        .await
        .unwrap_err();
    assert!(matches!(forbidden, DeliverError::NotExecutable { .. }));
    assert_eq!(forbidden.shell_exit_code(), Some(126));
}
