//! Role, trail and providers, read as far as the credentials may.

use jiff::{SignedDuration, Timestamp};
use rolecall_names::RoleArn;
use rolecall_services::{
    AccountReader, Exchange, Provider, Retry, Role, Searched, ServiceError, Window,
};
use rolecall_source::SourceText;
use rolecall_trust::{Policy, web_identity};

use crate::commands::trust::account;
use crate::failure::Failure;
use crate::progress::Progress;

/// What is known of the token before anything is read.
#[derive(Debug, Default)]
pub struct Asks {
    /// `iss`.
    pub issuer: Option<String>,
    /// `sub`.
    pub subject: Option<String>,
}

/// What an account says about a role and the exchanges for it.
#[derive(Debug)]
pub struct Reading {
    asks: Asks,
    /// The role as it is now; nothing where it is not there or may not be read.
    pub role: Option<Role>,
    /// Whether IAM says that there is no such role.
    pub absent: bool,
    /// The providers that the role's policy, the token or the event name.
    pub providers: Vec<Provider>,
    /// Providers that they name, and that are not registered.
    pub unregistered: Vec<String>,
    /// The exchanges that CloudTrail has; nothing where it may not be read.
    searched: Option<Searched>,
    /// What was read and what it came to, a line each.
    pub lines: Vec<String>,
}

impl Reading {
    /// The role's policy, as [`account::text`] gives it.
    pub fn role_text(&self) -> Option<SourceText> {
        self.role.as_ref().map(account::text)
    }

    /// The denied exchange that is to be explained: the token's own, where there is one.
    pub fn denied(&self) -> Option<&Exchange> {
        let subject = self.asks.subject.as_deref();
        self.searched.as_ref()?.newest_denied(subject)
    }

    /// That exchange, as CloudTrail recorded it.
    pub fn event_text(&self) -> Option<SourceText> {
        let denied = self.denied()?;
        let name = format!("CloudTrail event {}", denied.id);
        Some(SourceText::new(name, format!("{:#}", denied.record)))
    }
}

/// Reads role, events and providers of the account, as far as the credentials may; what they may
/// not read is a line of its own.
///
/// # Errors
/// Where nothing can be read at all: no credentials, wrong ones, nobody there, or none of the
/// permissions.
pub async fn read(role: &RoleArn, asks: Asks, since: SignedDuration) -> Result<Reading, Failure> {
    let progress = Progress::quiet(&format!("IAM: reading {role}"));
    let work = async {
        let reader =
            AccountReader::from_environment(Some(role.partition()), Retry::default()).await?;
        gather(&reader, role, asks, window(since), &progress).await
    };
    progress
        .during(work)
        .await
        .map_err(|error| account::failure(&error))
}

fn window(since: SignedDuration) -> Window {
    let until = Timestamp::now();
    Window {
        since: until.checked_sub(since).unwrap_or(Timestamp::UNIX_EPOCH),
        until,
    }
}

async fn gather(
    reader: &AccountReader,
    arn: &RoleArn,
    asks: Asks,
    window: Window,
    progress: &Progress,
) -> Result<Reading, ServiceError> {
    let mut reading = Reading {
        asks,
        role: None,
        absent: false,
        providers: Vec::new(),
        unregistered: Vec::new(),
        searched: None,
        lines: Vec::new(),
    };
    let mut refused = None;
    match reader.role_of_arn(arn).await {
        Ok(role) => {
            reading.lines.push(format!("IAM: role {arn}, read now"));
            reading.role = Some(role);
        }
        Err(error @ (ServiceError::NotFound { .. } | ServiceError::OtherPath { .. })) => {
            reading.absent = true;
            reading.lines.push(format!("IAM: {error}"));
        }
        Err(error) => refused = Some(reading.missed(error)?),
    }
    progress.say("CloudTrail: looking for the denied exchange");
    let mut observe = |count| {
        progress.say(&format!(
            "CloudTrail: {count} exchanges looked at, looking for those of the role"
        ));
    };
    match reader.exchanges(arn.as_str(), window, &mut observe).await {
        Ok(searched) => {
            let subject = reading.asks.subject.as_deref();
            let lines = found(&searched, window, subject);
            reading.lines.extend(lines);
            reading.searched = Some(searched);
        }
        Err(error) => {
            let error = reading.missed(error)?;
            if refused.is_some() {
                return Err(error);
            }
        }
    }
    for provider in reading.named_providers(arn) {
        progress.say(&format!("IAM: reading {provider}"));
        match reader.provider(&provider).await {
            Ok(found) => {
                reading.lines.push(format!("IAM: provider {provider}"));
                reading.providers.push(found);
            }
            Err(ServiceError::NotFound { .. }) => {
                reading
                    .lines
                    .push(format!("IAM: no provider {provider} is registered"));
                reading.unregistered.push(provider);
            }
            Err(error) => {
                reading.missed(error)?;
                break;
            }
        }
    }
    if !reading.unregistered.is_empty() {
        match reader.provider_arns().await {
            Ok(arns) if arns.is_empty() => {
                reading
                    .lines
                    .push("IAM: the account has no provider".to_owned());
            }
            Ok(arns) => {
                let arns = arns.join(", ");
                reading
                    .lines
                    .push(format!("IAM: the account's providers are {arns}"));
            }
            Err(error) => {
                reading.missed(error)?;
            }
        }
    }
    Ok(reading)
}

