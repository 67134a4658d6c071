//! What the demo tells, step by step, while it happens.

use rolecall_chain::{Call, Event, Step};
use rolecall_exchange::{Retry, Session};
use rolecall_jose::Compact;
use rolecall_sealed::ExposeSecret as _;
use serde_json::Value;

use super::ground::{CONNECTION, Ground};
use crate::asking::Asking;
use crate::cli::AskArgs;
use crate::config::Loaded;
use crate::failure::{Exit, Failure};
use crate::issuer_client::{Minted, TokenAsk};
use crate::style::{BAD, GOOD, HEAD, QUIET};
use crate::{denial, printing};

/// The component that the trust policy admits.
pub const RIGHT_COMPONENT: &str = "cube_api";
/// The component that it does not.
pub const WRONG_COMPONENT: &str = "cube_store";

/// What is asked of the issuer as this component.
pub fn ask_as(component: &str) -> TokenAsk {
    TokenAsk::config("aws").with_attributes([(&"component".to_owned(), &component.to_owned())])
}

/// Tells the whole way, then the denial.
///
/// # Errors
/// Whatever fails on the way, except the denial, which is the point; `Unexpected` if that one is
/// not denied.
pub async fn tell(ground: &Ground) -> Result<(), Failure> {
    printing::line(&format!(
        "{HEAD}A workload reaches AWS with no stored key.{HEAD:#} Issuer and emulated account run here, on loopback."
    ))?;
    let loaded = Loaded::read(&ground.file("rolecall.yaml"))?;
    let asking = asking(&loaded, RIGHT_COMPONENT)?;

    heading(
        1,
        "ask",
        &format!("the workload cube-api asks for the connection `{CONNECTION}`"),
    )?;
    detail(
        "as",
        &format!("component {RIGHT_COMPONENT}; deployment 42 is registered with it"),
    )?;
    detail("issuer", ground.issuer())?;

    let minted = asking.client().token(asking.token_ask()).await?;
    heading(
        2,
        "attest",
        "the issuer takes its evidence: private_key_jwt (RFC 7523)",
    )?;
    detail(
        "key",
        &format!(
            "{}, held by the workload alone",
            asking.client().workload().proof.name()
        ),
    )?;
    detail(
        "verified",
        "signature, audience, times, and that it was not used before",
    )?;

    heading(
        3,
        "mint",
        "attributes become claims, claims a signed token; the audit row is on disk",
    )?;
    show_token(&minted)?;

    let session = walk(&asking, &minted).await?;

    heading(
        4 + asking.planned().steps().len(),
        "deliver",
        "AWS knows the workload by its role",
    )?;
    let sts = asking.planned().sts(Retry::default());
    let caller = sts
        .caller_identity(&session)
        .await
        .map_err(|error| Failure::from_error(Exit::DeniedByAws, &error))?;
    detail("caller", caller.arn())?;
    detail("account", caller.account())?;
    detail(
        "key",
        &format!(
            "{}, with a secret and a session token not shown here",
            session.access_key_id()
        ),
    )?;
    detail("until", &session.expiration().to_string())?;

    tell_denial(&loaded).await
}

async fn walk(asking: &Asking, minted: &Minted) -> Result<Session, Failure> {
    let mut done: Vec<(Step, Session)> = Vec::new();
    let session = asking
        .exchange(minted, &mut |event| {
            if let Event::Done { step, session } = event {
                done.push((step.clone(), session.clone()));
            }
        })
        .await?;
    for (step, session) in &done {
        let verb = match step.call() {
            Call::WebIdentity { .. } => "exchange",
            Call::Hop { .. } => "chain",
        };
        heading(
            3 + step.number(),
            verb,
            &format!("{} of {}", step.operation(), step.role()),
        )?;
        if let Call::Hop {
            external_id: Some(_),
            ..
        } = step.call()
        {
            detail("with", "the external ID that the role's owner asks for")?;
        }
        let decision = match session.request_id() {
            Some(id) => denial::decision(asking.planned().address().endpoint().as_str(), id).await,
            None => None,
        };
        for check in decision.iter().flat_map(checks) {
            printing::line(&format!("     {GOOD}ok{GOOD:#} {check}"))?;
        }
        detail("session", session.assumed_role_arn().as_str())?;
        detail("until", &session.expiration().to_string())?;
    }
    Ok(session)
}

