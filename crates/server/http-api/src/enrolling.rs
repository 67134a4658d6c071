//! Enrolment: a new machine registers its own key with a join token, which is used up by it.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode, header};
use rolecall_attest::{JoinToken, JoinTokenError, WorkloadKeys};
use rolecall_jose::Jwk;
use rolecall_listening::ClientAddress;
use rolecall_store::{
    AuditKind, AuditRecord, Change, Document, Edit, Expect, Outcome, ResourceKind, Source,
    StoreError,
};
use secrecy::SecretString;
use serde_json::json;

use crate::installation::Installation;
use crate::refusal::{Code, Refusal};
use crate::snapshot::Tenant;
use crate::token::read_body;
use crate::{InstallationError, WorkloadDeclaration};

impl Installation {
    /// Makes a join token with which the workload of a tenant can register one key, once, within
    /// `lifetime_seconds` (1 minute to 7 days). The token is shown to whoever asked and not kept.
    ///
    /// # Errors
    /// `Declaration` where there is no such workload, where the configuration file declares it (the
    /// file would forget the key at the next start), or for the lifetime; `Store`.
    pub async fn new_join_token(
        &self,
        tenant: &str,
        workload: &str,
        lifetime_seconds: i64,
    ) -> Result<SecretString, InstallationError> {
        let refused = |field: &str, message: String| InstallationError::Declaration {
            field: field.to_owned(),
            message,
        };
        let store = self.store();
        let found = (store
            .reader()
            .resource(tenant, ResourceKind::Workload, workload))
        .await?;
        let found = found.ok_or_else(|| {
            refused(
                "workload",
                format!("the tenant `{tenant}` has no workload `{workload}`"),
            )
        })?;
        if found.source == Source::File {
            return Err(refused(
                "workload",
                format!(
                    "the workload `{workload}` is declared in the configuration file, which would forget an enrolled key: write its key there"
                ),
            ));
        }
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| InstallationError::KeyGeneration {
            tenant: tenant.to_owned(),
            why: "the system gives no random bytes".to_owned(),
        })?;
        let now = self.now().as_second();
        let (token, kept) = JoinToken::make(&random, tenant, workload, lifetime_seconds, now)
            .map_err(|error| refused("lifetime", error.to_string()))?;
        let document = Document {
            name: kept.digest.clone(),
            json: json!(kept).to_string(),
        };
        let put = Edit::Put {
            tenant: tenant.to_owned(),
            kind: ResourceKind::JoinToken,
            document,
            source: Source::Api,
            expect: Expect::Absent,
        };
        let mut record = AuditRecord::new(self.now(), AuditKind::Change, tenant, Outcome::Granted);
        record.workload = Some(workload.to_owned());
        record.reason = Some("a join token was made".to_owned());
        store
            .change(Change {
                edits: vec![put],
                records: vec![record],
                answered: None,
                now,
            })
            .await?;
        Ok(token)
    }
}

/// Answers a request to `{issuer}/enrol`: a form with `join_token` and `key`, a public JWK.
pub(crate) async fn answer(
    installation: &Installation,
    tenant: &Tenant,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let name = tenant.name.as_str();
    let mut record = AuditRecord::new(
        installation.now(),
        AuditKind::Enrolment,
        name,
        Outcome::Granted,
    );
    record.evidence = Some("join_token".to_owned());
    record.client = (head.extensions.get::<ClientAddress>()).map(|from| from.0.ip().to_string());
    let enrolled = async {
        let body = read_body(&head.headers, body).await?;
        let asked = Asked::read(&body)?;
        enrol(installation, name, &asked, &mut record).await
    };
    match enrolled.await {
        Ok(response) => response,
        Err(refusal) => {
            installation.note_refusal(record, &refusal, false);
            refusal.into_response()
        }
    }
}

/// What a new machine sends.
struct Asked {
    digest: String,
    key: Jwk,
    thumbprint: String,
}

