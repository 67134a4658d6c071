use std::collections::BTreeMap;
use std::fmt::Write;

use rolecall_ask::Audience;
use rolecall_names::Arn;
use serde::Serialize;

use crate::plan::{Call, Plan, Step};

impl Plan {
    /// The plan for reading, ending in a newline. External ids are not shown.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = self.write(&mut text);
        text
    }

    /// The plan for programs: what it serialises to is the form of `--output json`. External ids
    /// are not shown.
    pub fn explain_json(&self) -> impl Serialize {
        let address = self.address();
        let (token_config, audience) = match self.audience() {
            Audience::TokenConfig(name) => (Some(name), None),
            Audience::Named(audience) => (None, Some(audience)),
        };
        PlanView {
            connection: self.connection(),
            token_config,
            audience,
            region: address.region().as_str(),
            region_from: address.region_from().to_string(),
            endpoint: address.endpoint().as_str(),
            endpoint_from: address.endpoint_from().to_string(),
            steps: self.steps().iter().map(StepView::of).collect(),
            notes: self.notes(),
        }
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let address = self.address();
        writeln!(text, "plan for connection `{}`", self.connection())?;
        match self.audience() {
            Audience::TokenConfig(name) => writeln!(text, "  token     config `{name}`")?,
            Audience::Named(audience) => writeln!(text, "  token     audience `{audience}`")?,
        }
        writeln!(
            text,
            "  sts       {} (from {})",
            address.endpoint(),
            address.endpoint_from()
        )?;
        writeln!(
            text,
            "  region    {} (from {})",
            address.region(),
            address.region_from()
        )?;
        for step in self.steps() {
            step.write(text)?;
        }
        for note in self.notes() {
            writeln!(text, "\nnote: {note}")?;
        }
        Ok(())
    }
}

impl Step {
    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n{}. {}", self.number, self.operation())?;
        writeln!(text, "  role      {}", self.role)?;
        writeln!(text, "  session   {}", self.session_name)?;
        let capped = match self.call {
            Call::WebIdentity { .. } => "",
            Call::Hop { .. } => " (role chaining: at most 3600 s)",
        };
        writeln!(text, "  lasts     {} s{capped}", self.duration_seconds())?;
        if let Call::Hop {
            external_id,
            tags,
            transitive_tag_keys,
            source_identity,
            ..
        } = &self.call
        {
            if external_id.is_some() {
                writeln!(text, "  external  id sent, not shown")?;
            }
            for (key, value) in tags {
                let kept = transitive_tag_keys
                    .iter()
                    .any(|kept| kept.eq_ignore_ascii_case(key));
                let kept = if kept { " (kept by later hops)" } else { "" };
                writeln!(text, "  tag       {key}={value}{kept}")?;
            }
            if let Some(source_identity) = source_identity {
                writeln!(text, "  identity  {source_identity} (source identity)")?;
            }
        }
        if let Some(policy) = &self.policy {
            writeln!(text, "  bounded   by {}", policy.as_str())?;
        }
        for arn in self.policy_arns.as_slice() {
            writeln!(text, "  bounded   by {arn}")?;
        }
        writeln!(text, "  becomes   {}", self.session_arn())?;
        for need in &self.trust_needs {
            writeln!(text, "  trust     {need}")?;
        }
        for need in &self.identity_needs {
            writeln!(text, "  policy    of the role before: {need}")?;
        }
        Ok(())
    }
}

/// The members in the order in which people read them.
#[derive(Serialize)]
struct PlanView<'a> {
    connection: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_config: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'a String>,
    region: &'a str,
    region_from: String,
    endpoint: &'a str,
    endpoint_from: String,
    steps: Vec<StepView<'a>>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct StepView<'a> {
    call: &'static str,
    role: &'a str,
    account: &'a str,
    partition: &'static str,
    session_name: &'a str,
    session_arn: String,
    duration_seconds: u32,
    session_policy: Option<&'a str>,
    policy_arns: &'a [Arn],
    #[serde(flatten)]
    hop: Option<HopView<'a>>,
    trust_policy_needs: &'a [String],
    identity_policy_needs: &'a [String],
}

#[derive(Serialize)]
struct HopView<'a> {
    external_id_sent: bool,
    tags: &'a BTreeMap<String, String>,
    transitive_tag_keys: &'a [String],
    source_identity: Option<&'a str>,
}

impl<'a> StepView<'a> {
    fn of(step: &'a Step) -> Self {
        Self {
            call: step.operation(),
            role: step.role.as_str(),
            account: step.role.account().as_str(),
            partition: step.role.partition().as_str(),
            session_name: step.session_name.as_str(),
            session_arn: step.session_arn(),
            duration_seconds: step.duration_seconds(),
            session_policy: step.policy.as_ref().map(|policy| policy.as_str()),
            policy_arns: step.policy_arns.as_slice(),
            hop: match &step.call {
                Call::WebIdentity { .. } => None,
                Call::Hop {
                    external_id,
                    tags,
                    transitive_tag_keys,
                    source_identity,
                    ..
                } => Some(HopView {
                    external_id_sent: external_id.is_some(),
                    tags,
                    transitive_tag_keys,
                    source_identity: source_identity.as_ref().map(|who| who.as_str()),
                }),
            },
            trust_policy_needs: &step.trust_needs,
            identity_policy_needs: &step.identity_needs,
        }
    }
}
