//! Keys that take each other's place while tokens are asked for and verified.

use std::sync::atomic::Ordering;

use rolecall_store::AuditFilter;

use crate::site::{ISSUER, Site, tenant};

const FAST: &[(&str, &str)] = &[("token_config", "fast")];
const HOUR: i64 = 3600;

#[tokio::test]
async fn every_token_is_verified_by_the_keys_of_its_whole_life() {
    let scratch = tempfile::tempdir().unwrap();
    let site = Site::start(scratch.path()).await;
    let mut acme = tenant("acme", ISSUER, &site.key);
    acme.keys = serde_json::from_value(serde_json::json!({
        "period": 48 * HOUR, "publish_ahead": 24 * HOUR,
    }))
    .unwrap();
    site.installation.declare(vec![acme]).await.unwrap();

    let mut leads = None;
    let (mut living, mut kids) = (Vec::new(), Vec::new());
    let mut steps = 0;
    for hour in 0..120 {
        site.clock.fetch_add(HOUR, Ordering::Relaxed);
        steps += site
            .installation
            .rotate_if_leading(&mut leads)
            .await
            .unwrap();
        let token = site.ask(FAST).await.token();
        let kid = rolecall_jose::Compact::parse(&token)
            .unwrap()
            .header()
            .kid()
            .unwrap()
            .to_owned();
        if kids.last() != Some(&kid) {
            kids.push(kid);
        }
        living.push((hour, token));
        // A token lives a quarter of an hour; AWS takes it five minutes longer.
        living.retain(|(made, _)| hour - made < 1);
        for (_, token) in &living {
            site.verified(ISSUER, token).await;
        }
        let published = site.jwks(ISSUER).await.keys.len();
        assert!((2..=6).contains(&published), "{published} keys");
    }
    assert!(kids.len() >= 3, "{kids:?}");
    assert!(steps >= 8, "{steps} steps");
    let kind = rolecall_store::AuditKind::SigningKey;
    let location = rolecall_store::Location::Folder(scratch.path().to_path_buf());
    let reader = rolecall_store::Reader::open(&location).await.unwrap();
    let rows = reader.audit(&AuditFilter::default()).await.unwrap();
    let told: Vec<String> = rows
        .iter()
        .filter(|row| row.record.kind == kind)
        .filter_map(|row| row.record.reason.clone())
        .collect();
    for wanted in [
        "nothing to active: first",
        "nothing to next: ",
        "next to active: ",
        "active to retired: ",
        "retired to nothing: ",
    ] {
        assert!(
            told.iter().any(|one| one.starts_with(wanted)),
            "{wanted} not in {told:?}"
        );
    }
}
