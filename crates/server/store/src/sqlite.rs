//! The backend of one process: a SQLite file in a state folder.

mod appending;
mod backup;
mod database;
mod folder;
mod reading;
mod schema;
mod writer;

pub(crate) use backup::{Filling, copy, restore, up_to_date};
pub(crate) use database::open;
pub(crate) use folder::hold;
pub(crate) use reading::Readers;
