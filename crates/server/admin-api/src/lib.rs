//! The admin API `/api/v1`: what is declared, read and changed over HTTP.

pub mod wire;
