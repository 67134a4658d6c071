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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tenant_that_is_first_asked_for_during_a_rotation_serves_what_came_of_it() {
    let scratch = tempfile::tempdir().unwrap();
    let mut key = rolecall_jose::SigningKey::generate(rolecall_jose::KeyKind::P256).unwrap();
    let issuers: Vec<String> = (0..6).map(|at| format!("https://t{at}.example")).collect();
    let mut made = 0;
    for round in 0..8 {
        let tenants = issuers.iter().enumerate().map(|(at, issuer)| {
            let mut tenant = tenant(&format!("t{at}"), issuer, &key);
            tenant.keys = serde_json::from_value(serde_json::json!({
                "period": 48 * HOUR, "publish_ahead": 24 * HOUR,
            }))
            .unwrap();
            tenant
        });
        let tenants = tenants.collect();
        let options = rolecall_store::StoreOptions::default();
        let site = Site::start_with(scratch.path(), key, tenants, &options).await;
        site.clock.fetch_add(round * 25 * HOUR, Ordering::Relaxed);
        // Each is asked for as soon as the first of its steps is to be seen: what is read then is
        // what the next step changes.
        let location = rolecall_store::Location::Folder(scratch.path().to_path_buf());
        let reader = rolecall_store::Reader::open(&location).await.unwrap();
        let before = reader.key_records().await.unwrap();
        let mut leads = None;
        let rotating = async {
            let steps = site.installation.rotate_if_leading(&mut leads).await;
            steps.unwrap()
        };
        let asking = async {
            let mut waiting: Vec<usize> = (0..issuers.len()).collect();
            let began = std::time::Instant::now();
            while !waiting.is_empty() && began.elapsed().as_secs() < 1 {
                let now = reader.key_records().await.unwrap();
                let of = |all: &[(String, String)], at: usize| -> Vec<String> {
                    let name = format!("t{at}");
                    let own = all.iter().filter(|(tenant, _)| *tenant == name);
                    own.map(|(_, record)| record.clone()).collect()
                };
                let (ready, not): (Vec<usize>, Vec<usize>) = waiting
                    .into_iter()
                    .partition(|at| of(&now, *at) != of(&before, *at));
                waiting = not;
                for at in ready {
                    site.jwks(&issuers[at]).await;
                }
            }
        };
        let (steps, ()) = tokio::join!(rotating, asking);
        made += steps;

        let stored = reader.key_records().await.unwrap();
        for (at, issuer) in issuers.iter().enumerate() {
            let active = stored.iter().filter_map(|(tenant, record)| {
                let record: serde_json::Value = serde_json::from_str(record).unwrap();
                let signs = *tenant == format!("t{at}") && record["slot"] == "active";
                signs.then(|| record["kid"].as_str().unwrap().to_owned())
            });
            let mut active: Vec<String> = active.collect();
            let served = site.jwks(issuer).await.keys;
            let mut first: Vec<String> = served[..2]
                .iter()
                .map(|key| key.thumbprint().unwrap())
                .collect();
            active.sort_unstable();
            first.sort_unstable();
            assert_eq!(first, active, "{issuer} in round {round}");
        }
        drop(reader);
        drop(leads);
        key = site.stop().await;
    }
    assert!(made > 40, "{made} steps");
}
