//! The audit trail and the memory of used evidence.

use rolecall_store::{
    AuditFilter, AuditKind, AuditRecord, DeclaredTenant, Head, Outcome, Store, StoreError,
    StoreOptions,
};

use crate::on_both;
use crate::places::{Place, record, trail, used};

on_both!(
    a_row_comes_back_as_it_was_written,
    the_trail_is_filtered,
    many_callers_each_get_their_own_row,
    announcements_that_come_to_nothing_hold_nobody_up,
    a_note_is_written_without_an_answer_and_close_waits_for_it,
    used_evidence_is_refused_and_remembered_until_it_expires,
    expired_evidence_is_forgotten,
    what_was_forgotten_is_not_new_when_the_clock_goes_backwards,
    every_edit_of_the_trail_is_found,
);

async fn jtis(store: &Store, now: i64) -> Vec<String> {
    let used = store.reader().used(now).await.unwrap();
    let mut jtis: Vec<String> = used.into_iter().map(|used| used.jti).collect();
    jtis.sort();
    jtis
}

async fn a_row_comes_back_as_it_was_written(place: Place) {
    let store = place.open().await;
    let full = AuditRecord {
        at: "2026-11-23T06:30:00.123Z".parse().unwrap(),
        kind: AuditKind::Mint,
        tenant: "acme".to_owned(),
        actor: Some("anna".to_owned()),
        workload: Some("cube-api".to_owned()),
        evidence: Some("private_key_jwt".to_owned()),
        token_config: Some("aws".to_owned()),
        subject: Some("cube:deployment:42".to_owned()),
        audience: Some("sts.amazonaws.com".to_owned()),
        lifetime: Some(3600),
        jti: Some("j-1".to_owned()),
        kid: Some("k-1".to_owned()),
        role: Some("arn:aws:iam::123456789012:role/r".to_owned()),
        target: Some("workload/api".to_owned()),
        outcome: Outcome::Refused,
        reason: Some("because".to_owned()),
        client: Some("127.0.0.1".to_owned()),
    };
    let first = store.record(full.clone(), None).await.unwrap();
    let mut odd = record(7, "b\0c");
    odd.at = "1970-01-01T00:00:07.000999999Z".parse().unwrap();
    let second = store.record(odd, None).await.unwrap();
    assert_eq!((first, second), (1, 2));
    let rows = trail(&store).await;
    assert_eq!(rows[0].record, full);
    // What no column can hold is replaced before it is hashed, so that the chain holds.
    assert_eq!(
        serde_json::to_string(&rows[1]).unwrap(),
        "{\"id\":2,\"at\":\"1970-01-01T00:00:07Z\",\"kind\":\"mint\",\"tenant\":\"acme\",\"workload\":\"b\u{fffd}c\",\"outcome\":\"granted\"}"
    );
    let head = store.reader().verify_audit(Head::START, |_| {}).await;
    assert_eq!(head.unwrap().id, 2);
}

async fn the_trail_is_filtered(place: Place) {
    let store = place.open().await;
    let mut ids = Vec::new();
    for workload in ["a", "b", "a", "b", "a"] {
        ids.push(store.record(record(1, workload), None).await.unwrap());
    }
    let listed = async |filter: AuditFilter| -> Vec<i64> {
        let rows = store.reader().audit(&filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect()
    };
    let workload = || AuditFilter {
        workload: Some("a".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(listed(workload()).await, [ids[0], ids[2], ids[4]]);
    let last = AuditFilter {
        last: Some(2),
        ..workload()
    };
    assert_eq!(listed(last).await, [ids[2], ids[4]]);
    let first = AuditFilter {
        first: Some(2),
        ..workload()
    };
    assert_eq!(listed(first).await, [ids[0], ids[2]]);
    let after = AuditFilter {
        after: Some(ids[3]),
        ..AuditFilter::default()
    };
    assert_eq!(listed(after).await, [ids[4]]);
    let other = AuditFilter {
        tenant: Some("other".to_owned()),
        ..AuditFilter::default()
    };
    assert_eq!(listed(other).await, [0_i64; 0]);
}

async fn many_callers_each_get_their_own_row(place: Place) {
    let options = StoreOptions {
        queue: 8,
        group: 5,
        ..StoreOptions::default()
    };
    let store = Store::open_at(&place.location(), &options).await.unwrap();
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
    let rows = trail(&store).await;
    assert_eq!(rows.len(), 300);
    for (number, id) in answered {
        let row = rows.iter().find(|row| row.id == id).unwrap();
        assert_eq!(row.record.jti, Some(number.to_string()));
    }
    store
        .reader()
        .verify_audit(Head::START, |_| {})
        .await
        .unwrap();
}

async fn announcements_that_come_to_nothing_hold_nobody_up(place: Place) {
    let store = place.open().await;
    let announced: Vec<_> = (0..100).map(|_| store.announce()).collect();
    store.record(record(1, "a"), None).await.unwrap();
    drop(announced);
    store.record(record(2, "a"), None).await.unwrap();
}

async fn a_note_is_written_without_an_answer_and_close_waits_for_it(place: Place) {
    let store = place.open().await;
    assert!(store.note(record(1, "noted")));
    assert_eq!(store.check().await, Ok(()));
    store.close().await;
    assert_eq!(store.check().await, Err(StoreError::Closed));
    assert_eq!(
        store.record(record(1, "late"), None).await,
        Err(StoreError::Closed)
    );
    assert!(!store.note(record(1, "late")));
    // The place is free although `store` still lives.
    let again = place.open().await;
    assert_eq!(trail(&again).await.len(), 1);
}

async fn used_evidence_is_refused_and_remembered_until_it_expires(place: Place) {
    let store = place.open().await;
    for (jti, expires) in [("short", 110), ("long", 500)] {
        let written = store
            .record(record(100, "a"), Some(used(jti, expires)))
            .await;
        written.unwrap();
    }
    store.close().await;
    let store = place.open().await;
    assert_eq!(jtis(&store, 100).await, ["long", "short"]);
    assert_eq!(jtis(&store, 110).await, ["long", "short"]);
    assert_eq!(jtis(&store, 111).await, ["long"]);
    let again = store
        .record(record(100, "a"), Some(used("long", 500)))
        .await;
    assert_eq!(again, Err(StoreError::Replayed));
    assert_eq!(trail(&store).await.len(), 2, "a refused replay left a row");
    // What has expired is as if it had never been.
    let late = store
        .record(record(501, "a"), Some(used("long", 900)))
        .await;
    assert_eq!(late, Ok(3));
    // At the same moment, exactly one of many has it.
    let tries = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .record(record(100, "a"), Some(used("once", 500)))
                .await
        })
    });
    let mut granted = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(_) => granted += 1,
            Err(error) => assert_eq!(error, StoreError::Replayed),
        }
    }
    assert_eq!(granted, 1);
}

