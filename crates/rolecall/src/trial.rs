//! A connection tried step by step: the token, each call to STS, and who the last session is. What
//! each step sent and was answered is kept for whoever shows it; tokens and keys are not.

mod report;

use std::time::Duration;

use rolecall_chain::{Call, ChainError, Step, take};
use rolecall_exchange::{ExchangeError, Retry, Session, Sts};
use rolecall_sealed::SecretString;
use serde_json::{Value, json};

pub use report::{Report, StepReport, Verdict};

use crate::asking::Asking;
use crate::denial::{self, Presented};
use crate::failure::Failure;
use crate::progress::Progress;

/// How long a denial is borne that may only be that IAM has not told all of AWS yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often a step is tried again.
    pub again: u32,
    /// The pause before each further try.
    pub pause: Duration,
}

/// What happens on the way, for whoever shows it.
pub enum Moment<'a> {
    /// A step ended.
    Ended(&'a StepReport),
    /// A step was denied and is tried again after a pause.
    Waiting {
        /// The step's name.
        step: &'a str,
        /// What STS said.
        error: &'a ExchangeError,
        /// Which of the further tries comes next, from 1.
        next: u32,
        /// How long they are borne.
        patience: Patience,
    },
}

/// One connection on trial.
pub struct Trial<'a> {
    asking: &'a Asking,
    patience: Patience,
    observe: &'a mut (dyn FnMut(Moment<'_>) + Send),
    report: Report,
}

impl Patience {
    /// Nothing is tried again.
    pub const NONE: Self = Self {
        again: 0,
        pause: Duration::ZERO,
    };
    /// As long as IAM usually takes to tell all of AWS about a change.
    pub const FOR_IAM: Self = Self {
        again: 5,
        pause: Duration::from_secs(10),
    };
}

impl<'a> Trial<'a> {
    /// A trial of what `asking` plans. Nothing is called yet.
    pub fn new(
        asking: &'a Asking,
        patience: Patience,
        observe: &'a mut (dyn FnMut(Moment<'_>) + Send),
    ) -> Self {
        let roles = asking.planned().steps().iter().map(step_name);
        let names = std::iter::once(TOKEN.to_owned())
            .chain(roles)
            .chain(std::iter::once(IDENTITY.to_owned()));
        Self {
            asking,
            patience,
            observe,
            report: Report::begin(names),
        }
    }

    /// Takes the steps until one fails, and tells of all of them.
    pub async fn run(mut self) -> Report {
        if let Err(failure) = self.walk().await {
            self.report.failure = Some(failure);
        }
        self.report
    }

    async fn walk(&mut self) -> Result<(), Failure> {
        let (token, presented) = self.token().await?;
        let sts = self.asking.planned().sts(Retry::default());
        let mut session = None;
        for step in self.asking.planned().steps() {
            session = Some(
                self.assume(step, &sts, &token, session.as_ref(), &presented)
                    .await?,
            );
        }
        match session {
            Some(session) => self.identity(&sts, &session).await,
            None => Ok(()),
        }
    }

    async fn token(&mut self) -> Result<(SecretString, Presented), Failure> {
        let asked = self.asking.client().token(self.asking.token_ask());
        let asked = Progress::quiet("asking the issuer for a token")
            .during(asked)
            .await;
        match asked {
            Ok(minted) => {
                let presented = Presented::read(&minted.token);
                let mut details = claims(&presented);
                details.push(("expires", json!(seconds(minted.expires_at))));
                self.ended(TOKEN, Verdict::Passed, 1, details);
                Ok((minted.token, presented))
            }
            Err(failure) => {
                let details = vec![("error", json!({ "message": failure.what() }))];
                self.ended(TOKEN, Verdict::Failed, 1, details);
                Err(failure)
            }
        }
    }

    async fn assume(
        &mut self,
        step: &Step,
        sts: &Sts,
        token: &SecretString,
        before: Option<&Session>,
        presented: &Presented,
    ) -> Result<Session, Failure> {
        let plan = self.asking.planned();
        let name = step_name(step);
        let mut tries = 1;
        loop {
            let doing = format!("{} of {}", step.operation(), step.role());
            let taken = Progress::quiet(&doing)
                .during(take(plan, step, sts, token, before))
                .await;
            let error = match taken {
                Ok(session) => {
                    let mut details = asked(step);
                    details.extend(given(&session));
                    self.ended(&name, Verdict::Passed, tries, details);
                    return Ok(session);
                }
                Err(error) => error,
            };
            if tries <= self.patience.again && self.may_settle(&error).await {
                self.wait(&name, &error, tries).await;
                tries += 1;
                continue;
            }
            let mut details = asked(step);
            details.extend(error.exchange().map(refusal));
            self.ended(&name, Verdict::Failed, tries, details);
            return Err(denial::explained(plan, &error, presented.clone()).await);
        }
    }

    async fn identity(&mut self, sts: &Sts, session: &Session) -> Result<(), Failure> {
        let asked = Progress::quiet("GetCallerIdentity")
            .during(sts.caller_identity(session))
            .await;
        match asked {
            Ok(caller) => {
                let details = vec![
                    ("arn", json!(caller.arn())),
                    ("account", json!(caller.account())),
                    ("user_id", json!(caller.user_id())),
                ];
                self.ended(IDENTITY, Verdict::Passed, 1, details);
                Ok(())
            }
            Err(error) => {
                self.ended(IDENTITY, Verdict::Failed, 1, vec![refusal(&error)]);
                let what = format!(
                    "the connection `{}` gave a session that does not work: {error}",
                    self.asking.planned().connection()
                );
                Err(Failure::new(denial::exit(&error), what))
            }
        }
    }

    /// Whether waiting may help. Today's words for an unknown provider stand for a wrong audience
    /// too; where the decision can be had, it tells them apart.
    async fn may_settle(&self, error: &ChainError) -> bool {
        let Some(error) = error.exchange().filter(|error| error.may_settle()) else {
            return false;
        };
        let id = error
            .refusal()
            .and_then(|refusal| refusal.request_id.as_deref());
        let endpoint = self.asking.planned().address().endpoint();
        match id {
            Some(id) => match denial::decision(endpoint.as_str(), id).await {
                Some(decision) => denial::failed_check(&decision)
                    .is_none_or(|failed| failed["check"] != "audience"),
                None => true,
            },
            None => true,
        }
    }

    async fn wait(&mut self, step: &str, error: &ChainError, next: u32) {
        let patience = self.patience;
        if let Some(error) = error.exchange() {
            (self.observe)(Moment::Waiting {
                step,
                error,
                next,
                patience,
            });
        }
        Progress::quiet("waiting for IAM to tell all of AWS")
            .during(tokio::time::sleep(patience.pause))
            .await;
    }

    fn ended(
        &mut self,
        name: &str,
        verdict: Verdict,
        tries: u32,
        details: Vec<(&'static str, Value)>,
    ) {
        if let Some(step) = self.report.ended(name, verdict, tries, details) {
            (self.observe)(Moment::Ended(step));
        }
    }
}

