use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Deed, Role};

/// Where a role holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere, and for what belongs to no tenant.
    Installation,
    /// Within that tenant only.
    Tenant(String),
}

impl Scope {
    /// The scope of what is kept under `tenant`, `""` being the installation.
    #[must_use]
    pub fn of(tenant: &str) -> Self {
        match tenant {
            "" => Self::Installation,
            tenant => Self::Tenant(tenant.to_owned()),
        }
    }

    /// Whether what happens at `at` is within it.
    #[must_use]
    pub fn covers(&self, at: &Self) -> bool {
        matches!(self, Self::Installation) || self == at
    }
}

/// A role within a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The tenant; none for the whole installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The role.
    pub role: Role,
}

impl Grant {
    /// Where it holds.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope::of(self.tenant.as_deref().unwrap_or_default())
    }
}

/// Somebody who was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// For people and the trail: `alice`, `acme/ci`.
    pub name: String,
    /// What it may.
    pub grants: Vec<Grant>,
}

/// Whether somebody may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Allowed,
    /// No; but it may know of the place.
    Forbidden,
    /// No, and it has nothing to do with that tenant: whether there is one is not said.
    Unseen,
}

impl Asker {
    /// Decides.
    #[must_use]
    pub fn may(&self, deed: Deed, at: &Scope) -> Decision {
        let mut decision = Decision::Unseen;
        for grant in &self.grants {
            let scope = grant.scope();
            if !scope.covers(at) {
                continue;
            }
            // Making and removing tenants is the installation's, whatever the tenant's admin may.
            let reaches = deed != Deed::HoldTenants || scope == Scope::Installation;
            if reaches && grant.role.allows(deed) {
                return Decision::Allowed;
            }
            decision = Decision::Forbidden;
        }
        match (decision, at) {
            // There is always an installation.
            (Decision::Unseen, Scope::Installation) => Decision::Forbidden,
            (decision, _) => decision,
        }
    }

    /// The tenants that it may see; `None` for all.
    #[must_use]
    pub fn sees(&self) -> Option<Vec<&str>> {
        let mut seen = Vec::new();
        for grant in &self.grants {
            seen.push(grant.tenant.as_deref()?);
        }
        seen.sort_unstable();
        seen.dedup();
        Some(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(tenant: Option<&str>, role: Role) -> Asker {
        Asker {
            name: "somebody".to_owned(),
            grants: vec![Grant {
                tenant: tenant.map(str::to_owned),
                role,
            }],
        }
    }

    #[test]
    fn roles_hold_within_their_tenant_only() {
        let admin = one(Some("acme"), Role::Admin);
        let at = |tenant: &str| Scope::of(tenant);
        assert_eq!(admin.may(Deed::OrderKeys, &at("acme")), Decision::Allowed);
        assert_eq!(admin.may(Deed::OrderKeys, &at("bolt")), Decision::Unseen);
        assert_eq!(
            admin.may(Deed::HoldTenants, &at("acme")),
            Decision::Forbidden
        );
        assert_eq!(admin.may(Deed::See, &at("")), Decision::Forbidden);
        assert_eq!(admin.sees(), Some(vec!["acme"]));
    }

    #[test]
    fn keys_formats_and_access_are_the_admins() {
        for role in [Role::Operator, Role::Viewer, Role::Auditor] {
            let asker = one(None, role);
            for deed in [
                Deed::OrderKeys,
                Deed::ShapeTokens,
                Deed::TrustIssuers,
                Deed::SettleTenant,
                Deed::GrantAccess,
                Deed::HoldTenants,
            ] {
                assert_eq!(
                    asker.may(deed, &Scope::of("acme")),
                    Decision::Forbidden,
                    "{role:?} {deed:?}"
                );
            }
        }
    }

    #[test]
    fn only_admins_and_auditors_read_the_trail_and_only_they_see_who_has_access() {
        for deed in [Deed::SeeTrail, Deed::SeeAccess] {
            let roles: Vec<Role> = deed.roles().collect();
            assert_eq!(roles, [Role::Admin, Role::Auditor]);
        }
    }

    fn any_role() -> impl Strategy<Value = Role> {
        proptest::sample::select(Role::ALL.to_vec())
    }

    fn any_deed() -> impl Strategy<Value = Deed> {
        proptest::sample::select(Deed::ALL.to_vec())
    }

    proptest! {
        /// Whatever grants somebody has in other tenants, they count for nothing here.
        #[test]
        fn grants_elsewhere_never_help(
            roles in proptest::collection::vec((any_role(), "[b-z]{1,3}"), 0..6),
            deed in any_deed(),
        ) {
            let asker = Asker {
                name: "somebody".to_owned(),
                grants: roles
                    .into_iter()
                    .map(|(role, tenant)| Grant { tenant: Some(tenant), role })
                    .collect(),
            };
            prop_assert_eq!(asker.may(deed, &Scope::of("acme")), Decision::Unseen);
        }

        /// More grants never take anything away.
        #[test]
        fn grants_only_add(first in any_role(), second in any_role(), deed in any_deed()) {
            let at = Scope::of("acme");
            let alone = one(Some("acme"), first).may(deed, &at);
            let mut both = one(Some("acme"), first);
            both.grants.push(Grant { tenant: None, role: second });
            if alone == Decision::Allowed {
                prop_assert_eq!(both.may(deed, &at), Decision::Allowed);
            }
        }
    }
}
