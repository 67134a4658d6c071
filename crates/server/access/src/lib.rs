//! Who may do what through the admin API. Pure: no I/O, no clock, no randomness of its own.
//!
//! Somebody who asks is an [`Asker`] with grants: a [`Role`] within a [`Scope`]. Every request is a
//! [`Deed`] at a tenant or at the installation as a whole, and [`Asker::may`] is the only place that
//! decides.

mod access_text;
mod asker;
mod deed;
mod error;
mod role;
mod token;

pub use access_text::{AccessText, Proof, check_name};
pub use asker::{Asker, Decision, Grant, Scope};
pub use deed::Deed;
pub use error::AccessError;
pub use role::Role;
pub use token::{AccessToken, Named, TokenKind};
