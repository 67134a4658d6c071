//! Who has access: of a tenant, or of the whole installation.

use axum::extract::State;
use http::StatusCode;
use rolecall_access::{AccessError, AccessText, AccessToken, Deed, Proof, TokenKind, check_name};
use rolecall_attest::SecretHash;
use rolecall_store::{Document, Edit, Expect, Listing, ResourceKind, Source};
use secrecy::{ExposeSecret as _, SecretString};

use crate::api::AdminApi;
use crate::asked::{Asked, Write};
use crate::changing::{Amending, Written};
use crate::named::{Asking, Named};
use crate::once::Kept;
use crate::paging::{Paging, page, time};
use crate::randomness::random;
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{AccessView, Made, NewAccess, Page, ProofKind};

pub(crate) async fn list_all(
    State(api): State<AdminApi>,
    Asking(paging): Asking<Paging>,
    asked: Asked,
) -> Result<Reply, Refused> {
    list_at(&api, "", &paging, &asked).await
}

pub(crate) async fn list(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    Asking(paging): Asking<Paging>,
    asked: Asked,
) -> Result<Reply, Refused> {
    list_at(&api, &tenant, &paging, &asked).await
}

async fn list_at(
    api: &AdminApi,
    tenant: &str,
    paging: &Paging,
    asked: &Asked,
) -> Result<Reply, Refused> {
    asked.require(api, Deed::SeeAccess, tenant, "access")?;
    api.must_be_or_none(tenant).await?;
    let limit = paging.limit()?;
    let listing = Listing {
        tenant: Some(tenant.to_owned()),
        kind: ResourceKind::Access,
        after: paging.after.clone(),
        limit: limit + 1,
    };
    let found = api.installation().store().reader().list(&listing).await?;
    let kept = found.iter().map(|one| {
        let text: AccessText =
            serde_json::from_str(&one.document.json).map_err(|error| Refused::ours(&error))?;
        Ok(view(&text))
    });
    let kept = kept.collect::<Result<Vec<_>, Refused>>()?;
    let mut listed: Page<AccessView> = page(kept, limit, |one| one.name.clone());
    // Those of the configuration file are few and come first.
    if paging.after.is_empty() {
        let settings = api.settings();
        let of_the_file = settings.access.iter().filter(|((of, _), _)| of == tenant);
        let of_the_file = of_the_file.map(|(_, text)| view(text));
        listed.items.splice(0..0, of_the_file);
    }
    Reply::ok(&listed)
}

pub(crate) async fn make_for_all(
    State(api): State<AdminApi>,
    write: Write<NewAccess>,
) -> Result<Reply, Refused> {
    make_at(&api, "", &write).await
}

pub(crate) async fn make(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    write: Write<NewAccess>,
) -> Result<Reply, Refused> {
    make_at(&api, &tenant, &write).await
}

