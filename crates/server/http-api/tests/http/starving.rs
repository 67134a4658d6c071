//! RSA work is bounded, so that everything else is still answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rolecall_jose::{KeyKind, SigningKey};
use rolecall_store::StoreOptions;

use crate::site::{ISSUER, Site, tenant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discovery_answers_while_rsa_tokens_are_queued() {
    let scratch = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let mut slow = tenant("acme", ISSUER, &key);
    slow.rsa_bits = 4096;
    let options = StoreOptions::default();
    let site = Arc::new(Site::start_with(scratch.path(), key, vec![slow], &options).await);

    let done = Arc::new(AtomicUsize::new(0));
    let (first, minted) = tokio::sync::mpsc::channel(64);
    let mut minted = minted;
    let minting: Vec<_> = (0..64)
        .map(|_| {
            let (site, done, first) = (Arc::clone(&site), Arc::clone(&done), first.clone());
            tokio::spawn(async move {
                site.ask(&[("token_config", "aws")]).await.token();
                done.fetch_add(1, Ordering::SeqCst);
                let _ = first.send(()).await;
            })
        })
        .collect();
    // One is through, so the others stand in the queue behind it.
    minted.recv().await.unwrap();
    let path = "/.well-known/openid-configuration";
    assert_eq!(site.get("acme.example", path).await.status, 200);
    assert_eq!(site.get("acme.example", "/healthz").await.status, 200);
    let ready = done.load(Ordering::SeqCst);
    assert!(ready < 64, "discovery waited for all the signatures");
    for minting in minting {
        minting.await.unwrap();
    }
}