impl Reading {
    /// Notes a permission that is missing and gives the error back; any other error ends the reading.
    fn missed(&mut self, error: ServiceError) -> Result<ServiceError, ServiceError> {
        if !matches!(error, ServiceError::Forbidden { .. }) {
            return Err(error);
        }
        self.lines.push(format!("not read: {error}"));
        Ok(error)
    }

    /// The ARNs of the providers that matter: those that the policy trusts, and those of the token
    /// and the event in the role's account.
    fn named_providers(&self, role: &RoleArn) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        let mut add = |arn: String| {
            if arn.contains(":oidc-provider/") && !named.contains(&arn) {
                named.push(arn);
            }
        };
        if let Some(issuer) = self.asks.issuer.as_deref() {
            let url = issuer.strip_prefix("https://").unwrap_or(issuer);
            add(web_identity::provider_arn(
                role.partition().as_str(),
                role.account().as_str(),
                url,
            ));
        }
        if let Some(provider) = self.denied().and_then(|event| event.provider.clone()) {
            add(provider);
        }
        let policy = self
            .role
            .as_ref()
            .map(|role| SourceText::new(role.arn.clone(), role.trust_policy.clone()));
        if let Some(policy) = policy.and_then(|text| Policy::parse(&text).ok()) {
            for arn in policy.federated_principals() {
                add(arn.to_owned());
            }
        }
        named.truncate(MOST_PROVIDERS);
        named
    }
}

/// What a search of the trails came to, as lines.
fn found(searched: &Searched, window: Window, subject: Option<&str>) -> Vec<String> {
    let regions = searched.regions.join(" and ");
    let since = window.since.strftime("%H:%M:%SZ");
    let all = if searched.complete {
        ""
    } else {
        "; the window was not searched to its end"
    };
    let of_whom = subject.map_or_else(String::new, |subject| format!(" and `{subject}`"));
    let mut lines = vec![match searched.newest_denied(subject) {
        Some(denied) => format!(
            "CloudTrail ({regions}): the exchange of {} was denied, {} of {} for the role since {since}{all}",
            denied.time,
            searched.denied().count(),
            searched.exchanges.len(),
        ),
        None => format!(
            "CloudTrail ({regions}): no denied exchange for the role{of_whom} among {} since {since}{all}; an \
             event is there about 5 minutes after the call, and a token that STS could not verify leaves none",
            searched.looked_at,
        ),
    }];
    let shown = searched
        .newest_denied(subject)
        .and_then(|denied| denied.subject.as_deref());
    let others: Vec<String> = searched
        .denied_subjects()
        .iter()
        .filter(|(other, _)| Some(*other) != shown)
        .map(|(other, count)| format!("`{other}` ({count})"))
        .take(MOST_SUBJECTS)
        .collect();
    if !others.is_empty() {
        let others = others.join(", ");
        lines.push(format!(
            "CloudTrail: other subjects were denied too: {others}"
        ));
    }
    lines
}

/// Providers that are read, at most.
const MOST_PROVIDERS: usize = 5;

/// Other denied subjects that are told, at most.
const MOST_SUBJECTS: usize = 5;
