//! Changes by the admin API: what they expect, and what is heard of them.

use rolecall_store::{
    Answered, Change, Changed, Edit, Expect, Listing, ResourceKind, Source, StoreError,
};

use crate::on_both;
use crate::places::{Place, document, record, trail};

on_both!(
    a_change_expects_what_it_read,
    an_issuer_belongs_to_one_tenant,
    documents_are_listed_in_pages,
    a_change_is_all_or_nothing,
    an_answer_is_kept_with_its_change,
    every_change_is_heard_and_counted,
    of_two_that_read_the_same_one_changes_it,
);

fn put(name: &str, json: &str, expect: Expect) -> Edit {
    Edit::Put {
        tenant: "acme".to_owned(),
        kind: ResourceKind::Workload,
        document: document(name, json),
        source: Source::Api,
        expect,
    }
}

fn tenant(name: &str, issuer: &str, expect: Expect) -> Edit {
    Edit::PutTenant {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        document: "{}".to_owned(),
        source: Source::Api,
        expect,
    }
}

fn change(edits: Vec<Edit>) -> Change {
    Change {
        edits,
        now: 10,
        ..Change::default()
    }
}

async fn a_change_expects_what_it_read(place: Place) {
    let store = place.open().await;
    let acme = tenant("acme", "https://acme.example", Expect::Absent);
    let made = vec![acme.clone(), put("api", "1", Expect::Absent)];
    store.change(change(made)).await.unwrap();
    for (edit, message) in [
        (acme, "tenant `acme` is there already"),
        (
            put("api", "2", Expect::Absent),
            "workload `api` of tenant `acme` is there already",
        ),
        (
            put("api", "2", Expect::Version(7)),
            "workload `api` of tenant `acme` was changed meanwhile, or is not there any more",
        ),
        (
            tenant("acme", "https://acme.example", Expect::Version(2)),
            "tenant `acme` was changed meanwhile, or is not there any more",
        ),
        (
            Edit::Remove {
                tenant: "acme".to_owned(),
                kind: ResourceKind::Workload,
                name: "web".to_owned(),
                expect: Expect::Any,
            },
            "there is no workload `web` of tenant `acme`",
        ),
    ] {
        let error = store.change(change(vec![edit])).await.unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let edit = put("api", "2", Expect::Version(1));
    store.change(change(vec![edit])).await.unwrap();
    let kind = ResourceKind::Workload;
    let now = store.reader().resource("acme", kind, "api").await.unwrap();
    let now = now.unwrap();
    assert_eq!((now.version, now.document.json.as_str()), (2, "2"));
    let gone = Edit::RemoveTenant {
        name: "acme".to_owned(),
        expect: Expect::Version(1),
    };
    store.change(change(vec![gone])).await.unwrap();
    assert_eq!(store.reader().tenant("acme").await.unwrap(), None);
    assert_eq!(
        store.reader().resource("acme", kind, "api").await.unwrap(),
        None
    );
    // Made again, it is a later version: an old read does not fit.
    let again = tenant("acme", "https://acme.example", Expect::Absent);
    store.change(change(vec![again])).await.unwrap();
    let entry = store.reader().entry("acme").await.unwrap().unwrap();
    assert!(entry.version > 1);
}

async fn an_issuer_belongs_to_one_tenant(place: Place) {
    let store = place.open().await;
    let first = tenant("a", "https://a.example", Expect::Absent);
    store.change(change(vec![first])).await.unwrap();
    let second = tenant("b", "https://a.example", Expect::Absent);
    let error = store.change(change(vec![second])).await.unwrap_err();
    assert_eq!(error, StoreError::IssuerTaken);
}

async fn documents_are_listed_in_pages(place: Place) {
    let store = place.open().await;
    let mut edits = vec![tenant("acme", "https://acme.example", Expect::Absent)];
    // Byte by byte, on both: capital letters come first.
    let names = ["B", "Z-1", "_x", "a", "a-1", "a_1", "b", "é"];
    edits.extend(
        names
            .iter()
            .rev()
            .map(|name| put(name, "{}", Expect::Absent)),
    );
    store.change(change(edits)).await.unwrap();
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let listing = Listing {
            tenant: Some("acme".to_owned()),
            kind: ResourceKind::Workload,
            after: after.clone(),
            limit: 3,
        };
        let page = store.reader().list(&listing).await.unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.document.name);
        seen.extend(page.into_iter().map(|one| one.document.name));
    }
    assert_eq!(seen, names);
}

