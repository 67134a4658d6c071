//! The crate's tests.

mod scripted;

mod calling;
mod parsing;
