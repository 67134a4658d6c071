//! What a store does, whichever database keeps it: every test runs on SQLite and on a PostgreSQL
//! server of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changing;
mod cluster;
mod declaring;
mod places;
mod recording;
mod sharing;
mod transferring;

/// A test a backend.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { super::$name(crate::places::Place::sqlite()).await; })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() { super::$name(crate::places::Place::postgres()).await; })+
        }
    };
}
use on_both;