async fn a_change_is_all_or_nothing(place: Place) {
    let store = place.open().await;
    let mut both = change(vec![
        tenant("acme", "https://acme.example", Expect::Absent),
        put("api", "1", Expect::Version(1)),
    ]);
    both.records = vec![record(1, "a")];
    store.change(both).await.unwrap_err();
    assert_eq!(store.reader().entry("acme").await.unwrap(), None);
    assert_eq!(trail(&store).await, []);
    store.record(record(2, "b"), None).await.unwrap();
    assert_eq!(trail(&store).await[0].id, 1);
}

async fn an_answer_is_kept_with_its_change(place: Place) {
    let store = place.open().await;
    let answered = Answered {
        actor: "anna".to_owned(),
        mark: "m-1".to_owned(),
        request: "digest".to_owned(),
        status: 201,
        body: "{}".to_owned(),
        expires: 100,
    };
    let mut first = change(vec![tenant("a", "https://a.example", Expect::Absent)]);
    first.answered = Some(answered.clone());
    store.change(first).await.unwrap();
    let reader = store.reader();
    let kept = reader.answered("anna", "m-1", 99).await.unwrap();
    assert_eq!(kept, Some(answered.clone()));
    assert_eq!(reader.answered("anna", "m-1", 101).await.unwrap(), None);
    assert_eq!(reader.answered("otto", "m-1", 99).await.unwrap(), None);
    // The same request twice at once: the second changes nothing.
    let mut second = change(vec![tenant("b", "https://b.example", Expect::Absent)]);
    second.answered = Some(answered);
    let error = store.change(second).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists { .. }), "{error}");
    assert_eq!(reader.entry("b").await.unwrap(), None);
}

async fn every_change_is_heard_and_counted(place: Place) {
    let store = place.open().await;
    let mut changes = store.changes();
    let made = vec![tenant("acme", "https://acme.example", Expect::Absent)];
    store.change(change(made)).await.unwrap();
    assert_eq!(
        changes.recv().await.unwrap(),
        Changed::Tenant("acme".to_owned())
    );
    let revision = async || {
        store
            .reader()
            .entry("acme")
            .await
            .unwrap()
            .unwrap()
            .revision
    };
    let before = revision().await;
    let edits = vec![put("a", "1", Expect::Any), put("b", "1", Expect::Any)];
    store.change(change(edits)).await.unwrap();
    assert_eq!(revision().await, before + 1);
}

async fn of_two_that_read_the_same_one_changes_it(place: Place) {
    let store = place.open().await;
    let made = vec![tenant("acme", "https://acme.example", Expect::Absent)];
    store.change(change(made)).await.unwrap();
    let revision = store
        .reader()
        .entry("acme")
        .await
        .unwrap()
        .unwrap()
        .revision;
    let tries = (0..8).map(|number| {
        let store = store.clone();
        let guard = Edit::Guard {
            tenant: "acme".to_owned(),
            revision,
        };
        let edit = put(&number.to_string(), "{}", Expect::Absent);
        tokio::spawn(async move { store.change(change(vec![guard, edit])).await })
    });
    let mut changed = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(()) => changed += 1,
            Err(error) => assert!(matches!(error, StoreError::Stale { .. }), "{error}"),
        }
    }
    assert_eq!(changed, 1);
}
