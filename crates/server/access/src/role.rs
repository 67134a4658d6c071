use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deed;

/// What somebody may do within a scope.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything within the scope: formats, keys and who has access as well.
    Admin,
    /// Registers workloads and lets machines enrol; sees what is declared, but not the trail.
    Operator,
    /// Sees what is declared.
    Viewer,
    /// Sees what is declared, the audit trail, and who has access. Changes nothing.
    Auditor,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::Viewer, Self::Auditor];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
        }
    }

    /// Whether the role allows `deed` somewhere within its scope.
    #[must_use]
    pub fn allows(self, deed: Deed) -> bool {
        match deed {
            Deed::See => true,
            Deed::SeeTrail | Deed::SeeAccess => matches!(self, Self::Admin | Self::Auditor),
            Deed::RegisterWorkloads => matches!(self, Self::Admin | Self::Operator),
            Deed::ShapeTokens
            | Deed::TrustIssuers
            | Deed::SettleTenant
            | Deed::OrderKeys
            | Deed::GrantAccess
            | Deed::HoldTenants => self == Self::Admin,
        }
    }
}
