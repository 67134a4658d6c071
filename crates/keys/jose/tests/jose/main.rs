//! What the crate does, seen from outside: published vectors, an independent implementation in both
//! directions, everything that must be refused, and key files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod held_elsewhere;
mod key_files;
mod key_sets;
mod keys;
mod oracle;
mod refusals;
mod vectors;
