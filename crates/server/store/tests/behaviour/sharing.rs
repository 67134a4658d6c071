//! Several processes on one PostgreSQL database, which may go away for a while.

use std::time::Duration;

use rolecall_store::{
    Change, Changed, Edit, Expect, Head, Source, Store, StoreError, StoreOptions,
};

use crate::cluster::Cluster;
use crate::places::{record, trail, used};

async fn open(cluster: &Cluster) -> Store {
    Store::open_at(&cluster.location(), &StoreOptions::default())
        .await
        .unwrap()
}

fn tenant(name: &str) -> Change {
    Change {
        edits: vec![Edit::PutTenant {
            name: name.to_owned(),
            issuer: format!("https://{name}.example"),
            document: "{}".to_owned(),
            source: Source::Api,
            expect: Expect::Any,
        }],
        ..Change::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_rows_are_one_chain_and_evidence_counts_once() {
    let cluster = Cluster::start();
    // Together, on an empty database: the schema is made once.
    let (one, two, three) = tokio::join!(open(&cluster), open(&cluster), open(&cluster));
    let stores = [one, two, three];
    let writers = (0..30_i64).map(|number| {
        let store = stores[number as usize % 3].clone();
        tokio::spawn(async move {
            let mut granted = 0;
            for turn in 0..20 {
                // Three writers share each piece of evidence.
                let jti = format!("{}-{turn}", number / 3);
                match store
                    .record(record(number, "a"), Some(used(&jti, 9_999)))
                    .await
                {
                    Ok(_) => granted += 1,
                    Err(error) => assert_eq!(error, StoreError::Replayed),
                }
            }
            granted
        })
    });
    let mut granted = 0;
    for writer in writers.collect::<Vec<_>>() {
        granted += writer.await.unwrap();
    }
    assert_eq!(granted, 200);
    let head = stores[0].reader().verify_audit(Head::START, |_| {}).await;
    assert_eq!(head.unwrap().id, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_are_heard_by_the_others_and_again_after_an_outage() {
    let cluster = Cluster::start();
    let (one, two) = (open(&cluster).await, open(&cluster).await);
    let mut heard = two.changes();
    // The listener may still be on its way.
    let first = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            one.change(tenant("acme")).await.unwrap();
            if let Ok(Ok(change)) =
                tokio::time::timeout(Duration::from_millis(200), heard.recv()).await
            {
                return change;
            }
        }
    });
    assert_eq!(first.await.unwrap(), Changed::Tenant("acme".to_owned()));
    cluster.down();
    let error = two.record(record(1, "lost"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    let error = two.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    cluster.up();
    let back = tokio::time::timeout(Duration::from_secs(20), async {
        while two.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        loop {
            if heard.recv().await.unwrap() == Changed::Anything {
                return;
            }
        }
    });
    back.await.unwrap();
    two.record(record(2, "kept"), None).await.unwrap();
    let rows = trail(&one).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].record.workload.as_deref(), Some("kept"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_leads_until_its_connection_ends() {
    let cluster = Cluster::start();
    let (one, two) = (open(&cluster).await, open(&cluster).await);
    let leads = one.lead().await.unwrap().unwrap();
    assert!(leads.holds().await);
    assert!(two.lead().await.unwrap().is_none());
    drop(leads);
    let next = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            if let Some(leads) = two.lead().await.unwrap() {
                return leads;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    assert!(!next.holds().await);
}
