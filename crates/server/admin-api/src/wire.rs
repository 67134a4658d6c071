//! What goes over the wire: the bodies of requests and answers, shared by server and client.

mod access;
mod applying;
mod declared;
mod key;
mod problem;
mod tenant;
mod trail;

pub use access::{
    AccessView, Made, Me, NewAccess, NewJoinToken, NewSession, ProofKind, ShownJoinToken,
    ShownSecret, ShownSession,
};
pub use applying::{Applied, Apply, FieldChange, Plan, PlannedAction, PlannedChange};
pub use declared::{Declared, Origin, Page};
pub use key::{KeyView, OrderKey};
pub use problem::Problem;
pub use tenant::TenantSettings;
pub use trail::TrailRow;
