//! The issuer over HTTP: discovery, JWKS, token endpoint and health.
//!
//! Everything a request needs is in a `Snapshot` in memory, swapped as a whole when the
//! declarations change. The way of a token is: who asks (Host and path find the tenant, the
//! assertion finds the workload), what it may claim, the signature, the audit row on disk, the
//! answer. Only the audit row touches the disk.

mod declaration;

pub use declaration::{
    AwsDeclaration, TenantDeclaration, TokenConfigDeclaration, WorkloadDeclaration,
};
