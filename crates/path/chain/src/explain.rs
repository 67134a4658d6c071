use std::fmt::Write;

use rolecall_ask::Audience;
use serde_json::{Value, json};

use crate::plan::{Call, Plan, Step};

impl Plan {
    /// The plan for reading, ending in a newline. External ids are not shown.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = self.write(&mut text);
        text
    }

    /// The plan for programs. External ids are not shown.
    pub fn to_json(&self) -> Value {
        let address = self.address();
        json!({
            "connection": self.connection(),
            "token": match self.audience() {
                Audience::TokenConfig(name) => json!({ "token_config": name }),
                Audience::Named(audience) => json!({ "audience": audience }),
            },
            "partition": self.steps()[0].role.partition().as_str(),
            "region": address.region().as_str(),
            "region_from": address.region_from().to_string(),
            "endpoint": address.endpoint().as_str(),
            "endpoint_from": address.endpoint_from().to_string(),
            "steps": self.steps().iter().map(Step::to_json).collect::<Vec<_>>(),
            "notes": self.notes(),
        })
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
    fn to_json(&self) -> Value {
        let mut step = json!({
            "call": self.operation(),
            "role": self.role.as_str(),
            "account": self.role.account().as_str(),
            "session_name": self.session_name.as_str(),
            "session_arn": self.session_arn(),
            "duration_seconds": self.duration_seconds(),
            "session_policy": self.policy.as_ref().map(|policy| policy.as_str()),
            "policy_arns": self.policy_arns.as_slice(),
            "trust_policy_needs": self.trust_needs,
            "identity_policy_needs": self.identity_needs,
        });
        if let Call::Hop {
            external_id,
            tags,
            transitive_tag_keys,
            source_identity,
            ..
        } = &self.call
        {
            step["external_id_sent"] = json!(external_id.is_some());
            step["tags"] = json!(tags);
            step["transitive_tag_keys"] = json!(transitive_tag_keys);
            step["source_identity"] = json!(source_identity);
        }
        step
    }

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
