//! CloudTrail, as far as it tells who was let in and who was not: `LookupEvents` over the
//! emulator's own records, in AWS's JSON protocol.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_names::AccountId;
use rolecall_trust::Decision;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access;
use crate::authentication::authenticate;
use crate::call::Call;
use crate::core::Core;
use crate::sts::Journal;
use crate::trail;
use crate::wire::{Code, Fault, Saying, catalogue};

/// The operation that an `X-Amz-Target` names, whether or not it is known.
pub(crate) fn operation(target: &str) -> &str {
    target.rsplit('.').next().unwrap_or_default()
}

/// Runs the operation of the call.
pub(crate) fn run(core: &Core, call: &Call, journal: &mut Journal) -> Result<Value, Fault> {
    if call.header("x-amz-target") != Some(TARGET) {
        return Err(Fault::new(&catalogue::UNKNOWN_OPERATION));
    }
    let caller = core.keeper.read(|world| {
        let caller = authenticate(world, call, "cloudtrail")?;
        journal.event.identity = trail::identity(world, &caller);
        Ok::<_, Fault>(caller)
    })?;
    journal.event.recipient = Some(caller.account.clone());
    journal.event.read_only = true;
    authorize(core, call, &caller)?;
    let asked: Asked = serde_json::from_slice(&call.body).map_err(|error| {
        Fault::new(&catalogue::NOT_SERIALIZED).with("message", error.to_string())
    })?;
    asked.check()?;
    asked.page(&core.trail.latest(), &caller.account, &call.region())
}

/// Code and HTTP status in the JSON protocol, where they differ from the query protocol's.
pub(crate) fn code(code: Code) -> (&'static str, u16) {
    match code {
        Code::AccessDenied => ("AccessDeniedException", 400),
        Code::ExpiredToken => ("ExpiredTokenException", 400),
        Code::IncompleteSignature => ("IncompleteSignatureException", 400),
        Code::InvalidClientTokenId => ("UnrecognizedClientException", 400),
        Code::MissingAuthenticationToken => ("MissingAuthenticationTokenException", 400),
        Code::SignatureDoesNotMatch => ("InvalidSignatureException", 400),
        code => (code.as_str(), code.status()),
    }
}

fn authorize(core: &Core, call: &Call, caller: &crate::caller::Caller) -> Result<(), Fault> {
    let decision = core.keeper.read(|world| {
        let mut context = call.context();
        caller.describe(world, &mut context);
        access::decide(world, &core.policies, caller, ACTION, "*", &context)
    });
    let saying: &'static Saying = match decision {
        Decision::Allow => return Ok(()),
        Decision::ExplicitDeny => &catalogue::DENIED_BY_WITHOUT_RESOURCE,
        Decision::ImplicitDeny => &catalogue::NOT_ALLOWED_BY_WITHOUT_RESOURCE,
    };
    Err(Fault::new(saying)
        .with("user", caller.arn())
        .with("action", ACTION))
}

/// What is asked for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    #[serde(default)]
    lookup_attributes: Vec<Attribute>,
    /// Seconds since the epoch.
    start_time: Option<f64>,
    end_time: Option<f64>,
    #[serde(default, skip_serializing)]
    max_results: Option<i64>,
    #[serde(default, skip_serializing)]
    next_token: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_key: String,
    attribute_value: String,
}

impl Asked {
    fn check(&self) -> Result<(), Fault> {
        if self
            .max_results
            .is_some_and(|most| !(1..=50).contains(&most))
        {
            return Err(Fault::new(&catalogue::INVALID_MAX_RESULTS));
        }
        if let (Some(start), Some(end)) = (self.start_time, self.end_time)
            && start > end
        {
            return Err(Fault::new(&catalogue::INVALID_TIME_RANGE));
        }
        let known = |attribute: &Attribute| KEYS.contains(&attribute.attribute_key.as_str());
        match self.lookup_attributes.as_slice() {
            [] => Ok(()),
            [one] if known(one) => Ok(()),
            // AWS takes one attribute at a time, though the parameter is a list.
            _ => Err(Fault::new(&catalogue::INVALID_LOOKUP_ATTRIBUTES)),
        }
    }

