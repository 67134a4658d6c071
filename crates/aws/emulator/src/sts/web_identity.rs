//! AssumeRoleWithWebIdentity: a token becomes a session.
//!
//! The order of the checks: shape of the request, structure of the token, claims that must be
//! there, provider, audience, signature, times, roles claim, trust policy, duration. AWS does not
//! publish its order; where signature and duration stand is an inference.

use rolecall_jose::Algorithm;
use rolecall_names::{AccountId, RoleArn};
use serde_json::{Value, json};

use super::Journal;
use super::exchange::Exchange;
use super::session_policy::{POLICY_LIMIT, SessionPolicies};
use crate::Messages;
use crate::account::{Provider, provider_arn};
use crate::aws_claims::{AwsClaims, RolesClaim, roles_claim};
use crate::call::Call;
use crate::core::Core;
use crate::token::{self, Claims, LEEWAY_SECONDS};
use crate::wire::{Fault, Shape, Xml, catalogue, shape};

pub(super) async fn assume(core: &Core, call: &Call, journal: &mut Journal) -> Result<Xml, Fault> {
    let asked = Asked::read(call, journal)?;
    let (compact, algorithm) = match token::open(asked.token) {
        Ok(opened) => opened,
        Err(fault) => {
            tracing::warn!(
                request_id = call.request_id,
                reason = fault.note().unwrap_or_default(),
                "a web identity token is not a valid JWT"
            );
            journal.proof.failed("token", json!({"why": fault.note()}));
            return Err(fault);
        }
    };
    let kid = compact.header().kid();
    journal.proof.passed(
        "token",
        json!({"algorithm": algorithm.as_str(), "kid": kid}),
    );

    let claims = journal
        .proof
        .check("claims", required_claims(), Claims::read(&compact))?;
    for (name, value) in [
        ("iss", json!(claims.issuer)),
        ("sub", json!(claims.subject)),
        ("aud", json!(claims.audiences)),
    ] {
        journal.proof.presents(name, value);
    }
    if let Some(party) = &claims.authorized_party {
        journal.proof.presents("azp", party.as_str());
    }

    let account = asked.role.account().clone();
    let (prefix, provider) = find_provider(core, &account, &claims, journal)?;
    let audience = check_audience(&claims, &provider, journal)?;
    verify(core, call, &compact, algorithm, &claims.issuer, journal).await?;
    let times = claims.times().inspect_err(|_| {
        journal.proof.failed("times", json!({"exp": claims.all.get("exp"), "iat": claims.all.get("iat"), "nbf": claims.all.get("nbf")}));
    })?;
    journal.proof.check(
        "times",
        json!({
            "now": call.now,
            "leeway_seconds": LEEWAY_SECONDS,
            "exp": times.expires,
            "iat": times.issued,
            "nbf": times.not_before,
        }),
        times.judge(call.now),
    )?;
    let claimed = roles_claim(&claims.all, asked.role.as_str());
    journal.proof.check(
        "roles_claim",
        json!({"role": asked.role.as_str(), "claim": match claimed {
            RolesClaim::Absent => "absent",
            RolesClaim::Listed => "lists the role",
            RolesClaim::NotListed => "does not list the role",
        }}),
        match claimed {
            RolesClaim::NotListed => Err(Fault::new(&catalogue::ROLE_NOT_CLAIMED)),
            RolesClaim::Absent | RolesClaim::Listed => Ok(()),
        },
    )?;
    let aws = AwsClaims::read(&claims.all).inspect_err(|fault| {
        journal
            .proof
            .failed("aws_claims", json!({"why": fault.note()}));
    })?;

    let provider = provider_arn(&account, &prefix);
    let exchange = Exchange {
        asked,
        claims,
        aws,
        account,
        audience,
        prefix,
        provider,
        listed: claimed == RolesClaim::Listed,
    };
    exchange.record(journal);
    exchange.decide(core, call, journal)
}

/// What was asked for.
pub(super) struct Asked<'c> {
    pub(super) role: RoleArn,
    pub(super) session_name: &'c str,
    pub(super) token: &'c str,
    pub(super) duration: Option<i32>,
    pub(super) policies: SessionPolicies,
}

impl<'c> Asked<'c> {
    fn read(call: &'c Call, journal: &mut Journal) -> Result<Self, Fault> {
        let mut shape = Shape::new(&call.parameters);
        let role = shape.required("RoleArn", 20..=2048, None);
        let session_name = shape.required("RoleSessionName", 2..=64, Some(shape::NAME));
        let token = shape.required_secret("WebIdentityToken", 4..=20_000);
        let provider_id = shape.optional("ProviderId", 4..=2048, None);
        let duration = shape.integer("DurationSeconds", 900..=43_200)?;
        let policies = SessionPolicies::read(call, &mut shape, POLICY_LIMIT)?;
        journal.proof.asks(role, session_name);
        let shaped = shape.finish().and_then(|()| {
            role.parse::<RoleArn>()
                .map_err(|error| Fault::new(&catalogue::ARN_INVALID).noted(error.to_string()))
        });
        let role = shaped.inspect_err(|fault| {
            journal
                .proof
                .failed("request", json!({"why": fault.note()}));
        })?;
        journal.proof.passed("request", json!({}));
        if provider_id.is_some() {
            journal.proof.failed("provider_id", json!({"why": "ProviderId is for OAuth 2.0 access tokens of two providers; leave it out"}));
            return Err(Fault::new(&catalogue::NOT_AMAZON_LOGIN));
        }
        journal.event.recipient = Some(role.account().clone());
        journal.event.read_only = true;
        Ok(Self {
            role,
            session_name,
            token,
            duration,
            policies,
        })
    }
}

