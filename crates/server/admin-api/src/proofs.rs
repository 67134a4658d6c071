//! What lets a workload prove itself and is shown once: join tokens and client secrets.

use axum::extract::State;
use http::StatusCode;
use rolecall_access::Deed;
use rolecall_attest::{ClientSecret, JoinToken, SecretHash};
use rolecall_http_api::{Standing, WorkloadDeclaration, document, of_the_api};
use rolecall_store::{Document, Edit, Expect, Resource, ResourceKind, Source};
use secrecy::ExposeSecret as _;

use crate::api::AdminApi;
use crate::asked::Write;
use crate::changing::{Amending, TRIES, Written, guard};
use crate::named::Named;
use crate::paging::time;
use crate::randomness::random;
use crate::refused::Refused;
use crate::reply::Reply;
use crate::wire::{NewJoinToken, ShownJoinToken, ShownSecret};

pub(crate) async fn make_join_token(
    State(api): State<AdminApi>,
    Named(tenant): Named<String>,
    write: Write<NewJoinToken>,
) -> Result<Reply, Refused> {
    let new = &write.body;
    let make = |_: &Standing, found: &Resource| {
        let (token, kept) = JoinToken::make(
            &random()?,
            &tenant,
            &new.workload,
            new.lifetime_seconds,
            api.now(),
        )?;
        let put = Edit::Put {
            tenant: tenant.clone(),
            kind: ResourceKind::JoinToken,
            document: document(&kept.digest, &kept)?,
            source: Source::Api,
            expect: Expect::Absent,
        };
        // A file that is read again would forget a key that was enrolled.
        of_the_api(found.source, &told(&new.workload))?;
        let shown = ShownJoinToken {
            token: token.expose_secret().to_owned(),
            workload: new.workload.clone(),
            ends: time(kept.expires),
        };
        Ok((Reply::of(StatusCode::CREATED, &shown)?, put))
    };
    prove(
        &api,
        &tenant,
        &new.workload,
        "a join token was made",
        &write,
        make,
    )
    .await
}

pub(crate) async fn make_secret(
    State(api): State<AdminApi>,
    Named((tenant, workload)): Named<(String, String)>,
    write: Write<()>,
) -> Result<Reply, Refused> {
    // Hashing is slow: nobody has it done who may not.
    let target = format!(
        "workload/{}",
        workload.chars().take(128).collect::<String>()
    );
    (write.asked).require(&api, Deed::RegisterWorkloads, &tenant, &target)?;
    let secret = ClientSecret::make(&random()?);
    let (salt, hashed) = (random::<16>()?, secret.clone());
    let hash = api
        .hashing(move || SecretHash::of(&hashed, &salt))
        .await?
        .map_err(|error| Refused::ours(&error))?;
    let make = |standing: &Standing, found: &Resource| {
        of_the_api(found.source, &told(&workload))?;
        let mut declared: WorkloadDeclaration =
            serde_json::from_str(&found.document.json).map_err(|error| Refused::ours(&error))?;
        declared.secret_hashes.push(hash.as_str().to_owned());
        if declared.secret_hashes.len() > MOST_SECRETS {
            return Err(Refused::new(
                StatusCode::CONFLICT,
                "secrets",
                format!("the workload has {MOST_SECRETS} client secrets already"),
            )
            .hint("Take one of `secret_hashes` away first."));
        }
        let document: Document = document(&workload, &declared)?;
        let put = Edit::Put {
            tenant: standing.stored.entry.name.clone(),
            kind: ResourceKind::Workload,
            document,
            source: Source::Api,
            expect: Expect::Any,
        };
        let shown = ShownSecret {
            secret: secret.expose_secret().to_owned(),
            hash: hash.as_str().to_owned(),
        };
        Ok((Reply::of(StatusCode::CREATED, &shown)?, put))
    };
    prove(
        &api,
        &tenant,
        &workload,
        "a client secret was made",
        &write,
        make,
    )
    .await
}

/// Makes something for a workload that is there, and shows it once.
async fn prove<T>(
    api: &AdminApi,
    tenant: &str,
    workload: &str,
    reason: &str,
    write: &Write<T>,
    make: impl Fn(&Standing, &Resource) -> Result<(Reply, Edit), Refused>,
) -> Result<Reply, Refused> {
    let target = format!(
        "workload/{}",
        workload.chars().take(128).collect::<String>()
    );
    (write.asked).require(api, Deed::RegisterWorkloads, tenant, &target)?;
    let carried_out = async {
        let change = Amending {
            asked: &write.asked,
            mark: write.mark.as_ref(),
            insists: write.insists,
            tenant,
            kind: ResourceKind::Workload.as_str(),
            name: workload,
        };
        for _ in 0..TRIES {
            let standing = (api.installation().standing(tenant).await?)
                .ok_or_else(|| Refused::not_found(&format!("tenant `{tenant}`")))?;
            let mut resources = standing.stored.resources.iter();
            let found = resources
                .find(|one| one.kind == ResourceKind::Workload && one.document.name == workload);
            let found = found.ok_or_else(|| Refused::not_found(&told(workload)))?;
            let (reply, edit) = make(&standing, found)?;
            let body = reply.body.clone().unwrap_or_default();
            let kept = api.sealed(&write.asked, write.mark.as_ref(), &body)?;
            let mut row = write.asked.row(api, tenant, &target);
            row.workload = Some(workload.to_owned());
            row.reason = Some(reason.to_owned());
            let edits = vec![guard(&standing), edit];
            match (api.write(&change, edits, vec![row], reply.status, &kept)).await {
                Ok(()) => return Ok(reply),
                Err(Written::Again) => {}
                Err(Written::Refused(refused)) => return Err(refused),
            }
        }
        Err(Refused::changed_meanwhile(format!(
            "tenant `{tenant}` is being changed all the time"
        )))
    };
    api.once(&write.asked, write.mark.as_ref(), carried_out)
        .await
}

fn told(workload: &str) -> String {
    format!("workload `{workload}`")
}

const MOST_SECRETS: usize = 3;
