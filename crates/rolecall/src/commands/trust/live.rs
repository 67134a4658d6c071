//! `--live`: what the account itself says about an exchange that failed. It reads, exchanges the
//! token again where it is asked to, and changes nothing.

mod concluding;
mod differences;
mod joining;
mod retest;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rolecall_names::RoleArn;
use rolecall_services::{AccountReader, Provider, Retry, Role, Searched, ServiceError, Window};
use rolecall_source::SourceText;
use rolecall_trust::diagnose::{Diagnosis, Evidence, diagnose};
use rolecall_trust::{Decision, Policy, web_identity};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use concluding::conclude;
use differences::differences;
use joining::{add_refusal, join};
use retest::{Retest, Tried, retest};

use super::{account, reading};
use crate::cli::trust::ExplainArgs;
use crate::failure::{Exit, Failure};
use crate::progress::Progress;
use crate::style::{GOOD, HEAD};

/// The evidence with what the account says, and what came of it.
#[derive(Debug)]
pub struct Live {
    role: RoleArn,
    reading: Reading,
    /// How the policy that was given differs from the live one.
    differences: Vec<String>,
    tried: Option<Tried>,
}

impl Live {
    /// Reads the account and adds to the evidence what it says.
    ///
    /// # Errors
    /// `Usage` where no role is named; else as [`read`].
    pub fn read(args: &ExplainArgs, evidence: &mut Evidence) -> Result<Self, Failure> {
        let role = joining::role(args.role_arn.as_deref(), evidence)?;
        let issuer = evidence
            .claims
            .first()
            .and_then(|claims| claims.text("iss"));
        // Commands about trust run on a thread that may wait.
        let reading =
            Handle::current().block_on(read(&role, issuer.as_deref(), args.live.since))?;
        let differences = join(evidence, &role, &reading);
        Ok(Self {
            role,
            reading,
            differences,
            tried: None,
        })
    }

    /// Says what the account alone can say, and exchanges the token again where that is asked for,
    /// or where the live policy has come to admit what CloudTrail saw denied.
    ///
    /// # Errors
    /// `Local` for the token's file; `Unreachable`.
    pub fn settle(
        &mut self,
        args: &ExplainArgs,
        evidence: &mut Evidence,
        mut diagnosis: Diagnosis,
        now: i64,
    ) -> Result<Diagnosis, Failure> {
        let admits = diagnosis.decision == Some(Decision::Allow) && self.reading.role.is_some();
        let denied = self.reading.searched.as_ref().and_then(Searched::denied);
        if let Some(path) = &args.token
            && (args.live.retest || admits && denied.is_some())
        {
            let token = token(path)?;
            let plan = Retest {
                // Nothing spreads that would change a denial for a reason of the policy's own.
                tries: if admits { TRIES } else { 1 },
                interval: args.live.retest_interval,
            };
            let tried = Handle::current().block_on(retest(&self.role, &token, plan))?;
            if let Some((code, message)) = &tried.refused {
                add_refusal(evidence, code, message);
                diagnosis = diagnose(evidence, Some(now));
            }
            self.tried = Some(tried);
        }
        conclude(
            &mut diagnosis,
            &self.role,
            &self.reading,
            self.tried.as_ref(),
        );
        Ok(diagnosis)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{HEAD}read from the account{HEAD:#}\n");
        for line in self.reading.lines.iter().chain(&self.differences) {
            text.push_str(&format!("  {line}\n"));
        }
        if let Some(tried) = &self.tried {
            text.push_str(&format!("\n{HEAD}re-test{HEAD:#}\n"));
            for line in &tried.lines {
                text.push_str(&format!("  {line}\n"));
            }
            if tried.admitted {
                text.push_str(&format!(
                    "  {GOOD}ok{GOOD:#} STS takes the token now: nothing is left to mend\n"
                ));
            }
        }
        text
    }

    /// Whether a re-test was admitted.
    pub fn admitted(&self) -> bool {
        self.tried.as_ref().is_some_and(|tried| tried.admitted)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "role": self.role,
            "read": self.reading.lines,
            "differences": self.differences,
            "retest": self.tried.as_ref().map(|tried| json!({
                "admitted": tried.admitted,
                "tries": tried.lines,
            })),
        })
    }
}