/// What the token says to STS.
fn claims(presented: &Presented) -> Vec<(&'static str, Value)> {
    let mut details = vec![
        ("iss", json!(presented.issuer)),
        ("aud", json!(presented.audience)),
        ("sub", json!(presented.subject)),
    ];
    if !presented.tags.is_empty() {
        details.push(("session_tags", json!(presented.tags)));
    }
    if !presented.transitive.is_empty() {
        details.push(("transitive_tag_keys", json!(presented.transitive)));
    }
    if let Some(identity) = &presented.source_identity {
        details.push(("source_identity", json!(identity)));
    }
    details
}

/// What a step asks of STS.
fn asked(step: &Step) -> Vec<(&'static str, Value)> {
    let mut details = vec![
        ("operation", json!(step.operation())),
        ("role", json!(step.role().as_str())),
        ("session_name", json!(step.session_name().as_str())),
        ("duration_seconds", json!(step.duration_seconds())),
    ];
    if let Call::Hop {
        external_id,
        tags,
        source_identity,
        ..
    } = step.call()
    {
        if external_id.is_some() {
            details.push(("external_id", json!("sent, not shown")));
        }
        if !tags.is_empty() {
            details.push(("session_tags", json!(tags)));
        }
        if let Some(identity) = source_identity {
            details.push(("source_identity", json!(identity.as_str())));
        }
    }
    details
}

/// What STS answered.
fn given(session: &Session) -> Vec<(&'static str, Value)> {
    let mut details = vec![
        ("session", json!(session.assumed_role_arn().as_str())),
        ("expires", json!(seconds(session.expiration()))),
    ];
    if let Some(provider) = session.provider() {
        details.push(("provider", json!(provider)));
    }
    if let Some(id) = session.request_id() {
        details.push(("request_id", json!(id)));
    }
    details
}

fn refusal(error: &ExchangeError) -> (&'static str, Value) {
    let told = match error.refusal() {
        Some(refusal) => json!({
            "code": refusal.code,
            "message": refusal.message,
            "status": refusal.status,
            "request_id": refusal.request_id,
        }),
        None => json!({ "message": error.to_string() }),
    };
    ("error", told)
}

/// To the second, as STS tells times.
fn seconds(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `exchange` for the first step, then `hop-1` and so on.
fn step_name(step: &Step) -> String {
    match step.call() {
        Call::WebIdentity { .. } => "exchange".to_owned(),
        Call::Hop { .. } => format!("hop-{}", step.number() - 1),
    }
}

const TOKEN: &str = "token";
const IDENTITY: &str = "caller-identity";
