#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::wire::Code;

const NOW: i64 = 1_800_000_000;

fn judge(expires: i64, issued: i64, not_before: Option<i64>) -> Result<(), Code> {
    let times = Times {
        expires,
        issued,
        not_before,
    };
    times.judge(NOW).map_err(|fault| fault.code())
}

#[test]
fn the_leeway_is_five_minutes_to_the_second() {
    assert_eq!(judge(NOW - 299, NOW, None), Ok(()));
    assert_eq!(
        judge(NOW - 300, NOW, None),
        Err(Code::ExpiredTokenException)
    );
    assert_eq!(judge(NOW + 1, NOW + 300, Some(NOW + 300)), Ok(()));
    assert_eq!(
        judge(NOW + 1, NOW + 301, None),
        Err(Code::InvalidIdentityToken)
    );
    assert_eq!(
        judge(NOW + 1, NOW, Some(NOW + 301)),
        Err(Code::InvalidIdentityToken)
    );
}

proptest! {
    #[test]
    fn extreme_times_are_judged_without_overflow(expires: i64, issued: i64, not_before: Option<i64>, now: i64) {
        let _ = Times { expires, issued, not_before }.judge(now);
    }

    #[test]
    fn any_text_is_opened_or_refused(text in "\\PC{0,200}") {
        let _ = open(&text);
    }
}
