//! The audit trail and the memory of used assertions.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jiff::Timestamp;
use rolecall_store::{
    AuditFilter, AuditKind, AuditRecord, DeclaredTenant, Outcome, Store, StoreError, StoreOptions,
    UsedAssertion,
};

fn record(second: i64, workload: &str) -> AuditRecord {
    let mut record = AuditRecord::new(
        Timestamp::from_second(second).unwrap(),
        AuditKind::Mint,
        "acme",
        Outcome::Granted,
    );
    record.workload = Some(workload.to_owned());
    record
}

fn used(jti: &str, expires: i64) -> UsedAssertion {
    UsedAssertion {
        tenant: "acme".to_owned(),
        workload: "api".to_owned(),
        jti: jti.to_owned(),
        expires,
    }
}

fn jtis(store: &Store, now: i64) -> Vec<String> {
    let used = store.load(now).unwrap().used;
    used.into_iter().map(|used| used.jti).collect()
}

#[tokio::test]
async fn a_row_comes_back_as_it_was_written() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    let full = AuditRecord {
        at: "2026-11-23T06:30:00.123Z".parse().unwrap(),
        kind: AuditKind::Mint,
        tenant: "acme".to_owned(),
        workload: Some("cube-api".to_owned()),
        token_config: Some("aws".to_owned()),
        subject: Some("cube:deployment:42".to_owned()),
        audience: Some("sts.amazonaws.com".to_owned()),
        lifetime: Some(3600),
        jti: Some("j-1".to_owned()),
        kid: Some("k-1".to_owned()),
        role: Some("arn:aws:iam::123456789012:role/r".to_owned()),
        outcome: Outcome::Refused,
        reason: Some("because".to_owned()),
        client: Some("127.0.0.1".to_owned()),
    };
    let first = store.record(full.clone(), None).await.unwrap();
    let second = store.record(record(7, "b"), None).await.unwrap();
    assert!(second > first);
    let log = store.audit_log().unwrap();
    let rows = log.rows(&AuditFilter::default()).unwrap();
    assert_eq!(rows[0].record, full);
    let mut lines = Vec::new();
    log.write_json_lines(&AuditFilter::default(), &mut lines)
        .unwrap();
    insta::assert_snapshot!(String::from_utf8(lines).unwrap(), @r#"
    {"id":1,"at":"2026-11-23T06:30:00.123Z","kind":"mint","tenant":"acme","workload":"cube-api","token_config":"aws","subject":"cube:deployment:42","audience":"sts.amazonaws.com","lifetime":3600,"jti":"j-1","kid":"k-1","role":"arn:aws:iam::123456789012:role/r","outcome":"refused","reason":"because","client":"127.0.0.1"}
    {"id":2,"at":"1970-01-01T00:00:07Z","kind":"mint","tenant":"acme","workload":"b","outcome":"granted"}
    "#);
}

#[tokio::test]
async fn the_trail_is_filtered() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    let mut ids = Vec::new();
    for workload in ["a", "b", "a", "b", "a"] {
        ids.push(store.record(record(1, workload), None).await.unwrap());
    }
    let log = store.audit_log().unwrap();
    let listed = |filter: AuditFilter| -> Vec<i64> {
        log.rows(&filter)
            .unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect()
    };
    let workload = Some("a".to_owned());
    assert_eq!(
        listed(AuditFilter {
            workload: workload.clone(),
            ..Default::default()
        }),
        [ids[0], ids[2], ids[4]]
    );
    assert_eq!(
        listed(AuditFilter {
            workload,
            last: Some(2),
            ..Default::default()
        }),
        [ids[2], ids[4]]
    );
    assert_eq!(
        listed(AuditFilter {
            after: Some(ids[3]),
            ..Default::default()
        }),
        [ids[4]]
    );
    let other = AuditFilter {
        tenant: Some("other".to_owned()),
        ..Default::default()
    };
    assert_eq!(listed(other), [0_i64; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_each_get_their_own_row() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open_with(
        scratch.path(),
        &StoreOptions {
            queue: 8,
            group: 5,
            page_limit: None,
        },
    )
    .unwrap();
    let callers: Vec<_> = (0..300)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = record(number, "a");
                mine.jti = Some(number.to_string());
                // Half of them as a crowd that the writer gathers, half unannounced.
                let id = match number % 2 {
                    0 => store.announce().record(mine, None).await,
                    _ => store.record(mine, None).await,
                };
                (number, id.unwrap())
            })
        })
        .collect();
    let mut answered = Vec::new();
    for caller in callers {
        answered.push(caller.await.unwrap());
    }
    let rows = store
        .audit_log()
        .unwrap()
        .rows(&AuditFilter::default())
        .unwrap();
    assert_eq!(rows.len(), 300);
    for (number, id) in answered {
        let row = rows.iter().find(|row| row.id == id).unwrap();
        assert_eq!(row.record.jti, Some(number.to_string()));
    }
}

