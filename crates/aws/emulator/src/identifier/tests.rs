#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn a_key_tells_its_account(number in 0u64..1_000_000_000_000) {
        let account: AccountId = format!("{number:012}").parse().unwrap();
        let key = access_key_id("ASIA", &account).unwrap();
        prop_assert_eq!(key.len(), 20);
        prop_assert_eq!(account_of_key(&key), Some(account));
    }

    #[test]
    fn any_text_is_a_key_or_none(text in "\\PC{0,40}") {
        let _ = account_of_key(&text);
    }
}

#[test]
fn forms_and_lengths() {
    assert_eq!(unique_id("AROA").unwrap().len(), 21);
    let secret = secret_access_key().unwrap();
    assert_eq!(secret.expose().len(), 40);
    assert!(!format!("{secret:?}").contains(secret.expose()));
}
