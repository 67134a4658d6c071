//! The Security Token Service.

mod assume_role;
mod credentials;
mod exchange;
mod queries;
mod role;
mod session_policy;
mod session_token;
mod trust;
mod web_identity;

use serde_json::json;

use crate::authentication::authenticate;
use crate::call::Call;
use crate::core::Core;
use crate::decision::Proof;
use crate::trail::{self, Event};
use crate::wire::{Fault, Xml, catalogue};

/// What one STS call leaves behind beside its answer.
pub(crate) struct Journal {
    pub(crate) proof: Proof,
    pub(crate) event: Event,
}

pub(crate) use queries::encode_denial;

pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

pub(crate) const VERSION: &str = "2011-06-15";

/// Whether STS has the operation.
pub(crate) fn knows(action: &str) -> bool {
    matches!(
        action,
        "AssumeRoleWithWebIdentity"
            | "AssumeRole"
            | "GetCallerIdentity"
            | "GetSessionToken"
            | "GetAccessKeyInfo"
            | "DecodeAuthorizationMessage"
    )
}

/// Whether the operation decides about credentials and so leaves a proof.
pub(crate) fn decides(action: &str) -> bool {
    matches!(
        action,
        "AssumeRoleWithWebIdentity" | "AssumeRole" | "GetSessionToken"
    )
}

/// Runs one operation that [`knows`] knows.
pub(crate) async fn run(core: &Core, call: &Call, journal: &mut Journal) -> Result<Xml, Fault> {
    if call.action == "AssumeRoleWithWebIdentity" {
        // Never signed; an Authorization header is not looked at.
        return web_identity::assume(core, call, journal).await;
    }
    let caller = core.keeper.read(|world| {
        let caller = authenticate(world, call, "sts")?;
        journal.event.identity = trail::identity(world, &caller);
        Ok::<_, Fault>(caller)
    })?;
    journal.event.recipient = Some(caller.account.clone());
    journal.event.read_only = true;
    journal.proof.presents("caller", caller.arn());
    let of_session_token = caller.session().is_some() && !caller.is_role_session();
    if of_session_token && !matches!(call.action.as_str(), "AssumeRole" | "GetCallerIdentity") {
        journal
            .proof
            .failed("caller", json!({"why": "credentials of GetSessionToken"}));
        return Err(
            Fault::new(&catalogue::SESSION_CANNOT_CALL).with("operation", call.action.clone())
        );
    }
    match call.action.as_str() {
        "AssumeRole" => assume_role::assume(core, call, &caller, journal),
        "GetSessionToken" => session_token::give(core, call, &caller, journal),
        "GetCallerIdentity" => Ok(queries::caller_identity(core, &caller)),
        "GetAccessKeyInfo" => queries::access_key_info(call),
        _ => queries::decode_message(core, call, &caller),
    }
}
