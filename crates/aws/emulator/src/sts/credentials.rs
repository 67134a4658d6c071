//! Temporary credentials: made, and written into an answer.

use rolecall_names::AccountId;
use serde_json::{Value, json};

use crate::clock::iso;
use crate::identifier::{self, NoRandomness};
use crate::session::{Session, SessionOf};
use crate::wire::{Fault, Xml, catalogue};

/// A session that remembers nothing but whose it is.
pub(crate) fn new_session(
    account: &AccountId,
    of: SessionOf,
    now: i64,
    seconds: i32,
) -> Result<Session, Fault> {
    make(account, of, now, seconds).map_err(|NoRandomness| Fault::new(&catalogue::INTERNAL))
}

fn make(
    account: &AccountId,
    of: SessionOf,
    now: i64,
    seconds: i32,
) -> Result<Session, NoRandomness> {
    Ok(Session {
        access_key_id: identifier::access_key_id("ASIA", account)?,
        secret: identifier::secret_access_key()?,
        token: identifier::session_token()?,
        account: account.clone(),
        of,
        created: now,
        expires: now + i64::from(seconds),
        policies: Vec::new(),
        tags: crate::account::Tags::new(),
        transitive: Vec::new(),
        source_identity: None,
        federated: None,
    })
}

pub(crate) fn write(xml: &mut Xml, session: &Session) {
    xml.element("Credentials", |xml| {
        xml.text("AccessKeyId", &session.access_key_id)
            .text("SecretAccessKey", session.secret.expose())
            .text("SessionToken", session.token.expose())
            .text("Expiration", &iso(session.expires));
    });
}

pub(crate) fn write_assumed_role(xml: &mut Xml, id: &str, arn: &str) {
    xml.element("AssumedRoleUser", |xml| {
        xml.text("AssumedRoleId", id).text("Arn", arn);
    });
}

/// Credentials in a record: never the secret, nor the session token, which CloudTrail would show.
pub(crate) fn record(session: &Session) -> Value {
    let expires = jiff::Timestamp::from_second(session.expires).map_or_else(
        |_| session.expires.to_string(),
        |at| at.strftime("%b %-d, %Y, %-I:%M:%S %p").to_string(),
    );
    json!({"accessKeyId": session.access_key_id, "expiration": expires})
}
