//! What a trial found, as text and as JSON.

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::style;

/// All steps of a trial, and what ended it where one failed.
#[derive(Debug)]
pub struct Report {
    /// The steps, in their order.
    pub steps: Vec<StepReport>,
    /// Why the trial ended early.
    pub failure: Option<Failure>,
}

/// One step.
#[derive(Debug)]
pub struct StepReport {
    /// `token`, `exchange`, `hop-1` and so on, `caller-identity`.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How often it was tried.
    pub tries: u32,
    /// What was sent and answered; never a token or a key.
    pub details: Vec<(&'static str, Value)>,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It did what it should.
    Passed,
    /// It failed, and with it the connection.
    Failed,
    /// A step before it failed.
    NotReached,
}

impl Report {
    /// A report of steps none of which was reached yet.
    pub fn begin(names: impl Iterator<Item = String>) -> Self {
        let steps = names.map(|name| StepReport {
            name,
            verdict: Verdict::NotReached,
            tries: 0,
            details: Vec::new(),
        });
        Self {
            steps: steps.collect(),
            failure: None,
        }
    }

    /// Notes how a step ended.
    pub fn ended(
        &mut self,
        name: &str,
        verdict: Verdict,
        tries: u32,
        details: Vec<(&'static str, Value)>,
    ) -> Option<&StepReport> {
        let step = self.steps.iter_mut().find(|step| step.name == name)?;
        step.verdict = verdict;
        step.tries = tries;
        step.details = details;
        Some(step)
    }

    /// The steps that were not reached, one a line.
    pub fn rest(&self) -> String {
        let rest = self.steps.iter();
        rest.filter(|step| step.verdict == Verdict::NotReached)
            .map(StepReport::to_text)
            .collect()
    }

    /// The form of `--output json`.
    pub fn to_json(&self, connection: &str) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(StepReport::to_json).collect();
        let verdict = match self.failure {
            None => Verdict::Passed,
            Some(_) => Verdict::Failed,
        };
        let mut json = json!({
            "connection": connection,
            "verdict": verdict.word(),
            "steps": steps,
        });
        if let Some(failure) = &self.failure {
            json["failure"] = json!({
                "code": failure.exit().code_word(),
                "exit_code": failure.exit() as u8,
                "message": failure.what(),
                "notes": failure.notes(),
                "hints": failure.hints(),
            });
        }
        json
    }
}

impl StepReport {
    /// For reading: the verdict and the step, what was sent and answered below it.
    pub fn to_text(&self) -> String {
        let style = match self.verdict {
            Verdict::Passed => style::GOOD,
            Verdict::Failed => style::BAD,
            Verdict::NotReached => style::QUIET,
        };
        let word = match self.verdict {
            Verdict::NotReached => "-",
            verdict => verdict.word(),
        };
        let tries = match self.tries {
            0 | 1 => String::new(),
            many => format!(" (tried {many} times)"),
        };
        let mut text = format!("{style}{word:<6}{style:#}  {}{tries}\n", self.name);
        for (label, value) in &self.details {
            for line in lines(value) {
                text.push_str(&format!("          {label:<20}{line}\n"));
            }
        }
        text
    }

    fn to_json(&self) -> Value {
        let details: Map<String, Value> = self
            .details
            .iter()
            .map(|(label, value)| ((*label).to_owned(), value.clone()))
            .collect();
        json!({
            "name": self.name,
            "verdict": self.verdict.word(),
            "tries": self.tries,
            "details": details,
        })
    }
}

impl Verdict {
    /// The word that programs read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotReached => "not_reached",
        }
    }
}

/// A value as a person reads it: texts as they are, a mapping's pairs line by line.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => vec![items.iter().flat_map(lines).collect::<Vec<_>>().join(", ")],
        Value::Object(pairs) => match (pairs.get("code"), pairs.get("message")) {
            (Some(code), Some(message)) => {
                vec![format!(
                    "{}: {}",
                    lines(code).concat(),
                    lines(message).concat()
                )]
            }
            (None, Some(message)) => lines(message),
            _ => pairs
                .iter()
                .map(|(key, value)| format!("{key}={}", lines(value).concat()))
                .collect(),
        },
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn report() -> Report {
        let names = ["token", "exchange", "hop-1", "caller-identity"];
        let mut report = Report::begin(names.into_iter().map(str::to_owned));
        let claims = vec![
            ("iss", json!("https://oidc.acme.example")),
            ("sub", json!("cube:deployment:42")),
            (
                "session_tags",
                json!({ "team": "data", "stage": "production" }),
            ),
            ("transitive_tag_keys", json!(["team", "stage"])),
        ];
        report.ended("token", Verdict::Passed, 1, claims);
        let error = json!({ "code": "AccessDenied", "message": "Not authorized", "status": 403 });
        report.ended("exchange", Verdict::Failed, 6, vec![("error", error)]);
        report.failure = Some(Failure::new(Exit::DeniedByAws, "denied").hint("Look"));
        report
    }

    #[test]
    fn every_step_says_how_it_ended() {
        let report = report();
        let text: String = report.steps.iter().map(StepReport::to_text).collect();
        insta::assert_snapshot!(anstream::adapter::strip_str(&text), @r"
        passed  token
                  iss                 https://oidc.acme.example
                  sub                 cube:deployment:42
                  session_tags        stage=production
                  session_tags        team=data
                  transitive_tag_keys team, stage
        failed  exchange (tried 6 times)
                  error               AccessDenied: Not authorized
        -       hop-1
        -       caller-identity
        ");
        assert_eq!(report.rest().lines().count(), 2);
    }

    #[test]
    fn programs_read_one_object() {
        let json = report().to_json("athena");
        assert_eq!(json["verdict"], "failed");
        assert_eq!(json["failure"]["exit_code"], 5);
        assert_eq!(json["steps"][0]["details"]["session_tags"]["team"], "data");
        assert_eq!(json["steps"][1]["tries"], 6);
        assert_eq!(json["steps"][3]["verdict"], "not_reached");
    }
}
