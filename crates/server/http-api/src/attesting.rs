//! Who asks: from a proof to a workload, with what the proof says about it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use rolecall_attest::AttestError;
use rolecall_attest::federated::{Evidence, EvidenceError, EvidenceRule, Presented};
use rolecall_attest_keys::KeyCache;
use rolecall_store::{AuditRecord, UsedAssertion};

use crate::refusal::{Code, Refusal};
use crate::request::{ClientCredentials, Proof, TokenRequest};
use crate::secret_checks::{Busy, SecretChecks};
use crate::snapshot::{Tenant, Workload};
use crate::trusting::Trusted;
use rolecall_listening::PeerCertificate;

/// What is needed to find out who asks and outlives a snapshot. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Means {
    /// The keys of all issuers that some tenant trusts.
    pub(crate) trusted_keys: KeyCache,
    pub(crate) secret_checks: SecretChecks,
}

impl Means {
    pub(crate) fn new() -> Self {
        Self {
            trusted_keys: KeyCache::default(),
            secret_checks: SecretChecks::new(),
        }
    }
}

/// A workload that proved who it is.
pub(crate) struct Proven<'t> {
    pub(crate) workload: &'t Workload,
    /// What the evidence says about it; empty where it only says who it is.
    pub(crate) attributes: BTreeMap<String, String>,
    /// What it may choose, with this proof.
    pub(crate) may_claim: &'t BTreeMap<String, Vec<String>>,
    /// By what the proof is known again, where it may be used once only.
    pub(crate) used: Option<UsedAssertion>,
}

/// Finds out who asks `tenant` at `now` (seconds since the epoch), and that the proof was not used
/// before. What becomes known on the way is noted in `record`.
///
/// # Errors
/// `invalid_client` for an assertion, `invalid_request` for a subject token (RFC 8693 §2.2.2),
/// `temporarily_unavailable` where our side cannot tell.
pub(crate) async fn attest<'t>(
    tenant: &'t Tenant,
    request: &TokenRequest<'_>,
    now: i64,
    record: &mut AuditRecord,
) -> Result<Proven<'t>, Refusal> {
    record.evidence = Some(match &request.proof {
        Proof::Assertion(_) => "private_key_jwt".to_owned(),
        Proof::Certificate(_) => "client_certificate".to_owned(),
        Proof::Secret(_) => "client_secret".to_owned(),
        Proof::SubjectToken(_) => "federated".to_owned(),
    });
    let proven = match &request.proof {
        Proof::Assertion(assertion) => by_assertion(tenant, assertion, request, now, record)?,
        Proof::Certificate(peer) => by_certificate(tenant, peer, request, now, record)?,
        Proof::Secret(given) => by_secret(tenant, given, request, record).await?,
        Proof::SubjectToken(token) => by_subject_token(tenant, token, request, now, record).await?,
    };
    if let Some(used) = &proven.used {
        remember(tenant, used, now, &request.proof)?;
    }
    Ok(proven)
}

fn by_assertion<'t>(
    tenant: &'t Tenant,
    assertion: &str,
    request: &TokenRequest<'_>,
    now: i64,
    record: &mut AuditRecord,
) -> Result<Proven<'t>, Refusal> {
    let unproven = |error: AttestError| Refusal::new(Code::InvalidClient, error.to_string());
    let mut accepted = vec![tenant.issuer.as_str()];
    if tenant.called != tenant.issuer {
        accepted.push(tenant.called.as_str());
    }
    accepted.push(tenant.token_endpoint.as_str());
    let attested = rolecall_attest::verify(
        assertion,
        |name| {
            record.workload = Some(name.to_owned());
            tenant.workloads.get(name)?.keys.as_ref()
        },
        &accepted,
        now,
    )
    .map_err(unproven)?;
    if let Some(client_id) = request.client_id.as_deref()
        && client_id != attested.workload
    {
        return Err(Refusal::new(
            Code::InvalidClient,
            format!(
                "`client_id` is `{client_id}`, but the client assertion is of `{}`",
                attested.workload
            ),
        ));
    }
    let workload = tenant.workloads.get(&attested.workload).ok_or_else(|| {
        Refusal::new(
            Code::InvalidClient,
            "the workload is not registered any more",
        )
    })?;
    Ok(Proven {
        workload,
        attributes: BTreeMap::new(),
        may_claim: &workload.may_claim,
        used: Some(UsedAssertion {
            tenant: tenant.name.clone(),
            expires: attested.remember_until(),
            workload: attested.workload,
            jti: attested.jti,
        }),
    })
}

