use crate::Role;

/// What a request does, as far as rights are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Sees a tenant and what it declares; public keys included, secrets never.
    See,
    /// Reads the audit trail.
    SeeTrail,
    /// Sees who has access.
    SeeAccess,
    /// Makes, changes or removes workloads and their join tokens.
    RegisterWorkloads,
    /// Makes, changes or removes token configs: what tokens say.
    ShapeTokens,
    /// Makes, changes or removes trusted issuers: whose word is evidence.
    TrustIssuers,
    /// Changes the settings of a tenant.
    SettleTenant,
    /// Orders the replacement or revocation of signing keys.
    OrderKeys,
    /// Gives and takes access.
    GrantAccess,
    /// Makes and removes whole tenants. Only of the installation.
    HoldTenants,
}

impl Deed {
    /// All deeds.
    pub const ALL: [Self; 10] = [
        Self::See,
        Self::SeeTrail,
        Self::SeeAccess,
        Self::RegisterWorkloads,
        Self::ShapeTokens,
        Self::TrustIssuers,
        Self::SettleTenant,
        Self::OrderKeys,
        Self::GrantAccess,
        Self::HoldTenants,
    ];

    /// In words, behind «may not».
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::See => "see what is declared",
            Self::SeeTrail => "read the audit trail",
            Self::SeeAccess => "see who has access",
            Self::RegisterWorkloads => "register workloads",
            Self::ShapeTokens => "change token configs",
            Self::TrustIssuers => "change whose tokens are evidence",
            Self::SettleTenant => "change a tenant's settings",
            Self::OrderKeys => "order anything of signing keys",
            Self::GrantAccess => "give or take access",
            Self::HoldTenants => "make or remove tenants",
        }
    }

    /// The roles that may, for the message to who may not.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| role.allows(self))
    }
}
