//! The backend of many processes: a PostgreSQL database that they share.

mod copying;
mod leadership;
mod listening;
mod pool;
mod schema;
mod tls;
mod writer;

pub(crate) use copying::fill;
pub use leadership::Leadership;
pub(crate) use leadership::lead;
pub(crate) use listening::listen;
pub(crate) use pool::Pool;
pub(crate) use schema::{bring_up, require_current};
pub(crate) use writer::Writer;
