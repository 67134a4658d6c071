//! Backups, restoring, moving from one database to the other.

use rolecall_store::{
    AuditFilter, Change, Edit, Expect, Location, Reader, ResourceKind, Source, Store, StoreError,
    StoreOptions, backup, move_to, restore,
};

use crate::cluster::{self, Cluster};
use crate::on_both;
use crate::places::{Place, document, key, record, used};

on_both!(
    a_backup_of_a_running_server_restores_to_the_same,
    a_backup_of_the_first_version_is_brought_up_to_date,
    nothing_is_written_over,
);

async fn filled(place: &Place) -> Store {
    let store = place.open().await;
    let edits = vec![
        Edit::PutTenant {
            name: "acme".to_owned(),
            issuer: "https://acme.example".to_owned(),
            document: r#"{"a":1}"#.to_owned(),
            source: Source::Api,
            expect: Expect::Absent,
        },
        Edit::Put {
            tenant: "acme".to_owned(),
            kind: ResourceKind::Workload,
            document: document("api", "{}"),
            source: Source::Api,
            expect: Expect::Absent,
        },
        Edit::PutKey(key("acme", "k1")),
    ];
    let change = Change {
        edits,
        records: vec![record(1, "made")],
        ..Change::default()
    };
    store.change(change).await.unwrap();
    // What is forgotten already is known to be, in the copy too.
    store
        .record(record(1, "a"), Some(used("early", 5)))
        .await
        .unwrap();
    for number in 10..50 {
        let evidence = used(&number.to_string(), 9_999);
        store
            .record(record(number, "a"), Some(evidence))
            .await
            .unwrap();
    }
    store
}

/// All that can be read, as text.
async fn everything(location: &Location) -> String {
    let reader = Reader::open(location).await.unwrap();
    let mut used: Vec<String> = reader
        .used(0)
        .await
        .unwrap()
        .into_iter()
        .map(|used| used.jti)
        .collect();
    used.sort();
    format!(
        "{:?} {:?} {:?} {used:?} {:?}",
        reader.tenant("acme").await.unwrap(),
        reader.keys_after("", "", 99).await.unwrap()[0].sealed,
        reader.audit(&AuditFilter::default()).await.unwrap(),
        reader.forgotten().await.unwrap(),
    )
}

async fn a_backup_of_a_running_server_restores_to_the_same(place: Place) {
    let store = filled(&place).await;
    let scratch = cluster::scratch();
    let file = scratch.path().join("backup.db");
    let writing = {
        let store = store.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                store.record(record(number, "beside"), None).await.unwrap();
            }
        })
    };
    let head = backup(&place.location(), &file).await.unwrap();
    assert!(head.id >= 42);
    writing.await.unwrap();

    let (elsewhere, _scratch) = place.another();
    assert_eq!(restore(&file, &elsewhere).await.unwrap(), head);
    let back = Store::open_at(&elsewhere, &StoreOptions::default())
        .await
        .unwrap();
    let next = back.record(record(1, "after"), None).await.unwrap();
    assert_eq!(next, head.id + 1);
    let replay = back.record(record(1, "a"), Some(used("17", 9_999))).await;
    assert_eq!(replay, Err(StoreError::Replayed));
    assert_eq!(back.reader().forgotten().await, Ok(5));
    let entry = back.reader().tenant("acme").await.unwrap();
    assert_eq!(entry, store.reader().tenant("acme").await.unwrap());
}

async fn a_backup_of_the_first_version_is_brought_up_to_date(place: Place) {
    let store = filled(&place).await;
    let scratch = cluster::scratch();
    let file = scratch.path().join("backup.db");
    let head = backup(&place.location(), &file).await.unwrap();
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch("DROP TABLE forgotten; UPDATE meta SET schema_version = 1")
        .unwrap();
    drop(database);
    let before = std::fs::read(&file).unwrap();
    let (elsewhere, _scratch) = place.another();
    assert_eq!(restore(&file, &elsewhere).await.unwrap(), head);
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let back = Store::open_at(&elsewhere, &StoreOptions::default())
        .await
        .unwrap();
    let entry = back.reader().tenant("acme").await.unwrap();
    assert_eq!(entry, store.reader().tenant("acme").await.unwrap());
    let again = back.record(record(1, "a"), Some(used("17", 9_999))).await;
    assert_eq!(again, Err(StoreError::Replayed));
}

async fn nothing_is_written_over(place: Place) {
    let store = filled(&place).await;
    let scratch = cluster::scratch();
    let file = scratch.path().join("backup.db");
    backup(&place.location(), &file).await.unwrap();
    let before = std::fs::read(&file).unwrap();
    let error = backup(&place.location(), &file).await.unwrap_err();
    assert!(matches!(error, StoreError::Occupied { .. }), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    store.close().await;
    let before = everything(&place.location()).await;
    let error = restore(&file, &place.location()).await.unwrap_err();
    assert!(matches!(error, StoreError::Occupied { .. }), "{error}");
    assert_eq!(everything(&place.location()).await, before);
    // A backup that was tampered with is not restored.
    let tampered = rusqlite::Connection::open(&file).unwrap();
    tampered
        .execute("UPDATE audit SET tenant = 'x' WHERE id = 3", [])
        .unwrap();
    drop(tampered);
    let (elsewhere, _scratch) = place.another();
    let error = restore(&file, &elsewhere).await.unwrap_err();
    assert!(matches!(error, StoreError::Broken { id: 3, .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_folder_moves_to_postgresql_once_its_server_is_stopped() {
    let (place, cluster) = (Place::sqlite(), Cluster::start());
    let store = filled(&place).await;
    let Location::Folder(folder) = place.location() else {
        panic!("not a folder");
    };
    let error = move_to(&folder, &cluster.location()).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    store.close().await;
    move_to(&folder, &cluster.location()).await.unwrap();
    assert_eq!(
        everything(&cluster.location()).await,
        everything(&place.location()).await
    );
}