async fn what_was_forgotten_is_not_new_when_the_clock_goes_backwards(place: Place) {
    let mut store = place.open().await;
    let of_a = async |store: &Store, at, jti, expires| {
        let written = store.record(record(at, "a"), Some(used(jti, expires)));
        written.await.map(|_| ())
    };
    assert_eq!(of_a(&store, 100, "once", 110).await, Ok(()));
    assert_eq!(of_a(&store, 900, "late", 960).await, Ok(()));
    for new in ["before the restart", "after it"] {
        assert_eq!(store.reader().forgotten().await, Ok(110));
        assert_eq!(
            of_a(&store, 100, "once", 110).await,
            Err(StoreError::Forgotten)
        );
        assert_eq!(
            of_a(&store, 100, "other", 110).await,
            Err(StoreError::Forgotten)
        );
        assert_eq!(of_a(&store, 100, new, 111).await, Ok(()));
        store.close().await;
        store = place.open().await;
    }
}

async fn expired_evidence_is_forgotten(place: Place) {
    let store = place.open().await;
    for number in 0..200 {
        store
            .record(record(100, "a"), Some(used(&number.to_string(), 160)))
            .await
            .unwrap();
    }
    assert_eq!(jtis(&store, 0).await.len(), 200);
    // Nothing has expired yet; then all has, and a few groups clear it.
    store.record(record(150, "a"), None).await.unwrap();
    assert_eq!(jtis(&store, 0).await.len(), 200);
    for second in 161..170 {
        store.record(record(second, "a"), None).await.unwrap();
    }
    assert_eq!(jtis(&store, 0).await.len(), 0);
}

async fn every_edit_of_the_trail_is_found(place: Place) {
    let store = place.open().await;
    for second in 1..=5 {
        store.record(record(second, "a"), None).await.unwrap();
    }
    let whole = store
        .reader()
        .verify_audit(Head::START, |_| {})
        .await
        .unwrap();
    store.close().await;
    for (edit, undo, found) in [
        (
            "UPDATE audit SET workload = 'b' WHERE id = 3",
            "UPDATE audit SET workload = 'a' WHERE id = 3",
            3,
        ),
        (
            "UPDATE audit SET at = at + 1 WHERE id = 1",
            "UPDATE audit SET at = at - 1 WHERE id = 1",
            1,
        ),
        (
            "UPDATE audit SET id = 9 WHERE id = 5",
            "UPDATE audit SET id = 5 WHERE id = 9",
            9,
        ),
        (
            "UPDATE audit SET reason = '' WHERE id = 5",
            "UPDATE audit SET reason = NULL WHERE id = 5",
            5,
        ),
        (
            "UPDATE audit_head SET id = 4",
            "UPDATE audit_head SET id = 5",
            5,
        ),
    ] {
        place.meddle(edit);
        let reader = rolecall_store::Reader::open(&place.location())
            .await
            .unwrap();
        match reader.verify_audit(Head::START, |_| {}).await {
            Err(StoreError::Broken { id, .. }) => assert_eq!(id, found, "{edit}"),
            other => panic!("{edit}: {other:?}"),
        }
        place.meddle(undo);
        let again = reader.verify_audit(Head::START, |_| {}).await;
        assert_eq!(again, Ok(whole), "{undo}");
    }
    place.meddle("DELETE FROM audit WHERE id = 5");
    let reader = rolecall_store::Reader::open(&place.location())
        .await
        .unwrap();
    let cut = reader.verify_audit(Head::START, |_| {}).await.unwrap_err();
    assert_eq!(
        cut.to_string(),
        "the audit trail does not hold together at row 5: rows up to 5 were cut off"
    );
}

#[tokio::test]
async fn a_full_disk_fails_every_caller_and_the_writer_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let tenant = DeclaredTenant {
        name: "acme".to_owned(),
        issuer: "https://acme.example".to_owned(),
        document: "{}".to_owned(),
        resources: vec![],
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
        let evidence = used(&written.to_string(), 9_999);
        match store.record(big.clone(), Some(evidence)).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the limit never bound");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error}");
    assert_eq!(store.check().await, Err(error.clone()));
    // Fails again rather than hanging, and nothing of a failed group is left.
    assert_eq!(store.record(big, None).await, Err(error));
    assert_eq!(trail(&store).await.len(), written);
    assert_eq!(jtis(&store, 0).await.len(), written);
    store
        .reader()
        .verify_audit(Head::START, |_| {})
        .await
        .unwrap();
    // What needs no room still works.
    store.declare(vec![], vec![], vec![], 2).await.unwrap();
    assert_eq!(store.reader().directory("", None).await.unwrap(), []);
}
