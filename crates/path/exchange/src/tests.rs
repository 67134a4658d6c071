#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod addressing;
mod calling;
mod retrying;
pub mod scripted_sts;
mod secrecy;
