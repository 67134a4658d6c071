//! What CloudTrail answers, read: exchanges of web identities, denied ones above all.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A span of time that is searched, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The earliest time.
    pub since: Timestamp,
    /// The latest time.
    pub until: Timestamp,
}

/// One `AssumeRoleWithWebIdentity` as CloudTrail recorded it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html>
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// When it was.
    pub time: Timestamp,
    /// The event's id.
    pub id: String,
    /// The role that was asked for.
    pub role: Option<String>,
    /// The provider: an ARN, or the host of one that is built into AWS.
    pub provider: Option<String>,
    /// The token's effective audience.
    pub audience: Option<String>,
    /// The token's subject.
    pub subject: Option<String>,
    /// The error's code, where it was refused.
    pub error: Option<String>,
    /// The record, whole.
    pub record: Value,
}

/// What a search of the trails came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Searched {
    /// Exchanges of the role, the newest first.
    pub exchanges: Vec<Exchange>,
    /// The regions that were searched.
    pub regions: Vec<String>,
    /// Exchanges that were looked at, of this role and others.
    pub looked_at: usize,
    /// Whether all of the window was searched; else only its newest part.
    pub complete: bool,
}

impl Searched {
    /// The exchanges that the trust policy denied, the newest first.
    pub fn denied(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges
            .iter()
            .filter(|exchange| exchange.is_denied())
    }

    /// The newest denied exchange of a subject, or of any where it is not known.
    pub fn newest_denied(&self, subject: Option<&str>) -> Option<&Exchange> {
        self.denied()
            .find(|exchange| subject.is_none() || exchange.subject.as_deref() == subject)
    }

    /// The subjects that were denied, the latest first, each with how often.
    pub fn denied_subjects(&self) -> Vec<(&str, usize)> {
        let mut counted: Vec<(&str, usize)> = Vec::new();
        for subject in self
            .denied()
            .filter_map(|exchange| exchange.subject.as_deref())
        {
            match counted.iter_mut().find(|(known, _)| *known == subject) {
                Some((_, count)) => *count += 1,
                None => counted.push((subject, 1)),
            }
        }
        counted
    }
}

impl Exchange {
    /// Reads a record, as CloudTrail keeps it; nothing for records of other operations.
    pub fn read(record: Value) -> Option<Self> {
        if record["eventName"] != OPERATION {
            return None;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let identity = &record["userIdentity"];
        let provider = text(&identity["identityProvider"]);
        let subject = text(&identity["userName"]);
        // `<provider>:<audience>:<subject>`: all three may hold colons, so the outer two are taken
        // off by what they are known to be.
        let audience = identity["principalId"].as_str().and_then(|whole| {
            whole
                .strip_prefix(provider.as_deref()?)?
                .strip_prefix(':')?
                .strip_suffix(subject.as_deref()?)?
                .strip_suffix(':')
                .map(str::to_owned)
        });
        Some(Self {
            time: record["eventTime"].as_str()?.parse().ok()?,
            id: text(&record["eventID"]).unwrap_or_default(),
            role: text(&record["requestParameters"]["roleArn"]),
            provider,
            audience,
            subject,
            error: text(&record["errorCode"]),
            record,
        })
    }

    /// Whether the role's trust policy denied it. Tokens that STS could not verify leave no record.
    pub fn is_denied(&self) -> bool {
        self.error.as_deref() == Some("AccessDenied")
    }
}

/// One page of events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page {
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) looked_at: usize,
    pub(crate) next: Option<String>,
}

/// The body of a request for a page.
pub(crate) fn lookup(window: Window, next: Option<&str>) -> Vec<u8> {
    let mut body = json!({
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": OPERATION}],
        "StartTime": window.since.as_second(),
        "EndTime": window.until.as_second(),
        "MaxResults": PAGE,
    });
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    body.to_string().into_bytes()
}

/// A page that was answered; exchanges of other roles are only counted.
pub(crate) fn page(text: &str, role: &str) -> Result<Page, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        events: Vec<Event>,
        next_token: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Event {
        cloud_trail_event: String,
    }
    let answer: Answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let looked_at = answer.events.len();
    let mut exchanges = Vec::new();
    for event in answer.events {
        let record = serde_json::from_str(&event.cloud_trail_event)
            .map_err(|error| format!("an event is not JSON: {error}"))?;
        exchanges.extend(
            Exchange::read(record).filter(|exchange| exchange.role.as_deref() == Some(role)),
        );
    }
    Ok(Page {
        exchanges,
        looked_at,
        next: answer.next_token.filter(|next| !next.is_empty()),
    })
}

/// Code and message of an error of the JSON protocol.
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>
pub(crate) fn error(text: &str) -> Option<(String, String, Option<String>)> {
    let body: Value = serde_json::from_str(text).ok()?;
    let code = body["__type"].as_str().or_else(|| body["code"].as_str())?;
    // A name space may stand before it and a URL behind it.
    let code = code.rsplit('#').next()?.split(':').next()?;
    let message = body["message"]
        .as_str()
        .or_else(|| body["Message"].as_str())
        .unwrap_or("(no message)");
    Some((code.to_owned(), message.to_owned(), None))
}

const OPERATION: &str = "AssumeRoleWithWebIdentity";

/// Events of a page: the most that CloudTrail gives.
const PAGE: u32 = 50;
