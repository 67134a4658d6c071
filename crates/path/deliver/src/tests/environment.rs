use std::ffi::{OsStr, OsString};

use crate::ChildSettings;
use crate::child::{ProfileFiles, environment};

fn pairs(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

#[test]
fn stale_credentials_never_reach_the_child() {
    let inherited = pairs(&[
        ("PATH", "/bin"),
        ("AWS_ACCESS_KEY_ID", "AKIASTALE"),
        ("AWS_SECRET_ACCESS_KEY", "stale"),
        ("AWS_SESSION_TOKEN", "stale"),
        ("AWS_SECURITY_TOKEN", "stale"),
        ("AWS_PROFILE", "stale"),
        ("AWS_DEFAULT_PROFILE", "stale"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "stale"),
        ("AWS_ROLE_ARN", "stale"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "stale"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "stale"),
        ("AWS_REGION", "stale-region-1"),
        ("ROLECALL_MASTER_KEY", "canary"),
        ("AWS_CA_BUNDLE", "/etc/ca.pem"),
    ]);
    let settings = ChildSettings {
        region: Some("eu-central-1".parse().unwrap()),
        sts_endpoint: Some("http://127.0.0.1:5000".to_owned()),
    };
    let own = vec![(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI".into(),
        "http://127.0.0.1:1/".into(),
    )];
    let child = environment(inherited, &settings, own, ProfileFiles::Hidden);
    let lines: Vec<String> = child
        .iter()
        .map(|(name, value)| format!("{}={}", name.display(), value.display()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    AWS_CA_BUNDLE=/etc/ca.pem
    AWS_CONFIG_FILE=/dev/null
    AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/
    AWS_DEFAULT_REGION=eu-central-1
    AWS_ENDPOINT_URL_STS=http://127.0.0.1:5000
    AWS_REGION=eu-central-1
    AWS_SHARED_CREDENTIALS_FILE=/dev/null
    PATH=/bin
    "#);
}

#[test]
fn profiles_stay_readable_where_they_cannot_win() {
    let inherited = pairs(&[("AWS_CONFIG_FILE", "/home/ann/.aws/config")]);
    let child = environment(
        inherited,
        &ChildSettings::default(),
        vec![],
        ProfileFiles::Readable,
    );
    assert_eq!(
        child[OsStr::new("AWS_CONFIG_FILE")],
        "/home/ann/.aws/config"
    );
    assert_eq!(child.len(), 1);
}