impl Asked {
    fn read(body: &[u8]) -> Result<Self, Refusal> {
        let malformed = |why: String| Refusal::new(Code::InvalidRequest, why);
        let (mut token, mut key) = (None, None);
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "join_token" => token = Some(SecretString::from(value.into_owned())),
                "key" => key = Some(value),
                _ => {}
            }
        }
        let (Some(token), Some(key)) = (token, key) else {
            return Err(malformed(
                "send `join_token`, and the workload's public JWK as `key`".to_owned(),
            ));
        };
        let key = Jwk::parse(key.as_bytes()).map_err(|error| malformed(error.to_string()))?;
        WorkloadKeys::new(std::slice::from_ref(&key))
            .map_err(|error| malformed(error.to_string()))?;
        let thumbprint = key
            .thumbprint()
            .map_err(|error| malformed(error.to_string()))?;
        Ok(Self {
            digest: JoinToken::digest(&token),
            key,
            thumbprint,
        })
    }
}

/// Uses the token up and registers the key, in one step that holds or does not.
async fn enrol(
    installation: &Installation,
    tenant: &str,
    asked: &Asked,
    record: &mut AuditRecord,
) -> Result<Response, Refusal> {
    let now = installation.now().as_second();
    let unproven = |error: JoinTokenError| Refusal::new(Code::InvalidGrant, error.to_string());
    let store = installation.store();
    let reader = store.reader();
    let kept = reader
        .resource(tenant, ResourceKind::JoinToken, &asked.digest)
        .await
        .map_err(unavailable)?
        .ok_or_else(|| unproven(JoinTokenError::Unknown))?;
    let join: JoinToken = serde_json::from_str(&kept.document.json).map_err(damaged)?;
    record.workload = Some(join.workload.clone());
    join.admits(&asked.digest, tenant, now).map_err(unproven)?;

    let workload = reader
        .resource(tenant, ResourceKind::Workload, &join.workload)
        .await
        .map_err(unavailable)?
        .ok_or_else(|| {
            Refusal::new(
                Code::InvalidGrant,
                format!("the workload `{}` is not there any more", join.workload),
            )
        })?;
    let mut declared: WorkloadDeclaration =
        serde_json::from_str(&workload.document.json).map_err(damaged)?;
    declared.keys.push(asked.key.clone());
    WorkloadKeys::new(&declared.keys)
        .map_err(|error| Refusal::new(Code::InvalidRequest, error.to_string()))?;
    let document = Document {
        name: declared.name.clone(),
        json: serde_json::to_string(&declared).map_err(damaged)?,
    };
    let edits = vec![
        // Of two who come with the same token, one finds it gone.
        Edit::Remove {
            tenant: tenant.to_owned(),
            kind: ResourceKind::JoinToken,
            name: asked.digest.clone(),
            expect: Expect::Version(kept.version),
        },
        Edit::Put {
            tenant: tenant.to_owned(),
            kind: ResourceKind::Workload,
            document,
            source: workload.source,
            expect: Expect::Version(workload.version),
        },
    ];
    let mut granted = record.clone();
    granted.kid = Some(asked.thumbprint.clone());
    let change = Change {
        edits,
        records: vec![granted],
        answered: None,
        now,
    };
    match store.change(change).await {
        Ok(()) => {}
        Err(StoreError::Stale { .. }) => return Err(unproven(JoinTokenError::Unknown)),
        Err(error) => return Err(unavailable(error)),
    }
    // Other processes hear of it; this one answers only once it believes the key itself.
    if let Err(error) = installation.refresh(tenant).await {
        tracing::error!(tenant, %error, "an enrolled key is not served yet");
    }
    let body = json!({ "workload": join.workload, "kid": asked.thumbprint }).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((StatusCode::CREATED, headers, body).into_response())
}

fn unavailable(error: StoreError) -> Refusal {
    tracing::error!(%error, "an enrolment could not be carried out");
    Refusal::new(
        Code::TemporarilyUnavailable,
        "the key could not be registered; the join token is still good, try again",
    )
}

fn damaged(error: serde_json::Error) -> Refusal {
    tracing::error!(%error, "a stored document cannot be read");
    Refusal::new(Code::ServerError, "what is stored cannot be read")
}
