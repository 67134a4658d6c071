//! One CloudTrail-shaped record a call, in memory and in a file.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rolecall_names::AccountId;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::caller::{Caller, CallerKind};
use crate::clock::iso;
use crate::session::{Session, SessionOf};
use crate::wire::{Code, Fault};
use crate::world::World;
use crate::{EmulatorError, Messages};

/// What an operation tells about itself for its record. No token and no secret goes in.
#[derive(Debug, Default)]
pub(crate) struct Event {
    pub(crate) identity: Value,
    pub(crate) parameters: Map<String, Value>,
    pub(crate) response: Option<Value>,
    pub(crate) resources: Option<Value>,
    pub(crate) additional: Map<String, Value>,
    /// The account whose trail it goes to.
    pub(crate) recipient: Option<AccountId>,
    /// The caller's account, when it is another: it gets a record of its own.
    pub(crate) shared_with: Option<AccountId>,
    pub(crate) read_only: bool,
}

/// The records of one emulator.
#[derive(Debug)]
pub(crate) struct Trail {
    latest: Mutex<VecDeque<Value>>,
    file: Option<Mutex<File>>,
}

impl Trail {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, EmulatorError> {
        let file = path
            .map(|path| {
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .mode(0o600)
                    .open(path)
                    .map(Mutex::new)
                    .map_err(|source| EmulatorError::Write {
                        path: path.to_owned(),
                        source,
                    })
            })
            .transpose()?;
        Ok(Self {
            latest: Mutex::new(VecDeque::new()),
            file,
        })
    }

    pub(crate) fn latest(&self) -> Vec<Value> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.iter().cloned().collect()
    }

    /// Records a call. Tokens that were refused leave no record, as at AWS; neither do calls of which
    /// nobody knows who made them.
    pub(crate) fn record(
        &self,
        call: &Call,
        service: &str,
        event: Event,
        fault: Option<&Fault>,
        messages: Messages,
    ) {
        let Some(recipient) = &event.recipient else {
            return;
        };
        if event.identity.is_null()
            || fault.is_some_and(|fault| fault.code() == Code::InvalidIdentityToken)
        {
            return;
        }
        let mut additional = event.additional;
        if service == "sts" {
            additional.insert("RequestDetails".to_owned(), request_details(call));
        }
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": event.identity,
            "eventTime": iso(call.now),
            "eventSource": format!("{service}.amazonaws.com"),
            "eventName": call.action,
            "awsRegion": call.region(),
            "sourceIPAddress": call.source.map_or_else(String::new, |source| source.to_string()),
            "userAgent": call.header("user-agent").unwrap_or_default(),
            "requestParameters": (!event.parameters.is_empty()).then_some(event.parameters),
            "responseElements": event.response.map(without_nulls),
            "requestID": call.request_id,
            "eventID": uuid::Uuid::new_v4().to_string(),
            "readOnly": event.read_only,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": recipient,
            "eventCategory": "Management",
        });
        if let Some(resources) = event.resources {
            record["resources"] = resources;
        }
        if !additional.is_empty() {
            record["additionalEventData"] = Value::Object(additional);
        }
        if let Some(fault) = fault {
            record["errorCode"] = fault.code().as_str().into();
            record["errorMessage"] = if call.action == "AssumeRoleWithWebIdentity" {
                "An unknown error occurred".into()
            } else {
                fault.message(messages).into()
            };
            record["responseElements"] = Value::Null;
        }
        match event.shared_with.filter(|other| other != recipient) {
            None => self.append(record),
            Some(other) => {
                record["sharedEventID"] = uuid::Uuid::new_v4().to_string().into();
                let mut second = record.clone();
                second["eventID"] = uuid::Uuid::new_v4().to_string().into();
                second["recipientAccountId"] = other.as_str().into();
                // The role's account learns only from where the call came.
                let identity = &record["userIdentity"];
                record["userIdentity"] = json!({
                    "type": "AWSAccount",
                    "principalId": identity["principalId"],
                    "accountId": other,
                });
                self.append(record);
                self.append(second);
            }
        }
    }

    fn append(&self, record: Value) {
        if let Some(file) = &self.file {
            let mut line = record.to_string();
            line.push('\n');
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::error!(%error, "the trail could not be written");
            }
        }
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() >= KEPT {
            latest.pop_front();
        }
        latest.push_back(record);
    }
}

/// Which of STS's endpoints the caller meant. The emulator has one address for all: a host name of
/// AWS's own tells, and anything else stands for the endpoint of the region.
fn request_details(call: &Call) -> Value {
    let global = call
        .header("host")
        .is_some_and(|host| host.eq_ignore_ascii_case("sts.amazonaws.com"));
    json!({
        "awsServingRegion": call.region(),
        "endpointType": if global { "global" } else { "regional" },
    })
}

/// CloudTrail leaves out members that have no value.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}

/// `userIdentity` of a signed call.
pub(crate) fn identity(world: &World, caller: &Caller) -> Value {
    let mut identity = json!({
        "type": match &caller.kind {
            CallerKind::Root => "Root",
            CallerKind::User { .. } => "IAMUser",
            CallerKind::Session { session, .. } => match session.of {
                SessionOf::Role { .. } => "AssumedRole",
                SessionOf::User { .. } => "IAMUser",
                SessionOf::Root => "Root",
            },
        },
        "principalId": caller.user_id(world),
        "arn": caller.arn(),
        "accountId": caller.account,
        "accessKeyId": caller.access_key_id,
    });
    if let Some(name) = caller.user_name() {
        identity["userName"] = name.into();
    }
    if let Some(session) = caller.session() {
        identity["sessionContext"] = session_context(session);
    }
    identity
}

fn session_context(session: &Session) -> Value {
    let mut context = json!({
        "attributes": {
            "creationDate": iso(session.created),
            "mfaAuthenticated": "false",
        },
    });
    if let SessionOf::Role { arn, id, name, .. } = &session.of {
        context["sessionIssuer"] = json!({
            "type": "Role",
            "principalId": id,
            "arn": arn,
            "accountId": session.account,
            "userName": name,
        });
        context["webIdFederationData"] = match &session.federated {
            None => json!({}),
            Some(federated) => json!({
                "federatedProvider": federated.provider_arn,
                "attributes": {
                    format!("{}:aud", federated.prefix): federated.audience,
                    format!("{}:sub", federated.prefix): federated.subject,
                },
            }),
        };
    }
    if let Some(identity) = &session.source_identity {
        context["sourceIdentity"] = identity.as_str().into();
    }
    context
}

const KEPT: usize = 4096;
