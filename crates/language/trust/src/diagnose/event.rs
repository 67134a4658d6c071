//! CloudTrail's events, single, in a list of records, or as `aws cloudtrail lookup-events` prints them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>

use serde::Serialize;
use serde_json::{Map, Value};

use super::token::SeenClaims;

/// A call that CloudTrail recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenEvent {
    /// The operation.
    pub name: String,
    /// The error's code, where it failed.
    pub error_code: Option<String>,
    /// The error's message.
    pub error_message: Option<String>,
    /// `WebIdentityUser`, `AssumedRole`, `IAMUser`, …
    pub identity: String,
    /// The ARN of the caller, where it is no token.
    pub caller: Option<String>,
    /// The provider's ARN, or the host name of one built into AWS.
    pub provider: Option<String>,
    /// The audience that the token had.
    pub audience: Option<String>,
    /// The subject that the token had.
    pub subject: Option<String>,
    /// The role that was asked for, or that the session is of.
    pub role: Option<String>,
    /// When, as CloudTrail writes it.
    pub time: Option<String>,
    /// The caller's address.
    pub address: Option<String>,
    /// The session's name.
    pub session_name: Option<String>,
    /// The session tags that were passed.
    pub tags: Vec<(String, String)>,
    /// The source identity.
    pub source_identity: Option<String>,
}

impl SeenEvent {
    /// All that a JSON value holds: one event, a list, a file of a trail (`Records`), or what
    /// `aws cloudtrail lookup-events` prints.
    #[must_use]
    pub fn all_in(value: &Value) -> Vec<Self> {
        events_in(value)
    }

    /// The claims that the event shows, as a token would have them.
    pub(crate) fn claims(&self) -> Option<SeenClaims> {
        let provider = self.provider.as_deref()?;
        let mut claims = Map::new();
        let url = crate::web_identity::provider_prefix(provider);
        claims.insert("iss".to_owned(), format!("https://{url}").into());
        claims.insert("sub".to_owned(), self.subject.clone()?.into());
        if let Some(audience) = &self.audience {
            claims.insert("aud".to_owned(), audience.clone().into());
        }
        for (key, value) in &self.tags {
            let name = format!("https://aws.amazon.com/tags/principal_tags/{key}");
            claims.insert(name, value.clone().into());
        }
        if let Some(identity) = &self.source_identity {
            let name = "https://aws.amazon.com/source_identity";
            claims.insert(name.to_owned(), identity.clone().into());
        }
        let when = self
            .time
            .as_deref()
            .map_or_else(String::new, |time| format!(" of {time}"));
        Some(SeenClaims {
            claims,
            origin: format!("the CloudTrail event{when}"),
            kid: None,
            fault: None,
        })
    }
}

/// The events that a JSON value holds.
pub(crate) fn events_in(value: &Value) -> Vec<SeenEvent> {
    match value {
        Value::Array(items) => items.iter().flat_map(events_in).collect(),
        Value::Object(object) => {
            if let Some(list) = object.get("Records").or_else(|| object.get("Events")) {
                return events_in(list);
            }
            if let Some(Value::String(inner)) = object.get("CloudTrailEvent") {
                return serde_json::from_str(inner)
                    .map_or_else(|_| Vec::new(), |inner: Value| events_in(&inner));
            }
            if object.contains_key("eventName") && object.contains_key("userIdentity") {
                return vec![event(value)];
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn event(value: &Value) -> SeenEvent {
    let text = |path: &str| {
        value
            .pointer(path)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let provider = text("/userIdentity/identityProvider")
        .or_else(|| text("/userIdentity/sessionContext/webIdFederationData/federatedProvider"));
    let subject = text("/userIdentity/userName")
        .filter(|_| text("/userIdentity/type").as_deref() == Some("WebIdentityUser"));
    let attributes = value
        .pointer("/userIdentity/sessionContext/webIdFederationData/attributes")
        .and_then(Value::as_object);
    let attribute = |claim: &str| {
        attributes?
            .iter()
            .find(|(key, _)| key.ends_with(claim))
            .and_then(|(_, value)| value.as_str())
            .map(str::to_owned)
    };
    let subject = subject.or_else(|| attribute(":sub"));
    let audience = audience(
        text("/userIdentity/principalId").as_deref(),
        provider.as_deref(),
        subject.as_deref(),
    )
    .or_else(|| attribute(":aud"))
    .or_else(|| text("/responseElements/audience"));
    let tags = value
        .pointer("/requestParameters/principalTags")
        .and_then(Value::as_object)
        .map(|tags| {
            tags.iter()
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect()
        })
        .unwrap_or_default();
    SeenEvent {
        name: text("/eventName").unwrap_or_default(),
        error_code: text("/errorCode"),
        error_message: text("/errorMessage"),
        identity: text("/userIdentity/type").unwrap_or_default(),
        caller: text("/userIdentity/arn"),
        provider,
        audience,
        subject,
        role: text("/requestParameters/roleArn")
            .or_else(|| text("/userIdentity/sessionContext/sessionIssuer/arn")),
        time: text("/eventTime"),
        address: text("/sourceIPAddress")
            .filter(|address| address.parse::<std::net::IpAddr>().is_ok()),
        session_name: text("/requestParameters/roleSessionName"),
        tags,
        source_identity: text("/requestParameters/sourceIdentity"),
    }
}

/// The middle of `<provider>:<audience>:<subject>`: both ends are known from elsewhere.
fn audience(
    principal: Option<&str>,
    provider: Option<&str>,
    subject: Option<&str>,
) -> Option<String> {
    let rest = principal?.strip_prefix(provider?)?.strip_prefix(':')?;
    let audience = rest.strip_suffix(subject?)?.strip_suffix(':')?;
    Some(audience.to_owned())
}