fn token(path: &Path) -> Result<SecretString, Failure> {
    if path == Path::new("-") {
        let what = "the token is exchanged again, and standard input was read already";
        return Err(Failure::new(Exit::Usage, what).hint("Give --token a file"));
    }
    // Read anew: whoever keeps the file may have replaced it meanwhile.
    Ok(reading::read(path)?.text.trim().to_owned().into())
}

/// What an account says about a role and the exchanges for it.
#[derive(Debug)]
struct Reading {
    /// The role as it is now; nothing where it is not there or may not be read.
    role: Option<Role>,
    /// Whether IAM says that there is no such role.
    absent: bool,
    /// The providers that the role's policy, the token or the event name.
    providers: Vec<Provider>,
    /// Providers that they name, and that are not registered.
    unregistered: Vec<String>,
    /// The exchanges that CloudTrail has; nothing where it may not be read.
    searched: Option<Searched>,
    /// What was read and what it came to, a line each.
    lines: Vec<String>,
}

impl Reading {
    /// The role's policy, as [`account::text`] gives it.
    fn role_text(&self) -> Option<SourceText> {
        self.role.as_ref().map(account::text)
    }

    /// The newest denied exchange, as CloudTrail recorded it.
    fn event_text(&self) -> Option<SourceText> {
        let denied = self.searched.as_ref()?.denied()?;
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
async fn read(
    role: &RoleArn,
    issuer: Option<&str>,
    since: SignedDuration,
) -> Result<Reading, Failure> {
    let progress = Progress::quiet(&format!("IAM: reading {role}"));
    let work = async {
        let reader =
            AccountReader::from_environment(Some(role.partition()), Retry::default()).await?;
        gather(&reader, role, issuer, window(since), &progress).await
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
    issuer: Option<&str>,
    window: Window,
    progress: &Progress,
) -> Result<Reading, ServiceError> {
    let mut reading = Reading {
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
            reading.lines.push(found(&searched, window));
            reading.searched = Some(searched);
        }
        Err(error) => {
            let error = reading.missed(error)?;
            if refused.is_some() {
                return Err(error);
            }
        }
    }
    for provider in reading.named_providers(arn, issuer) {
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
    fn named_providers(&self, role: &RoleArn, issuer: Option<&str>) -> Vec<String> {
        let mut named: Vec<String> = Vec::new();
        let mut add = |arn: String| {
            if arn.contains(":oidc-provider/") && !named.contains(&arn) {
                named.push(arn);
            }
        };
        if let Some(issuer) = issuer {
            let url = issuer.strip_prefix("https://").unwrap_or(issuer);
            add(web_identity::provider_arn(
                role.partition().as_str(),
                role.account().as_str(),
                url,
            ));
        }
        let denied = self.searched.as_ref().and_then(Searched::denied);
        if let Some(provider) = denied.and_then(|event| event.provider.clone()) {
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

/// What a search of the trails came to, as a line.
fn found(searched: &Searched, window: Window) -> String {
    let regions = searched.regions.join(" and ");
    let all = if searched.complete {
        ""
    } else {
        "; the window was not searched to its end"
    };
    match searched.denied() {
        Some(denied) => {
            let of = searched
                .exchanges
                .iter()
                .filter(|exchange| exchange.is_denied())
                .count();
            format!(
                "CloudTrail ({regions}): the exchange of {} was denied; {of} denied of {} for the role since {}{all}",
                denied.time,
                searched.exchanges.len(),
                window.since.strftime("%H:%M:%SZ"),
            )
        }
        None => format!(
            "CloudTrail ({regions}): no denied exchange for the role among {} since {}{all}; an event \
             is there about 5 minutes after the call, and a token that STS could not verify leaves none",
            searched.looked_at,
            window.since.strftime("%H:%M:%SZ"),
        ),
    }
}

/// One, and five more.
const TRIES: u32 = 6;

/// Providers that are read, at most.
const MOST_PROVIDERS: usize = 5;
