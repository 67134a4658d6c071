#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;

use super::Loaded;

/// What the guides show must be what the program reads.
#[test]
fn the_examples_of_the_guides_are_read() {
    for guide in [
        "configuration.md",
        "first-role.md",
        "admin-api.md",
        "attestation.md",
        "subject-formats.md",
        "tls.md",
        "token-configs.md",
        "publishing.md",
        "consumers/anthropic.md",
        "consumers/azure.md",
        "consumers/databricks.md",
        "consumers/gcp.md",
        "consumers/openai.md",
        "consumers/snowflake.md",
        "consumers/vault.md",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs")
            .join(guide);
        let text = std::fs::read_to_string(&path).unwrap();
        let examples = yaml_examples(&text);
        assert!(!examples.is_empty(), "{guide} has no example");
        for example in examples {
            let loaded = written(&example)
                .1
                .unwrap_or_else(|failure| panic!("{guide}: {failure}\n{example}"));
            if !loaded.document.tenants.is_empty() && !example.contains("_file") {
                let address = "127.0.0.1:4000".parse().unwrap();
                let tenants = loaded.tenants(address).unwrap();
                if let Err(error) = rolecall_http_api::check(&tenants) {
                    panic!("{guide}: {error}\n{example}");
                }
            }
            for connection in loaded.document.connections.iter() {
                assert!(loaded.document.workload.is_some(), "{}", connection.name());
            }
        }
    }
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    let shown = |text: &str| {
        let (folder, read) = written(text);
        let told = read.expect_err("a broken file was read").told();
        let plain = anstream::adapter::strip_str(&told).to_string();
        plain.replace(&format!("{}/", folder.path().display()), "")
    };
    insta::assert_snapshot!(shown("server:\n  lsten: 127.0.0.1:0\n"), @r"
    rolecall.yaml:2:3: unknown field `lsten`, expected `listen`, `api`, `tls`, `operations_listen`, `state`, `master_key_file`, `proxies`, `forwarded_headers`, `client_certificate_header`, `key_backends` or `keys`
         2 |   lsten: 127.0.0.1:0
           |   ^
    hint: Did you mean `listen`?
    ");
    insta::assert_snapshot!(
        shown("tenants:\n  - name: a\n    issuer: x\n    token_configs:\n      - { name: aws, audience: b, lifetime: soon, subject: s }\n"),
        @r"
    rolecall.yaml:5:45: `soon` is not a duration: expected `1h`, `90m` or a number of seconds
         5 |       - { name: aws, audience: b, lifetime: soon, subject: s }
           |                                             ^
    "
    );
    insta::assert_snapshot!(shown("server: [\n"), @r"
    rolecall.yaml:1:9: expected fields here, as in `name: value`
         1 | server: [
           |         ^
    ");
    insta::assert_snapshot!(
        shown("connections:\n  a:\n    token_config: aws\n    role: arn:aws:iam::1:role/R\n"),
        @r"
    rolecall.yaml:4:11: `arn:aws:iam::1:role/R` is not a role ARN: `1` is not an AWS account id: expected 12 digits; expected `arn:aws:iam::<account>:role/<path and name>`
         4 |     role: arn:aws:iam::1:role/R
           |           ^
    "
    );
}

/// A folder with that configuration file, and what reading it gives.
fn written(text: &str) -> (tempfile::TempDir, Result<Loaded, crate::failure::Failure>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rolecall.yaml");
    std::fs::write(&path, text).unwrap();
    let read = Loaded::read(&path);
    (folder, read)
}

/// The fenced `yaml` blocks of a guide.
fn yaml_examples(text: &str) -> Vec<String> {
    text.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .map(str::to_owned)
        .collect()
}
