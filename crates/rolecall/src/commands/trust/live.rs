//! `--live`: what the account itself says about an exchange that failed. It reads, exchanges the
//! token again where it is asked to, and changes nothing.

mod concluding;
mod differences;
mod gathering;
mod joining;
mod retest;

use std::path::Path;

use rolecall_names::RoleArn;
use rolecall_trust::Decision;
use rolecall_trust::diagnose::{Diagnosis, Evidence, diagnose};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use concluding::conclude;
use differences::differences;
use gathering::{Asks, Reading, read};
use joining::{add_refusal, join};
use retest::{Retest, Tried, retest};

use super::reading;
use crate::cli::trust::ExplainArgs;
use crate::failure::{Exit, Failure};
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
    /// `Usage` where no role is named, or the token cannot be read twice; else as [`read`].
    pub fn read(args: &ExplainArgs, evidence: &mut Evidence) -> Result<Self, Failure> {
        if args.live.retest && args.token.as_deref() == Some(stdin()) {
            let what =
                "--retest exchanges the token anew, and standard input can be read only once";
            return Err(Failure::new(Exit::Usage, what).hint("Give --token a file"));
        }
        let role = joining::role(args.role_arn.as_deref(), evidence)?;
        let claim = |name: &str| {
            let claims = evidence.claims.first()?;
            claims.text(name)
        };
        let asks = Asks {
            issuer: claim("iss"),
            subject: claim("sub"),
        };
        // Commands about trust run on a thread that may wait.
        let reading = Handle::current().block_on(read(&role, asks, args.live.since))?;
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
        if let Some(path) = args.token.as_deref().filter(|path| *path != stdin())
            && (args.live.retest || admits && self.reading.denied().is_some())
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
    // Read anew: whoever keeps the file may have replaced it meanwhile.
    Ok(reading::read(path)?.text.trim().to_owned().into())
}

fn stdin() -> &'static Path {
    Path::new("-")
}

/// One, and five more.
const TRIES: u32 = 6;
