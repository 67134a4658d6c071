use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{ExchangeError, Jitter, Refusal, Retry};

/// The longest pauses that the policy allows.
fn patient() -> Retry {
    Retry {
        jitter: Jitter::new(|| 1.0),
        ..Retry::default()
    }
}

fn refusal() -> Refusal {
    Refusal {
        operation: "AssumeRole",
        code: "Throttling".to_owned(),
        message: "Rate exceeded".to_owned(),
        status: 400,
        request_id: None,
    }
}

fn throttled() -> ExchangeError {
    ExchangeError::Throttled {
        refusal: refusal(),
        attempts: 1,
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_double_from_the_base() {
    let start = Instant::now();
    let asked_at = std::cell::RefCell::new(Vec::new());
    let error = patient()
        .run("sts", || async {
            asked_at.borrow_mut().push(start.elapsed().as_millis());
            Err::<(), _>(throttled())
        })
        .await
        .unwrap_err();
    assert_eq!(*asked_at.borrow(), [0, 200, 600, 1400, 3000]);
    assert!(matches!(
        error,
        ExchangeError::Throttled { attempts: 5, .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn jitter_scales_the_pause_down_to_nothing() {
    let retry = Retry {
        jitter: Jitter::new(|| 0.0),
        ..Retry::default()
    };
    let start = Instant::now();
    retry
        .run("sts", || async { Err::<(), _>(throttled()) })
        .await
        .unwrap_err();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_answer_ends_and_the_total_bounds_them_all() {
    let made = Cell::new(0_u32);
    let start = Instant::now();
    let error = patient()
        .run("http://sts", || async {
            made.set(made.get() + 1);
            sleep(Duration::from_secs(3600)).await;
            Ok(())
        })
        .await
        .unwrap_err();
    assert!(start.elapsed() <= Duration::from_secs(30));
    assert_eq!(made.get(), 3);
    insta::assert_snapshot!(error, @"STS at http://sts cannot be reached, tried 3 times: no answer within 9.4 s");
}

#[tokio::test(start_paused = true)]
async fn a_denial_ends_it_at_once() {
    let made = Cell::new(0_u32);
    let error = patient()
        .run("sts", || async {
            made.set(made.get() + 1);
            Err::<(), _>(ExchangeError::Denied(refusal()))
        })
        .await
        .unwrap_err();
    assert_eq!(made.get(), 1);
    assert!(matches!(error, ExchangeError::Denied(_)));
}

#[test]
fn the_systems_randomness_stays_in_bounds_and_varies() {
    let jitter = Jitter::system();
    let drawn: Vec<f64> = (0..64).map(|_| jitter.next()).collect();
    assert!(drawn.iter().all(|number| (0.0..1.0).contains(number)));
    assert!(drawn.iter().any(|number| *number < 0.5) && drawn.iter().any(|number| *number >= 0.5));
}
