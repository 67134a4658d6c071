//! The issuer over HTTP: discovery, JWKS, token endpoint and health.
//!
//! Everything a request needs is in memory: a tenant is read when it is first asked for, and swapped
//! as a whole when it was changed. The way of a token is: who asks (Host and path find the tenant, the assertion finds the
//! workload), what it may claim, the signature, the audit row on disk, the answer. Only the audit
//! row touches the disk.

mod administering;
mod attesting;
mod clock;
mod declaration;
mod directory;
mod documents;
mod enrolling;
mod error;
mod federation;
mod first_start;
mod installation;
mod limits;
mod lowering;
mod metrics;
mod peer_certificate;
mod refusal;
mod request;
mod rotating;
mod router;
mod routing;
mod secret_checks;
mod seeing;
mod snapshot;
mod stored;
mod subscribing;
mod token;
mod trail;
mod trusting;

pub use administering::{Becoming, Standing, document, edits_between, of_the_api};
pub use clock::Clock;
pub use declaration::{TenantDeclaration, WorkloadDeclaration};
pub use error::InstallationError;
pub use federation::FederationText;
pub use installation::Installation;
pub use limits::{LimitsText, RateText};
pub use lowering::check;
pub use peer_certificate::{CertificateHeader, with_certificate_header};
pub use rolecall_listening::{ClientAddress, Server};
pub use router::{operations, operations_with, router};
pub use subscribing::{LockedOut, TrustSubscriptionText};
