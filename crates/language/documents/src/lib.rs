//! JSON, YAML and HCL as one tree with the place of everything. Pure.
//!
//! Whatever a document is written in, its readers give a [`Node`]: what stands there, the bytes it
//! covers, and which parts of its texts only a template engine could fill in ([`Symbol`]).

mod amend;
mod cloudformation;
mod edit;
mod edited;
mod error;
mod found;
mod json;
mod nested;
mod node;
mod search;
mod terraform;
mod yaml;

use amend::quoted_json;
pub use amend::{AmendError, amended, unified};
pub use edit::{Step, TreeEdit, Value};
pub use edited::{edited, value_at};
pub use error::DocumentError;
pub use found::{Form, Found, FoundPolicy, FoundProvider};
pub use json::json;
pub use node::{Kind, Member, Node, Symbol, Text};
pub use search::find;
pub use yaml::yaml;
