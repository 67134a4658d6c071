//! Operations that tell and give nothing: who am I, whose key is this, what did that message say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rolecall_names::AccountId;

use crate::access;
use crate::call::Call;
use crate::caller::Caller;
use crate::core::Core;
use crate::decision::Decision;
use crate::identifier::account_of_key;
use crate::wire::shape::Pattern;
use crate::wire::{Fault, Shape, Xml, catalogue};

/// GetCallerIdentity needs no permission, and no deny takes it away.
pub(super) fn caller_identity(core: &Core, caller: &Caller) -> Xml {
    let user_id = core.keeper.read(|world| caller.user_id(world));
    let mut xml = Xml::new();
    xml.text("Arn", &caller.arn())
        .text("UserId", &user_id)
        .text("Account", caller.account.as_str());
    xml
}

pub(super) fn access_key_info(call: &Call) -> Result<Xml, Fault> {
    let mut shape = Shape::new(&call.parameters);
    let id = shape.required("AccessKeyId", 16..=128, Some(WORD));
    shape.finish()?;
    let account = account_of_key(id).ok_or_else(|| {
        Fault::new(&catalogue::VALIDATION).with("message", "Access key id is invalid")
    })?;
    let mut xml = Xml::new();
    xml.text("Account", account.as_str());
    Ok(xml)
}

/// DecodeAuthorizationMessage opens what the emulator sealed with an AccessDenied.
pub(super) fn decode_message(core: &Core, call: &Call, caller: &Caller) -> Result<Xml, Fault> {
    let mut shape = Shape::new(&call.parameters);
    let encoded = shape.required("EncodedMessage", 1..=10_240, None);
    shape.finish()?;
    core.keeper.read(|world| {
        let mut context = call.context();
        caller.describe(world, &mut context);
        access::authorize(
            world,
            &core.policies,
            caller,
            "sts:DecodeAuthorizationMessage",
            "*",
            &context,
        )
    })?;
    let invalid = || Fault::new(&catalogue::INVALID_MESSAGE);
    let sealed = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| invalid())?;
    let text = open_message(core, caller.account.as_str(), &sealed).ok_or_else(invalid)?;
    let mut xml = Xml::new();
    xml.text("DecodedMessage", &text);
    Ok(xml)
}

/// Seals the reasons of a denial for DecodeAuthorizationMessage. Only the account that was denied
/// can have them opened. Nothing, when they are longer than the operation takes.
pub(crate) fn encode_denial(
    core: &Core,
    account: &AccountId,
    decision: &Decision,
) -> Option<String> {
    let failed = decision.checks.last();
    let explicit = failed.is_some_and(|check| {
        check.detail["verdict"]["decision"] == "explicitDeny"
            || check.detail["caller_policies"] == "explicitDeny"
    });
    let message = serde_json::json!({
        "allowed": false,
        "explicitDeny": explicit,
        "matchedStatements": {"items": []},
        "failures": {"items": failed.map(|check| &check.check)},
        "context": {
            "principal": decision.presented,
            "action": format!("sts:{}", decision.operation),
            "resource": decision.role_arn,
            "conditions": {"items": []},
        },
    });
    let aad = format!("{AUTHORIZATION_MESSAGE}{account}");
    rolecall_sealed::seal(
        &core.message_key,
        aad.as_bytes(),
        message.to_string().as_bytes(),
    )
    .ok()
    .map(|sealed| URL_SAFE_NO_PAD.encode(sealed))
    .filter(|encoded| encoded.len() <= 10_240)
}

fn open_message(core: &Core, account: &str, sealed: &[u8]) -> Option<String> {
    use secrecy::ExposeSecret as _;
    let aad = format!("{AUTHORIZATION_MESSAGE}{account}");
    let opened = rolecall_sealed::open(&core.message_key, aad.as_bytes(), sealed).ok()?;
    String::from_utf8(opened.expose_secret().to_vec()).ok()
}

const AUTHORIZATION_MESSAGE: &str = "authorization message of account ";

const WORD: Pattern = Pattern {
    written: r"[\w]*",
    takes: |character| character.is_ascii_alphanumeric() || character == '_',
};