fn required_claims() -> Value {
    json!({"required": ["iss", "sub", "aud", "iat", "exp"]})
}

/// The provider of the role's account whose URL is exactly the token's issuer.
fn find_provider(
    core: &Core,
    account: &AccountId,
    claims: &Claims,
    journal: &mut Journal,
) -> Result<(String, Provider), Fault> {
    let prefix = claims
        .issuer
        .strip_prefix("https://")
        .or_else(|| claims.issuer.strip_prefix("http://"))
        .unwrap_or(&claims.issuer);
    let (found, known) = core.keeper.read(|world| {
        let providers = world.account(account).map(|account| &account.providers);
        let found = providers
            .and_then(|providers| providers.get(prefix))
            .cloned();
        let known: Vec<String> = providers
            .into_iter()
            .flat_map(|providers| providers.keys().take(10).cloned())
            .collect();
        (found, known)
    });
    // Over plain HTTP only an issuer on this machine can be meant; all others are https.
    let found = found.filter(|_| {
        claims.issuer.starts_with("https://")
            || url::Url::parse(&claims.issuer)
                .is_ok_and(|url| crate::issuer::is_loopback_http(&url))
    });
    match found {
        Some(provider) => {
            journal.proof.passed(
                "provider",
                json!({"arn": provider_arn(account, prefix), "issuer": claims.issuer}),
            );
            Ok((prefix.to_owned(), provider))
        }
        None => {
            journal.proof.failed(
                "provider",
                json!({"issuer": claims.issuer, "account": account, "providers": known}),
            );
            journal.proof.mend(format!(
                "create an OpenID Connect provider in account {account} whose URL is exactly `{}`, trailing slash and letter case included",
                claims.issuer
            ));
            Err(Fault::new(&catalogue::NO_PROVIDER).with("issuer", claims.issuer.clone()))
        }
    }
}

fn check_audience(
    claims: &Claims,
    provider: &Provider,
    journal: &mut Journal,
) -> Result<String, Fault> {
    let audience = claims.effective_audience().inspect_err(|_| {
        journal.proof.failed(
            "audience",
            json!({"aud": claims.audiences, "why": "several audiences and no `azp`"}),
        );
    })?;
    let registered = !audience.is_empty() && provider.client_ids.iter().any(|id| id == audience);
    let detail = json!({"audience": audience, "client_ids": provider.client_ids});
    if !registered {
        journal.proof.mend(format!(
            "add the client ID `{audience}` to the provider, or mint the token for one of its client IDs"
        ));
    }
    journal.proof.check(
        "audience",
        detail,
        if registered {
            Ok(audience.to_owned())
        } else {
            Err(Fault::new(&catalogue::WRONG_AUDIENCE))
        },
    )
}

async fn verify(
    core: &Core,
    call: &Call,
    compact: &rolecall_jose::Compact<'_>,
    algorithm: Algorithm,
    issuer: &str,
    journal: &mut Journal,
) -> Result<(), Fault> {
    let kid = compact.header().kid();
    let no_key = |why: String| Fault::new(&catalogue::NO_VERIFICATION_KEY).noted(why);
    let keys = match core.issuers.keys(issuer, kid, call.now).await {
        Ok(keys) => keys,
        Err(error) => {
            tracing::warn!(issuer, reason = error.why, "no verification key");
            journal.proof.failed("keys", json!({"why": error.why}));
            // The documentation has a code of its own for it, which live probes of today do not
            // see any more; SDKs try again on that one.
            return Err(match core.messages {
                Messages::Newer => no_key(error.why),
                Messages::Older => Fault::new(&catalogue::IDP_UNREACHABLE).noted(error.why),
            });
        }
    };
    let detail =
        json!({"discovery_url": keys.discovery_url, "jwks_url": keys.jwks_url, "kid": kid});
    let key = journal.proof.check(
        "keys",
        detail,
        keys.key(kid, algorithm.is_rsa())
            .map_err(|error| no_key(error.why)),
    )?;
    let verified = compact
        .verify(key)
        .map_err(|error| Fault::new(&catalogue::NOT_A_JWT).noted(error.to_string()));
    let why = verified
        .as_ref()
        .err()
        .and_then(Fault::note)
        .map(str::to_owned);
    journal.proof.check(
        "signature",
        json!({"algorithm": algorithm.as_str(), "key": key.kind(), "why": why}),
        verified,
    )
}
