//! What a tenant declares piece by piece: token configs, trusted issuers, workloads. One set of
//! handlers for all three.

use axum::extract::State;
use http::StatusCode;
use rolecall_access::{Decision, Deed, Scope};
use rolecall_attest::federated::TrustedIssuerText;
use rolecall_http_api::{
    Standing, TenantDeclaration, TrustSubscriptionText, WorkloadDeclaration, document, of_the_api,
};
use rolecall_mint::TokenConfigText;
use rolecall_store::{Edit, Expect, Listing, Resource, ResourceKind, Source};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::AdminApi;
use crate::asked::{Asked, Write};
use crate::changing::{Amended, Amending};
use crate::named::{Asking, Named};
use crate::paging::{Paging, page};
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{Declared, Origin};

/// Something that a tenant declares under a name.
pub(crate) trait Piece:
    Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// As it is stored.
    const KIND: ResourceKind;
    /// In the path.
    const PLACE: &'static str;
    /// What changing it is.
    const DEED: Deed;

    fn name(&self) -> &str;

    /// Where it stands in a declaration.
    fn list(tenant: &mut TenantDeclaration) -> &mut Vec<Self>;

    /// What somebody sees who may not change it.
    fn seen(self) -> Self {
        self
    }
}

impl Piece for TokenConfigText {
    const KIND: ResourceKind = ResourceKind::TokenConfig;
    const PLACE: &'static str = "token-configs";
    const DEED: Deed = Deed::ShapeTokens;

    fn name(&self) -> &str {
        &self.name
    }

    fn list(tenant: &mut TenantDeclaration) -> &mut Vec<Self> {
        &mut tenant.token_configs
    }
}

impl Piece for TrustedIssuerText {
    const KIND: ResourceKind = ResourceKind::TrustedIssuer;
    const PLACE: &'static str = "trusted-issuers";
    const DEED: Deed = Deed::TrustIssuers;

    fn name(&self) -> &str {
        &self.name
    }

    fn list(tenant: &mut TenantDeclaration) -> &mut Vec<Self> {
        &mut tenant.trusted_issuers
    }
}

impl Piece for TrustSubscriptionText {
    const KIND: ResourceKind = ResourceKind::TrustSubscription;
    const PLACE: &'static str = "trust-subscriptions";
    const DEED: Deed = Deed::ShapeTokens;

    fn name(&self) -> &str {
        &self.name
    }

    fn list(tenant: &mut TenantDeclaration) -> &mut Vec<Self> {
        &mut tenant.trust_subscriptions
    }
}

impl Piece for WorkloadDeclaration {
    const KIND: ResourceKind = ResourceKind::Workload;
    const PLACE: &'static str = "workloads";
    const DEED: Deed = Deed::RegisterWorkloads;

    fn name(&self) -> &str {
        &self.name
    }

    fn list(tenant: &mut TenantDeclaration) -> &mut Vec<Self> {
        &mut tenant.workloads
    }

    /// Hashes of client secrets are nothing to look at: a weak one could be guessed from its hash.
    fn seen(mut self) -> Self {
        self.secret_hashes.clear();
        self
    }
}

pub(crate) async fn list<T: Piece>(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    Asking(paging): Asking<Paging>,
    asked: Asked,
) -> Result<Reply, Refused> {
    asked.require(&api, Deed::See, &tenant, T::PLACE)?;
    api.must_be(&tenant).await?;
    let whole = asked.asker.may(T::DEED, &Scope::of(&tenant)) == Decision::Allowed;
    let limit = paging.limit()?;
    let listing = Listing {
        tenant: Some(tenant),
        kind: T::KIND,
        after: paging.after,
        limit: limit + 1,
    };
    let found = api.installation().store().reader().list(&listing).await?;
    let items = found.iter().map(|one| view::<T>(one, whole));
    let items = items.collect::<Result<Vec<_>, _>>()?;
    Reply::ok(&page(items, limit, |one| one.spec.name().to_owned()))
}

pub(crate) async fn show<T: Piece>(
    State(api): State<AdminApi>,
    Named((tenant, name)): Named<(String, String)>,
    asked: Asked,
) -> Result<Reply, Refused> {
    let target = format!("{}/{name}", T::KIND.as_str());
    asked.require(&api, Deed::See, &tenant, &target)?;
    let whole = asked.asker.may(T::DEED, &Scope::of(&tenant)) == Decision::Allowed;
    api.piece::<T>(&tenant, &name, whole).await
}

pub(crate) async fn make<T: Piece>(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    write: Write<T>,
) -> Result<Reply, Refused> {
    let name = write.body.name().to_owned();
    put_piece(&api, &tenant, &name, &write, true).await
}

pub(crate) async fn put<T: Piece>(
    State(api): State<AdminApi>,
    Named((tenant, name)): Named<(String, String)>,
    write: Write<T>,
) -> Result<Reply, Refused> {
    if write.body.name() != name {
        return Err(Refused::invalid(
            "name",
            format!(
                "the body is of `{}`, the path of `{name}`; a name stays what it is",
                write.body.name()
            ),
        ));
    }
    put_piece(&api, &tenant, &name, &write, false).await
}

