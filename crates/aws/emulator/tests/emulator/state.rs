//! The state file, the admins' keys and the seed.

use std::os::unix::fs::PermissionsExt as _;

use rolecall_emulator::{Emulator, EmulatorError, Seed, Settings};
use serde_json::json;

use crate::lab::{ACCOUNT, Issuer, Lab, job_seed};

#[tokio::test]
async fn accounts_and_sessions_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.json");
    let issuer = Issuer::start().await;
    let first = Lab::start(job_seed(&issuer, &[]), |settings| {
        settings.state = Some(path.clone());
    })
    .await;
    let keys = first.job(&issuer.token(json!({}))).await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // Nothing is said to the first one: its file stands as a crash would leave it.
    let second = Lab::start(json!({"accounts": {}}), |settings| {
        settings.state = Some(path.clone());
    })
    .await;
    let who = second
        .sts(Some(keys))
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(
        who.arn(),
        Some("arn:aws:sts::123456789012:assumed-role/job/session-1")
    );
    second
        .exchange(&issuer.token(json!({})), &[])
        .await
        .unwrap();
    assert_eq!(
        first.admin(ACCOUNT).access_key_id(),
        second.admin(ACCOUNT).access_key_id()
    );
}

#[test]
fn a_file_that_is_no_state_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.json");
    for content in [
        &b""[..],
        b"{",
        b"\0\x01",
        b"{\"version\": 9999}",
        b"{\"version\": 1}",
    ] {
        std::fs::write(&path, content).unwrap();
        let refused = Emulator::new(Settings {
            state: Some(path.clone()),
            ..Settings::default()
        })
        .unwrap_err();
        assert!(matches!(refused, EmulatorError::State { .. }), "{refused}");
        assert!(refused.to_string().contains("accounts.json"));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_refuses_the_exchange() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let issuer = Issuer::start().await;
    let lab = Lab::start(job_seed(&issuer, &[]), |settings| {
        settings.state = Some(inner.join("accounts.json"));
    })
    .await;
    std::fs::remove_dir_all(&inner).unwrap();
    let refusal = lab
        .exchange(&issuer.token(json!({})), &[])
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (500, "InternalFailure")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_leaves_only_when_its_session_is_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.json");
    let issuer = Issuer::start().await;
    let lab = std::sync::Arc::new(
        Lab::start(job_seed(&issuer, &[]), |settings| {
            settings.state = Some(path.clone());
        })
        .await,
    );
    let token = issuer.token(json!({}));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let (lab, token, path) = (lab.clone(), token.clone(), path.clone());
        tasks.spawn(async move {
            let answer = lab.exchange(&token, &[]).await.unwrap();
            let key = crate::lab::tag(&answer, "AccessKeyId");
            assert!(std::fs::read_to_string(path).unwrap().contains(&key));
        });
    }
    assert_eq!(tasks.join_all().await.len(), 24);
}

#[tokio::test]
async fn a_change_that_could_not_be_written_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let path = inner.join("accounts.json");
    let lab = Lab::start(json!({"accounts": {}}), |settings| {
        settings.state = Some(path.clone());
    })
    .await;
    let account = ACCOUNT.parse().unwrap();
    let kept = lab.emulator.create_root_key(&account).unwrap().unwrap();
    std::fs::remove_dir_all(&inner).unwrap();
    assert!(lab.emulator.create_root_key(&account).is_err());
    std::fs::create_dir(&inner).unwrap();
    let later = lab.emulator.create_root_key(&account).unwrap().unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ids: Vec<_> = state["world"]["accounts"][ACCOUNT]["root_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, [kept.access_key_id, later.access_key_id]);
}

#[test]
fn admin_credentials_are_a_shared_credentials_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("credentials");
    let emulator = Emulator::new(Settings {
        accounts: vec!["222222222222".parse().unwrap(), ACCOUNT.parse().unwrap()],
        ..Settings::default()
    })
    .unwrap();
    emulator.write_admin_credentials(&path).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let profiles: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
    assert_eq!(
        profiles,
        [
            "[default]",
            "[emulator-222222222222]",
            "[emulator-123456789012]"
        ]
    );
    let ids: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("aws_access_key_id = AKIA"))
        .collect();
    assert_eq!((ids.len(), ids[0]), (3, ids[1]));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let shown = format!("{:?} {emulator:?}", emulator.admin_credentials());
    for line in text
        .lines()
        .filter_map(|line| line.strip_prefix("aws_secret_access_key = "))
    {
        assert!(!shown.contains(line));
    }
}

#[test]
fn a_seed_passes_the_same_checks_as_the_api() {
    let refused = |seed: serde_json::Value| {
        let seed = Seed::parse(seed.to_string().as_bytes()).unwrap();
        let error = Emulator::new(Settings {
            seed: Some(seed),
            ..Settings::default()
        })
        .unwrap_err();
        assert!(error.is_in_seed());
        error.to_string()
    };
    let message =
        refused(json!({"accounts": {ACCOUNT: {"roles": [{"name": "R", "trust_policy": "{zz"}]}}}));
    insta::assert_snapshot!(message, @"the seed's role `R` of account 123456789012 is refused: MalformedPolicyDocument: This policy contains invalid Json");
    let message =
        refused(json!({"accounts": {ACCOUNT: {"oidc_providers": [{"url": "http://a.example"}]}}}));
    insta::assert_snapshot!(message, @"the seed's OIDC provider `http://a.example` of account 123456789012 is refused: InvalidInput: Invalid Open ID Connect Provider URL");
    let error = Seed::parse(br#"{"accounts": {"12": {}}}"#).unwrap_err();
    assert!(error.to_string().contains("line 1 column"), "{error}");
}
