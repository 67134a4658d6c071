//! The admin API of a real installation, asked as its clients ask.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod applying;
mod changing;
mod isolation;
mod letting_in;
mod once;
mod proving;
mod site;
mod subscribing;