async fn put_piece<T: Piece>(
    api: &AdminApi,
    tenant: &str,
    name: &str,
    write: &Write<T>,
    only_make: bool,
) -> Result<Reply, Refused> {
    let amending = amending::<T>(write, tenant, name);
    let target = format!("{}/{name}", amending.kind);
    write.asked.require(api, T::DEED, tenant, &target)?;
    let what = told::<T>(name);
    let decide = |standing: &Standing| {
        let found = found::<T>(standing, name);
        if only_make && found.is_some() {
            return Err(Refused::exists(&what));
        }
        write
            .expects
            .check(&what, found.map(|found| found.version))?;
        let mut after = standing.declaration.clone();
        let list = T::list(&mut after);
        match list.iter_mut().find(|one| one.name() == name) {
            Some(one) => *one = write.body.clone(),
            None => list.push(write.body.clone()),
        }
        let document = document(name, &write.body)?;
        let same = found.is_some_and(|found| found.document.json == document.json);
        let mut edits = Vec::new();
        if !same {
            if let Some(found) = found {
                of_the_api(found.source, &what)?;
            }
            edits.push(Edit::Put {
                tenant: tenant.to_owned(),
                kind: T::KIND,
                document,
                source: Source::Api,
                expect: match found {
                    Some(_) => Expect::Any,
                    None => Expect::Absent,
                },
            });
        }
        Ok(Amended {
            after,
            edits,
            status: match found {
                Some(_) => StatusCode::OK,
                None => StatusCode::CREATED,
            },
        })
    };
    api.amend(amending, decide).await
}

pub(crate) async fn remove<T: Piece>(
    State(api): State<AdminApi>,
    Named((tenant, name)): Named<(String, String)>,
    write: Write<()>,
) -> Result<Reply, Refused> {
    let amending = amending::<T>(&write, &tenant, &name);
    let target = format!("{}/{name}", amending.kind);
    write.asked.require(&api, T::DEED, &tenant, &target)?;
    let what = told::<T>(&name);
    let decide = |standing: &Standing| {
        let found = found::<T>(standing, &name);
        write
            .expects
            .check(&what, found.map(|found| found.version))?;
        let found = found.ok_or_else(|| Refused::not_found(&what))?;
        of_the_api(found.source, &what)?;
        let mut after = standing.declaration.clone();
        T::list(&mut after).retain(|one| one.name() != name);
        Ok(Amended {
            after,
            edits: vec![Edit::Remove {
                tenant: tenant.clone(),
                kind: T::KIND,
                name: name.clone(),
                expect: Expect::Any,
            }],
            status: StatusCode::NO_CONTENT,
        })
    };
    api.amend(amending, decide).await
}

impl AdminApi {
    /// A piece as it is shown; `whole` to whom may change it.
    pub(crate) async fn piece<T: Piece>(
        &self,
        tenant: &str,
        name: &str,
        whole: bool,
    ) -> Result<Reply, Refused> {
        let reader = self.installation().store().reader();
        let found = reader.resource(tenant, T::KIND, name).await?;
        let found = found.ok_or_else(|| Refused::not_found(&told::<T>(name)))?;
        Ok(Reply::ok(&view::<T>(&found, whole)?)?.version(found.version))
    }

    /// What is at a place that an answer was remembered by.
    pub(crate) async fn at_place(
        &self,
        tenant: &str,
        kind: &str,
        name: &str,
    ) -> Result<Reply, Refused> {
        match ResourceKind::from_stored(kind) {
            Some(ResourceKind::TokenConfig) => {
                self.piece::<TokenConfigText>(tenant, name, true).await
            }
            Some(ResourceKind::TrustedIssuer) => {
                self.piece::<TrustedIssuerText>(tenant, name, true).await
            }
            Some(ResourceKind::TrustSubscription) => {
                self.piece::<TrustSubscriptionText>(tenant, name, true)
                    .await
            }
            Some(ResourceKind::Workload) => {
                self.piece::<WorkloadDeclaration>(tenant, name, true).await
            }
            Some(ResourceKind::Access) => self.access_view(tenant, name).await,
            _ if kind == "tenant" => self.tenant_view(tenant).await,
            _ if kind == "signing_key" => self.key_view(tenant, name).await,
            _ => Err(Refused::not_found(&format!("{kind} `{name}`"))),
        }
    }

    /// Whether the tenant is declared.
    pub(crate) async fn must_be(&self, tenant: &str) -> Result<(), Refused> {
        let entry = (self.installation().store().reader()).entry(tenant).await?;
        match entry {
            Some(_) => Ok(()),
            None => Err(Refused::not_found(&format!("tenant `{tenant}`"))),
        }
    }
}

fn view<T: Piece>(found: &Resource, whole: bool) -> Result<Declared<T>, Refused> {
    let spec: T =
        serde_json::from_str(&found.document.json).map_err(|error| Refused::ours(&error))?;
    Ok(Declared {
        spec: if whole { spec } else { spec.seen() },
        origin: origin(found.source),
        version: found.version,
        created_at: crate::paging::time(found.created_at),
        updated_at: crate::paging::time(found.updated_at),
    })
}

pub(crate) fn origin(source: Source) -> Origin {
    match source {
        Source::File => Origin::File,
        Source::Api => Origin::Api,
    }
}

fn found<'s, T: Piece>(standing: &'s Standing, name: &str) -> Option<&'s Resource> {
    let mut resources = standing.stored.resources.iter();
    resources.find(|one| one.kind == T::KIND && one.document.name == name)
}

fn told<T: Piece>(name: &str) -> String {
    format!("{} `{name}`", T::KIND.as_str().replace('_', " "))
}

fn amending<'a, T: Piece>(
    write: &'a Write<impl Sized>,
    tenant: &'a str,
    name: &'a str,
) -> Amending<'a> {
    Amending {
        asked: &write.asked,
        mark: write.mark.as_ref(),
        insists: write.insists,
        tenant,
        kind: T::KIND.as_str(),
        name,
    }
}