#[tokio::test]
async fn announcements_that_come_to_nothing_hold_nobody_up() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    let announced: Vec<_> = (0..100).map(|_| store.announce()).collect();
    store.record(record(1, "a"), None).await.unwrap();
    drop(announced);
    store.record(record(2, "a"), None).await.unwrap();
}

#[tokio::test]
async fn a_note_is_written_without_an_answer_and_close_waits_for_it() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    assert!(store.note(record(1, "noted")));
    assert_eq!(store.check().await, Ok(()));
    store.close().await;
    assert_eq!(store.check().await, Err(StoreError::Closed));
    assert_eq!(
        store.record(record(1, "late"), None).await,
        Err(StoreError::Closed)
    );
    assert!(!store.note(record(1, "late")));
    // The folder is free although `store` still lives.
    let again = Store::open(scratch.path()).unwrap();
    let rows = again
        .audit_log()
        .unwrap()
        .rows(&AuditFilter::default())
        .unwrap();
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn used_assertions_are_remembered_over_a_restart_until_they_expire() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    for (jti, expires) in [("short", 110), ("long", 500)] {
        let written = store
            .record(record(100, "a"), Some(used(jti, expires)))
            .await;
        written.unwrap();
    }
    drop(store);
    let store = Store::open(scratch.path()).unwrap();
    assert_eq!(jtis(&store, 100), ["short", "long"]);
    assert_eq!(jtis(&store, 110), ["short", "long"]);
    assert_eq!(jtis(&store, 111), ["long"]);
}

#[tokio::test]
async fn expired_assertions_are_pruned_from_the_disk() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    for number in 0..200 {
        store
            .record(record(100, "a"), Some(used(&number.to_string(), 160)))
            .await
            .unwrap();
    }
    assert_eq!(jtis(&store, 0).len(), 200);
    // Nothing has expired yet; then all has, and a few groups clear it.
    store.record(record(150, "a"), None).await.unwrap();
    assert_eq!(jtis(&store, 0).len(), 200);
    for second in 161..170 {
        store.record(record(second, "a"), None).await.unwrap();
    }
    assert_eq!(jtis(&store, 0).len(), 0);
}

#[tokio::test]
async fn a_full_disk_fails_every_caller_and_the_writer_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let tenant = DeclaredTenant {
        name: "acme".to_owned(),
        issuer: "https://acme.example".to_owned(),
        token_configs: vec![],
        workloads: vec![],
    };
    let store = Store::open(scratch.path()).unwrap();
    store
        .declare(vec![tenant], vec![], vec![], 1)
        .await
        .unwrap();
    drop(store);
    let size = std::fs::metadata(scratch.path().join(rolecall_store::DATABASE_FILE)).unwrap();
    let pages = u32::try_from(size.len() / 4096).unwrap() + 2;
    let store = Store::open_with(
        scratch.path(),
        &StoreOptions {
            page_limit: Some(pages),
            ..StoreOptions::default()
        },
    )
    .unwrap();

    let mut big = record(1, "a");
    big.reason = Some("x".repeat(3000));
    let mut written = 0;
    let error = loop {
        match store.record(big.clone(), Some(used("j", 9_999))).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the limit never bound");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(store.check().await, Err(error.clone()));
    // Fails again rather than hanging, and nothing of a failed group is left.
    assert_eq!(store.record(big, None).await, Err(error));
    let rows = store
        .audit_log()
        .unwrap()
        .rows(&AuditFilter::default())
        .unwrap();
    assert_eq!(rows.len(), written);
    assert_eq!(jtis(&store, 0).len(), written);
    // What needs no room still works.
    store.declare(vec![], vec![], vec![], 2).await.unwrap();
    assert!(store.load(0).unwrap().tenants.is_empty());
}