    /// The account's events in a region, the newest first, from where the token says.
    fn page(&self, records: &[Value], account: &AccountId, region: &str) -> Result<Value, Fault> {
        let most = self
            .max_results
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(50);
        let mut fitting = records
            .iter()
            .rev()
            .filter(|record| {
                record["recipientAccountId"] == account.as_str() && record["awsRegion"] == region
            })
            .filter(|record| self.fits(record))
            .peekable();
        if let Some(token) = &self.next_token {
            let after = self.read_token(token)?;
            // New events come before those that were told already, so the last one told is looked for.
            while fitting
                .next_if(|record| record["eventID"] != after.as_str())
                .is_some()
            {}
            if fitting.next().is_none() {
                return Err(Fault::new(&catalogue::INVALID_NEXT_TOKEN));
            }
        }
        let page: Vec<&Value> = fitting.by_ref().take(most).collect();
        let mut answer = json!({
            "Events": page.iter().map(|record| event(record)).collect::<Vec<_>>(),
        });
        if let Some(last) = page.last().filter(|_| fitting.peek().is_some()) {
            answer["NextToken"] = self.token(&last["eventID"]).into();
        }
        Ok(answer)
    }

    fn fits(&self, record: &Value) -> bool {
        let at = seconds(record);
        self.start_time.is_none_or(|start| start <= at)
            && self.end_time.is_none_or(|end| at <= end)
            && self
                .lookup_attributes
                .iter()
                .all(|attribute| has(record, &attribute.attribute_key, &attribute.attribute_value))
    }

    /// A token is good for the question that it answers only.
    fn token(&self, last: &Value) -> String {
        STANDARD.encode(json!([last, json!(self)]).to_string())
    }

    fn read_token(&self, token: &str) -> Result<String, Fault> {
        let read = || {
            let text = STANDARD.decode(token).ok()?;
            let (last, asked): (String, Value) = serde_json::from_slice(&text).ok()?;
            (asked == json!(self)).then_some(last)
        };
        read().ok_or_else(|| Fault::new(&catalogue::INVALID_NEXT_TOKEN))
    }
}

/// Whether a record has a lookup attribute.
fn has(record: &Value, key: &str, value: &str) -> bool {
    let resources = || record["resources"].as_array().into_iter().flatten();
    match key {
        "EventId" => record["eventID"] == value,
        "EventName" => record["eventName"] == value,
        "EventSource" => record["eventSource"] == value,
        "ReadOnly" => value
            .parse::<bool>()
            .is_ok_and(|wanted| record["readOnly"] == wanted),
        "AccessKeyId" => record["userIdentity"]["accessKeyId"] == value,
        "Username" => user_name(record) == Some(value),
        "ResourceType" => resources().any(|resource| resource["type"] == value),
        _ => resources().any(|resource| resource["ARN"] == value),
    }
}

/// A record as `LookupEvents` tells it: a summary, and the record as text.
fn event(record: &Value) -> Value {
    let resources: Vec<Value> = record["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|resource| json!({"ResourceType": resource["type"], "ResourceName": resource["ARN"]}))
        .collect();
    let mut event = json!({
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "EventTime": seconds(record),
        "ReadOnly": record["readOnly"].to_string(),
        "Resources": resources,
        "CloudTrailEvent": record.to_string(),
    });
    if let Some(name) = user_name(record) {
        event["Username"] = name.into();
    }
    if let Some(key) = record["userIdentity"]["accessKeyId"].as_str() {
        event["AccessKeyId"] = key.into();
    }
    event
}

/// The user's name, the token's subject, or the name of a role's session.
fn user_name(record: &Value) -> Option<&str> {
    let identity = &record["userIdentity"];
    identity["userName"].as_str().or_else(|| {
        let arn = identity["arn"].as_str()?;
        (identity["type"] == "AssumedRole").then(|| arn.rsplit('/').next())?
    })
}

fn seconds(record: &Value) -> f64 {
    record["eventTime"]
        .as_str()
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map_or(0.0, |at| at.as_second() as f64)
}

const TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

const ACTION: &str = "cloudtrail:LookupEvents";

const KEYS: [&str; 8] = [
    "EventId",
    "EventName",
    "EventSource",
    "ReadOnly",
    "AccessKeyId",
    "Username",
    "ResourceType",
    "ResourceName",
];