fn by_certificate<'t>(
    tenant: &'t Tenant,
    peer: &PeerCertificate,
    request: &TokenRequest<'_>,
    now: i64,
    record: &mut AuditRecord,
) -> Result<Proven<'t>, Refusal> {
    let unproven = |why: String| Refusal::new(Code::InvalidClient, why);
    let name = request.client_id.as_deref().ok_or_else(|| {
        unproven(
            "the workload did not say who it is: with a client certificate, send its name as `client_id`"
                .to_owned(),
        )
    })?;
    record.workload = Some(name.to_owned());
    let stranger = || {
        unproven(format!(
            "there is no workload `{name}` with a client certificate"
        ))
    };
    let workload = tenant.workloads.get(name).ok_or_else(stranger)?;
    let mut missed = None;
    for rule in &workload.certificates {
        let bundle = tenant.bundles.get(rule.bundle()).ok_or_else(stranger)?;
        let admitted = bundle.judge(peer.chain(), now);
        match admitted.and_then(|names| rule.admits(&names)) {
            Ok(()) => {
                return Ok(Proven {
                    workload,
                    attributes: BTreeMap::new(),
                    may_claim: &workload.may_claim,
                    used: None,
                });
            }
            Err(why) => missed = missed.or(Some(why)),
        }
    }
    Err(missed.map_or_else(stranger, |why| unproven(why.to_string())))
}

async fn by_secret<'t>(
    tenant: &'t Tenant,
    given: &ClientCredentials,
    request: &TokenRequest<'_>,
    record: &mut AuditRecord,
) -> Result<Proven<'t>, Refusal> {
    record.workload = Some(given.name.clone());
    if let Some(client_id) = request.client_id.as_deref()
        && client_id != given.name
    {
        return Err(Refusal::new(
            Code::InvalidClient,
            "`client_id` is not the workload that the `Authorization` header names",
        ));
    }
    // No workload, none with a secret, a wrong one: the same answer, so that nobody learns which.
    let refused = || {
        Refusal::new(
            Code::InvalidClient,
            "the client secret is not one of the workload's",
        )
    };
    let workload = tenant.workloads.get(&given.name);
    let workload = workload
        .filter(|workload| !workload.secrets.is_empty())
        .ok_or_else(refused)?;
    let whose = [tenant.name.as_str(), given.name.as_str()];
    match tenant
        .means
        .secret_checks
        .check(whose, &workload.secrets, &given.secret)
        .await
    {
        Ok(true) => Ok(Proven {
            workload,
            attributes: BTreeMap::new(),
            may_claim: &workload.may_claim,
            used: None,
        }),
        Ok(false) => Err(refused()),
        Err(Busy) => Err(Refusal::new(
            Code::TemporarilyUnavailable,
            "too many client secrets are being checked at once; try again in a moment",
        )),
    }
}

async fn by_subject_token<'t>(
    tenant: &'t Tenant,
    token: &str,
    request: &TokenRequest<'_>,
    now: i64,
    record: &mut AuditRecord,
) -> Result<Proven<'t>, Refusal> {
    let unproven = |error: EvidenceError| Refusal::new(Code::InvalidRequest, error.to_string());
    let presented = Presented::read(token).map_err(unproven)?;
    let trusted = tenant
        .trusting
        .find(presented.issuer())
        .ok_or_else(|| unproven(EvidenceError::unknown_issuer(presented.issuer())))?;
    record.evidence = Some(format!("federated {}", trusted.issuer.url()));
    let keys = trusted.keys.for_kid(presented.kid()).await.map_err(|_| {
        // Why, the log tells; the address is nobody else's business.
        Refusal::new(
            Code::TemporarilyUnavailable,
            format!(
                "the keys of the trusted issuer `{}` cannot be fetched at the moment; try again",
                trusted.issuer.name()
            ),
        )
    })?;
    let evidence = presented
        .judge(&trusted.issuer, &keys, now)
        .map_err(unproven)?;
    let (name, workload, rule) = taker(tenant, trusted, &evidence, request.client_id.as_deref())?;
    record.workload = Some(name.to_owned());
    let attributes = rule.attributes(&evidence).map_err(unproven)?;
    Ok(Proven {
        workload,
        attributes,
        may_claim: rule.may_claim().unwrap_or(&workload.may_claim),
        used: evidence.used_once().map(|used| UsedAssertion {
            tenant: tenant.name.clone(),
            // No workload has a name with a blank, so nobody's assertions are meant.
            workload: format!("evidence from {}", trusted.issuer.name()),
            jti: used.id.clone(),
            expires: used.until,
        }),
    })
}