async fn tell_denial(loaded: &Loaded) -> Result<(), Failure> {
    printing::line(&format!(
        "\n{HEAD}And a denial:{HEAD:#} the same workload asks as component {WRONG_COMPONENT}."
    ))?;
    let asking = asking(loaded, WRONG_COMPONENT)?;
    let minted = asking.client().token(asking.token_ask()).await?;
    match asking.exchange(&minted, &mut |_| {}).await {
        Ok(_) => Err(Failure::new(
            Exit::Unexpected,
            "the emulated account admitted a component that its trust policy does not",
        )),
        Err(failure) if failure.exit() == Exit::DeniedByAws => {
            printing::line(&format!("{BAD}denied{BAD:#} {}", failure.told()))
        }
        Err(failure) => Err(failure),
    }
}

fn asking(loaded: &Loaded, component: &str) -> Result<Asking, Failure> {
    let args = AskArgs {
        agent: None,
        config: loaded.path().to_owned(),
        attributes: vec![("component".to_owned(), component.to_owned())],
    };
    Asking::plan(loaded, CONNECTION, &args)
}

fn show_token(minted: &Minted) -> Result<(), Failure> {
    let unexpected = |error: &dyn std::error::Error| Failure::from_error(Exit::Unexpected, error);
    let token = Compact::parse(minted.token.expose_secret()).map_err(|error| unexpected(&error))?;
    let claims = token.claims().map_err(|error| unexpected(&error))?;
    let header = token.header();
    detail(
        "signed",
        &format!(
            "{} with key {}",
            header.alg(),
            header.kid().unwrap_or_default()
        ),
    )?;
    for name in ["iss", "sub", "aud", "jti"] {
        if let Some(Value::String(text)) = claims.get(name) {
            detail(name, text)?;
        }
    }
    detail(
        "exp",
        &minted.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    )
}

/// What STS checked, in its order, by its own account, one line each. Checks that tell a person
/// nothing new are left out.
fn checks(decision: &Value) -> impl Iterator<Item = String> {
    let checks = decision["checks"].as_array().into_iter().flatten();
    checks.filter_map(|check| {
        let detail = &check["detail"];
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        match check["check"].as_str()? {
            "provider" => Some(format!("provider: {} is registered", text("arn"))),
            "audience" => Some(format!(
                "audience: {} is among the provider's client IDs",
                text("audience")
            )),
            "keys" => Some(format!(
                "keys: fetched from {} by way of its discovery document",
                text("jwks_url")
            )),
            "signature" => Some(format!("signature: {} verifies", text("algorithm"))),
            "times" => times(detail),
            "roles_claim" if text("claim") != "absent" => {
                Some(format!("roles claim: {}", text("claim")))
            }
            "caller_policies" => Some(format!(
                "permission: the caller's policies allow {} on this role",
                text("action")
            )),
            "duration" => Some(format!(
                "duration: {} s, the role allows {} s",
                detail["seconds"], detail["max_session_duration"]
            )),
            trust if trust.starts_with("trust_policy ") => {
                let conditions = conditions(&detail["verdict"]);
                Some(format!("trust policy: {}", conditions.join(", ")))
            }
            _ => None,
        }
    })
}

/// Seconds since the epoch mean nothing to people.
fn times(detail: &Value) -> Option<String> {
    let now = detail["now"].as_i64()?;
    let left = (detail["exp"].as_i64()? - now) / 60;
    let age = now - detail["iat"].as_i64()?;
    Some(format!("times: issued {age} s ago, ends in {left} min"))
}

/// The conditions of the statement that allowed: `StringLike …:sub`.
fn conditions(verdict: &Value) -> Vec<String> {
    let statements = verdict["statements"].as_array().into_iter().flatten();
    let matched = statements.filter(|statement| statement["matched"] == true);
    let conditions = matched.flat_map(|statement| {
        let conditions = statement["conditions"].as_array();
        conditions.into_iter().flatten()
    });
    conditions
        .filter_map(|condition| {
            Some(format!(
                "{} {} admits {}",
                condition["operator"].as_str()?,
                condition["key"].as_str()?,
                condition["actual"][0].as_str()?
            ))
        })
        .collect()
}

fn heading(number: usize, verb: &str, what: &str) -> Result<(), Failure> {
    printing::line(&format!("\n{HEAD}{number}. {verb}{HEAD:#}  {what}"))
}

fn detail(name: &str, value: &str) -> Result<(), Failure> {
    printing::line(&format!("     {QUIET}{name:<8}{QUIET:#} {value}"))
}
