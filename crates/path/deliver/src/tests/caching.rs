use std::sync::Arc;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::{Hands, Scripted, credentials, denied, noon, unavailable};
use crate::{CachedCredentials, Credentials};

fn lasting(key: &str, minutes_from_noon: i64) -> Credentials {
    credentials(key, noon() + SignedDuration::from_mins(minutes_from_noon))
}

async fn key(cache: &CachedCredentials) -> Result<String, String> {
    cache
        .current()
        .await
        .map(|credentials| credentials.access_key_id.clone())
        .map_err(|error| error.to_string())
}

#[tokio::test]
async fn many_askers_make_one_fetch() {
    let source = Scripted::gated(vec![Ok(lasting("ASIAONE", 60))]);
    let cache = CachedCredentials::new(source.clone(), Hands::at_noon().clock());
    let askers: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { key(&cache).await })
        })
        .collect();
    source.gate.as_ref().unwrap().add_permits(1);
    for asker in askers {
        assert_eq!(asker.await.unwrap().unwrap(), "ASIAONE");
    }
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn an_hour_is_replaced_with_twenty_minutes_left() {
    let source = Scripted::new(vec![
        Ok(lasting("ASIAONE", 60)),
        Ok(lasting("ASIATWO", 100)),
    ]);
    let hands = Hands::at_noon();
    let cache = CachedCredentials::new(source.clone(), hands.clock());
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    hands.forward(39);
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    hands.forward(1);
    assert_eq!(key(&cache).await.unwrap(), "ASIATWO");
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn old_credentials_are_served_while_fetching_fails_and_not_longer() {
    let source = Scripted::new(vec![
        Ok(lasting("ASIAONE", 60)),
        Err(unavailable()),
        Err(unavailable()),
        Err(denied()),
        Ok(lasting("ASIATWO", 130)),
    ]);
    let hands = Hands::at_noon();
    let cache = CachedCredentials::new(source.clone(), hands.clock());
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    hands.forward(45);
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    // Just failed: not asked again at every call.
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    assert_eq!(source.fetches(), 2);
    hands.forward(5);
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    assert_eq!(source.fetches(), 3);
    hands.forward(10);
    assert_eq!(
        key(&cache).await.unwrap_err(),
        "AccessDenied: not authorized"
    );
    // A denial is not asked for again at every call either.
    assert!(key(&cache).await.is_err());
    assert_eq!(source.fetches(), 4);
    hands.forward(1);
    assert_eq!(key(&cache).await.unwrap(), "ASIATWO");
}

#[tokio::test]
async fn what_passes_by_itself_is_asked_for_again_at_once() {
    let source = Scripted::new(vec![Err(unavailable()), Ok(lasting("ASIAONE", 60))]);
    let cache = CachedCredentials::new(source, Hands::at_noon().clock());
    assert!(key(&cache).await.is_err());
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
}

#[tokio::test]
async fn a_flush_forgets_credentials_and_refusals() {
    let source = Scripted::new(vec![
        Ok(lasting("ASIAONE", 60)),
        Err(denied()),
        Ok(lasting("ASIATWO", 60)),
    ]);
    let cache = CachedCredentials::new(source, Hands::at_noon().clock());
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    cache.flush();
    assert_eq!(cache.held_until(), None);
    assert!(key(&cache).await.is_err());
    cache.flush();
    assert_eq!(key(&cache).await.unwrap(), "ASIATWO");
}

#[tokio::test]
async fn those_that_began_together_are_replaced_one_after_the_other() {
    let hands = Hands::at_noon();
    let caches: Vec<_> = (0..=10)
        .map(|tenth| {
            let source = Scripted::new(vec![
                Ok(lasting("ASIAONE", 60)),
                Ok(lasting("ASIATWO", 120)),
            ]);
            let spread = f64::from(tenth) / 10.0;
            (
                source.clone(),
                CachedCredentials::spread(source, hands.clock(), spread),
            )
        })
        .collect();
    let mut replaced = Vec::new();
    for minute in 0..=40 {
        for (_, cache) in &caches {
            cache.current().await.unwrap();
        }
        let count = caches.iter().filter(|(source, _)| source.fetches() == 2);
        replaced.push(count.count());
        if minute < 40 {
            hands.forward(1);
        }
    }
    assert_eq!(replaced[31], 0, "replaced before it was worth it");
    assert_eq!(replaced[40], 11, "kept for too long");
    let most = replaced.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(most <= Some(2), "together all the same: {replaced:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_with_good_credentials_waits_long_for_better_ones() {
    let source = Scripted::gated(vec![
        Ok(lasting("ASIAONE", 60)),
        Ok(lasting("ASIATWO", 120)),
    ]);
    let gate = source.gate.as_ref().unwrap();
    gate.add_permits(1);
    let hands = Hands::at_noon();
    let cache = CachedCredentials::new(source.clone(), hands.clock());
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    hands.forward(50);
    let start = tokio::time::Instant::now();
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    assert_eq!(start.elapsed().as_secs(), 1);
    // The fetch went on by itself.
    gate.add_permits(1);
    assert_eq!(key(&cache).await.unwrap(), "ASIATWO");
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn an_asker_who_leaves_does_not_take_the_fetch_along() {
    let source = Scripted::gated(vec![Ok(lasting("ASIAONE", 60))]);
    let cache = CachedCredentials::new(source.clone(), Hands::at_noon().clock());
    let leaving = tokio::spawn({
        let cache = cache.clone();
        async move { key(&cache).await }
    });
    while source.fetches() == 0 {
        tokio::task::yield_now().await;
    }
    leaving.abort();
    source.gate.as_ref().unwrap().add_permits(1);
    assert_eq!(key(&cache).await.unwrap(), "ASIAONE");
    assert_eq!(source.fetches(), 1);
}

struct Panicking;

impl crate::CredentialSource for Panicking {
    fn fetch(
        &self,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Credentials, crate::SourceError>> + Send + '_>>
    {
        Box::pin(async { panic!("a source with a defect") })
    }
}

#[tokio::test]
async fn a_source_that_panics_leaves_an_error_and_no_one_waiting() {
    let cache = CachedCredentials::new(Arc::new(Panicking), Hands::at_noon().clock());
    for _ in 0..2 {
        assert!(key(&cache).await.unwrap_err().starts_with("Internal"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_served_has_fifteen_minutes_left_where_its_length_allows(
        length in 15_i64..=720,
        passing in 0_i64..=720,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let (left, length_left) = runtime.block_on(async {
            let hands = Hands::at_noon();
            let again = lasting("ASIATWO", passing + length);
            let source = Scripted::new(vec![Ok(lasting("ASIAONE", length)), Ok(again)]);
            let cache = CachedCredentials::new(source, hands.clock());
            cache.current().await.unwrap();
            hands.forward(passing);
            let served = cache.current().await.unwrap();
            (served.expiration.duration_since(hands.clock().now()).as_mins(), length)
        });
        prop_assert!(left > 0);
        if length_left >= 18 {
            prop_assert!(left > 15, "{left} of {length_left}");
        }
    }
}