async fn make_at(api: &AdminApi, tenant: &str, write: &Write<NewAccess>) -> Result<Reply, Refused> {
    let new = &write.body;
    let target = format!("access/{}", new.name.chars().take(80).collect::<String>());
    write
        .asked
        .require(api, Deed::GrantAccess, tenant, &target)?;
    let carried_out = async {
        api.must_be_or_none(tenant).await?;
        check_name(&new.name)?;
        let key = (tenant.to_owned(), new.name.clone());
        if api.settings().access.contains_key(&key) {
            return Err(Refused::exists(&format!("access of `{}`", new.name)));
        }
        let (proof, token) = match &new.password {
            Some(password) => (api.password(password, new.lifetime_seconds).await?, None),
            None => {
                let token = AccessToken::make(TokenKind::Access, &random()?, tenant, &new.name);
                let ends = ends(api.now(), new.lifetime_seconds)?;
                let digest = token.digest();
                (Proof::Token { digest, ends }, Some(token.into_secret()))
            }
        };
        let text = AccessText {
            name: new.name.clone(),
            role: new.role,
            proof,
        };
        let made = Made {
            access: view(&text),
            token: token.map(|token| token.expose_secret().to_owned()),
        };
        let reply = Reply::of(StatusCode::CREATED, &made)?;
        let body = reply.body.clone().unwrap_or_default();
        let kept = api.sealed(&write.asked, write.mark.as_ref(), &body)?;
        let put = Edit::Put {
            tenant: tenant.to_owned(),
            kind: ResourceKind::Access,
            document: Document {
                name: new.name.clone(),
                json: serde_json::to_string(&text).map_err(|error| Refused::ours(&error))?,
            },
            source: Source::Api,
            expect: Expect::Absent,
        };
        let mut row = write.asked.row(api, tenant, &target);
        row.reason = Some(format!("given the role {}", new.role.as_str()));
        let change = amending(write, tenant, &new.name);
        let written = api.write(&change, vec![put], vec![row], reply.status, &kept);
        match written.await {
            Ok(()) => Ok(reply),
            Err(Written::Again) => Err(Refused::exists(&format!("access of `{}`", new.name))),
            Err(Written::Refused(refused)) => Err(refused),
        }
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

pub(crate) async fn remove_of_all(
    State(api): State<AdminApi>,
    Named(name): Named<String>,
    write: Write<()>,
) -> Result<Reply, Refused> {
    remove_at(&api, "", &name, &write).await
}

pub(crate) async fn remove(
    State(api): State<AdminApi>,
    Named((tenant, name)): Named<(String, String)>,
    write: Write<()>,
) -> Result<Reply, Refused> {
    remove_at(&api, &tenant, &name, &write).await
}

async fn remove_at(
    api: &AdminApi,
    tenant: &str,
    name: &str,
    write: &Write<()>,
) -> Result<Reply, Refused> {
    let target = format!("access/{name}");
    write
        .asked
        .require(api, Deed::GrantAccess, tenant, &target)?;
    let carried_out = async {
        let key = (tenant.to_owned(), name.to_owned());
        if api.settings().access.contains_key(&key) {
            return Err(rolecall_http_api::InstallationError::OfTheFile {
                what: format!("access of `{name}`"),
            }
            .into());
        }
        let edit = Edit::Remove {
            tenant: tenant.to_owned(),
            kind: ResourceKind::Access,
            name: name.to_owned(),
            expect: Expect::Any,
        };
        let row = write.asked.row(api, tenant, &target);
        let change = amending(write, tenant, name);
        let status = StatusCode::NO_CONTENT;
        let written = api.write(&change, vec![edit], vec![row], status, &Kept::Nothing);
        match written.await {
            Ok(()) => Ok(Reply::nothing()),
            Err(Written::Again) => Err(Refused::not_found(&format!("access of `{name}`"))),
            Err(Written::Refused(refused)) => Err(refused),
        }
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

impl AdminApi {
    /// Somebody with access: by word of the file, or given through the API.
    pub(crate) async fn access(
        &self,
        tenant: &str,
        name: &str,
    ) -> Result<Option<AccessText>, Refused> {
        let key = (tenant.to_owned(), name.to_owned());
        if let Some(found) = self.settings().access.get(&key) {
            return Ok(Some(found.clone()));
        }
        let reader = self.installation().store().reader();
        let found = reader.resource(tenant, ResourceKind::Access, name).await?;
        found
            .map(|found| {
                serde_json::from_str(&found.document.json).map_err(|error| Refused::ours(&error))
            })
            .transpose()
    }

    pub(crate) async fn access_view(&self, tenant: &str, name: &str) -> Result<Reply, Refused> {
        let text = self.access(tenant, name).await?;
        let text = text.ok_or_else(|| Refused::not_found(&format!("access of `{name}`")))?;
        Reply::ok(&view(&text))
    }

    async fn password(
        &self,
        password: &str,
        lifetime_seconds: Option<i64>,
    ) -> Result<Proof, Refused> {
        if lifetime_seconds.is_some() {
            return Err(Refused::invalid(
                "lifetime_seconds",
                "a password does not end; take the access away instead",
            ));
        }
        if password.chars().count() < SHORTEST_PASSWORD || password.len() > LONGEST_PASSWORD {
            return Err(Refused::invalid(
                "password",
                format!("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"),
            ));
        }
        let (password, salt) = (SecretString::from(password.to_owned()), random::<16>()?);
        let hash = self
            .hashing(move || SecretHash::of(&password, &salt))
            .await?
            .map_err(|error| Refused::ours(&error))?;
        Ok(Proof::Password {
            hash: hash.as_str().to_owned(),
        })
    }

    /// Whether the tenant is declared; `""` is the installation, which always is.
    async fn must_be_or_none(&self, tenant: &str) -> Result<(), Refused> {
        match tenant {
            "" => Ok(()),
            tenant => self.must_be(tenant).await,
        }
    }
}

fn ends(now: i64, lifetime_seconds: Option<i64>) -> Result<Option<i64>, AccessError> {
    match lifetime_seconds {
        None => Ok(None),
        Some(seconds) if (60..=400 * 86_400).contains(&seconds) => {
            Ok(Some(now.saturating_add(seconds)))
        }
        Some(seconds) => Err(AccessError::Lifetime { seconds }),
    }
}

fn view(text: &AccessText) -> AccessView {
    let (proof, ends) = match &text.proof {
        Proof::Token { ends, .. } => (ProofKind::Token, *ends),
        Proof::Password { .. } => (ProofKind::Password, None),
    };
    AccessView {
        name: text.name.clone(),
        role: text.role,
        proof,
        ends: ends.map(time),
    }
}

fn amending<'a, T>(write: &'a Write<T>, tenant: &'a str, name: &'a str) -> Amending<'a> {
    Amending {
        asked: &write.asked,
        mark: write.mark.as_ref(),
        insists: write.insists,
        tenant,
        kind: ResourceKind::Access.as_str(),
        name,
    }
}

const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 1_000;