/// The workload that takes the evidence: the one that is named, or the only one.
fn taker<'t>(
    tenant: &'t Tenant,
    trusted: &'t Trusted,
    evidence: &Evidence,
    named: Option<&str>,
) -> Result<(&'t str, &'t Workload, &'t EvidenceRule), Refusal> {
    let refused = |why: String| Refusal::new(Code::InvalidRequest, why);
    let mut fitting: Option<(&'t str, &'t EvidenceRule)> = None;
    let mut missed = Vec::new();
    for (name, rule) in trusted.takers.candidates(evidence) {
        if named.is_some_and(|named| named != &**name) {
            continue;
        }
        match (rule.admits(evidence), fitting) {
            (Err(why), _) => missed.push(why),
            (Ok(()), None) => fitting = Some((name, rule)),
            // The first of a workload's rules that holds is the one that counts.
            (Ok(()), Some((one, _))) if one == &**name => {}
            (Ok(()), Some(_)) => {
                return Err(refused(
                    "the evidence fits more than one workload: say which is meant, with `client_id`"
                        .to_owned(),
                ));
            }
        }
    }
    let found = fitting.and_then(|(name, rule)| Some((name, tenant.workloads.get(name)?, rule)));
    found.ok_or_else(|| {
        // With a name, the workload's own rules say what is missing; the candidates may be none.
        let own = named.and_then(|name| tenant.workloads.get(name));
        let why = own
            .and_then(|workload| {
                let mut rules = workload
                    .evidence
                    .iter()
                    .filter(|rule| rule.issuer() == evidence.issuer());
                rules.find_map(|rule| rule.admits(evidence).err())
            })
            .or(match missed.len() {
                1 => missed.pop(),
                _ => None,
            });
        refused(match (why, named) {
            (Some(why), _) => why.to_string(),
            (None, Some(named)) => format!(
                "there is no workload `{named}` that takes tokens of the trusted issuer `{}`",
                evidence.issuer()
            ),
            (None, None) => format!(
                "no workload takes this token of the trusted issuer `{}`: its claims fit no workload's rules",
                evidence.issuer()
            ),
        })
    })
}

fn remember(
    tenant: &Tenant,
    used: &UsedAssertion,
    now: i64,
    proof: &Proof<'_>,
) -> Result<(), Refusal> {
    let memory = Arc::clone(&tenant.used);
    let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
    memory
        .remember(&used.workload, &used.jti, used.expires, now)
        .map_err(|error| match (&error, proof) {
            (AttestError::MemoryFull | AttestError::ClockBackwards, _) => {
                Refusal::new(Code::TemporarilyUnavailable, error.to_string())
            }
            _ => replayed(proof),
        })
}

/// What is said of a proof that was used before.
pub(crate) fn replayed(proof: &Proof<'_>) -> Refusal {
    match proof {
        Proof::Assertion(_) | Proof::Certificate(_) | Proof::Secret(_) => {
            Refusal::new(Code::InvalidClient, AttestError::Replayed.to_string())
        }
        Proof::SubjectToken(_) => Refusal::new(
            Code::InvalidRequest,
            "the evidence was used before, and its issuer is trusted for each token once; ask the issuer for a new one, or declare `one_use: false` where its tokens are made to be used again",
        ),
    }
}
