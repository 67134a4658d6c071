//! Declarations written as the configuration file has them: what is written can be read again, and
//! is the same.

use rolecall_attest::federated::{KeysFrom, TrustedIssuerText};
use rolecall_http_api::{TenantDeclaration, TrustSubscriptionText, WorkloadDeclaration};
use rolecall_mint::{TenantRulesText, TokenConfigText};
use rolecall_signing_keys::JwksForm;
use rolecall_signing_keys::rotation::PolicyText;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::failure::{Exit, Failure};

/// Something that the configuration file has a form for.
pub trait Written {
    /// As the file has it, without what goes without saying.
    fn written(&self) -> Value;
}

impl Written for TenantDeclaration {
    fn written(&self) -> Value {
        let mut members = rules(&self.rules);
        members.insert("name".to_owned(), json!(self.name));
        members.insert("issuer".to_owned(), json!(self.issuer));
        if self.rsa_bits != 2048 {
            members.insert("rsa_bits".to_owned(), json!(self.rsa_bits));
        }
        if !self.issuance {
            members.insert("issuance".to_owned(), json!(false));
        }
        if self.jwks != JwksForm::default() {
            members.insert("jwks".to_owned(), plain(&self.jwks));
        }
        members.insert("keys".to_owned(), policy(&self.keys));
        members.insert("limits".to_owned(), plain(&self.limits));
        members.insert("federation".to_owned(), plain(&self.federation));
        let bundles = self.trust_bundles.iter();
        let bundles = bundles.map(|one| json!({"name": one.name, "ca": one.authorities}));
        members.insert("trust_bundles".to_owned(), bundles.collect());
        members.insert("token_configs".to_owned(), list(&self.token_configs));
        members.insert("trusted_issuers".to_owned(), list(&self.trusted_issuers));
        let subscriptions = list(&self.trust_subscriptions);
        members.insert("trust_subscriptions".to_owned(), subscriptions);
        members.insert("workloads".to_owned(), list(&self.workloads));
        tidy(members)
    }
}

impl Written for TokenConfigText {
    fn written(&self) -> Value {
        let mut members = object(self);
        for (stored, name) in [
            ("lifetime_seconds", "lifetime"),
            ("shortest_lifetime_seconds", "shortest_lifetime"),
            ("longest_lifetime_seconds", "longest_lifetime"),
            ("backdate_seconds", "backdate"),
        ] {
            if let Some(seconds) = members.remove(stored).and_then(|value| value.as_u64()) {
                members.insert(name.to_owned(), json!(span(seconds)));
            }
        }
        drop_if(&mut members, "algorithm", &json!("RS256"));
        drop_if(&mut members, "kind", &json!("custom"));
        drop_if(&mut members, "token_subject", &json!("workload"));
        drop_if(&mut members, "audience", &json!(""));
        drop_if(&mut members, "subject", &json!(""));
        tidy(members)
    }
}

impl Written for TrustedIssuerText {
    fn written(&self) -> Value {
        let mut members = object(self);
        members.remove("keys");
        match &self.keys {
            KeysFrom::Discovery => {}
            KeysFrom::Url(url) => {
                members.insert("jwks_url".to_owned(), json!(url));
            }
            KeysFrom::Offline(set) => {
                members.insert("jwks".to_owned(), plain(set));
            }
        }
        if let Some(authorities) = members.remove("authorities") {
            members.insert("ca".to_owned(), authorities);
        }
        for (stored, name) in [
            ("maximum_age_seconds", "maximum_age"),
            ("leeway_seconds", "leeway"),
        ] {
            if let Some(seconds) = members.remove(stored).and_then(|value| value.as_u64()) {
                members.insert(name.to_owned(), json!(span(seconds)));
            }
        }
        let usual = TrustedIssuerText::new("", "");
        drop_if(
            &mut members,
            "leeway",
            &json!(span(usual.leeway_seconds.into())),
        );
        drop_if(&mut members, "one_use", &json!(usual.one_use));
        drop_if(&mut members, "jti_required", &json!(usual.jti_required));
        drop_if(&mut members, "preset", &plain(&usual.preset));
        tidy(members)
    }
}

impl Written for TrustSubscriptionText {
    fn written(&self) -> Value {
        // As text, for it is the text that is compared.
        json!({"name": self.name, "role": self.role, "policy": self.policy})
    }
}

impl Written for WorkloadDeclaration {
    fn written(&self) -> Value {
        let mut members = object(self);
        if let Some(Value::Array(evidence)) = members.get_mut("evidence") {
            for one in evidence.iter_mut().filter_map(Value::as_object_mut) {
                drop_if(
                    one,
                    "allow",
                    &plain(&rolecall_attest::federated::GuardText::default()),
                );
            }
        }
        tidy(members)
    }
}

/// `written` as YAML.
///
/// # Errors
/// `Unexpected`; none is known.
pub fn yaml(written: &Value) -> Result<String, Failure> {
    serde_saphyr::to_string(written)
        .map_err(|error| Failure::new(Exit::Unexpected, format_args!("cannot write YAML: {error}")))
}

fn rules(rules: &TenantRulesText) -> Map<String, Value> {
    let mut members = Map::new();
    let attributes = rules.attributes.iter().map(|(name, attribute)| {
        let usual = object(&rolecall_mint::AttributeText::default());
        let mut attribute = object(attribute);
        attribute.retain(|member, value| usual.get(member) != Some(value));
        (name.clone(), Value::Object(attribute))
    });
    members.insert("attributes".to_owned(), Value::Object(attributes.collect()));
    members.insert("reserved_claims".to_owned(), json!(rules.reserved_claims));
    let mut lifetimes = Map::new();
    for (name, seconds) in [
        ("shortest", rules.shortest_lifetime_seconds),
        ("longest", rules.longest_lifetime_seconds),
    ] {
        if let Some(seconds) = seconds {
            lifetimes.insert(name.to_owned(), json!(span(seconds.into())));
        }
    }
    members.insert("token_lifetimes".to_owned(), Value::Object(lifetimes));
    members
}

fn policy(policy: &PolicyText) -> Value {
    let usual = PolicyText::default();
    let mut members = Map::new();
    let long = |seconds: i64| match seconds {
        seconds if seconds > 0 && seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        seconds => span(seconds.unsigned_abs()),
    };
    if policy.period != usual.period {
        let period = policy.period.map_or("never".to_owned(), long);
        members.insert("period".to_owned(), json!(period));
    }
    if policy.publish_ahead != usual.publish_ahead {
        members.insert(
            "publish_ahead".to_owned(),
            json!(long(policy.publish_ahead)),
        );
    }
    if policy.standby != usual.standby {
        members.insert("standby".to_owned(), json!(policy.standby));
    }
    if policy.publishing != usual.publishing {
        members.insert("publishing".to_owned(), plain(&policy.publishing));
    }
    if policy.backend != usual.backend {
        members.insert("backend".to_owned(), json!(policy.backend));
    }
    Value::Object(members)
}

fn list<T: Written>(items: &[T]) -> Value {
    items.iter().map(Written::written).collect()
}

fn plain<T: Serialize>(value: &T) -> Value {
    // Nothing that is declared has a key that is no text, which is all that could fail.
    serde_json::to_value(value).unwrap_or_default()
}

fn object<T: Serialize>(value: &T) -> Map<String, Value> {
    match plain(value) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn drop_if(members: &mut Map<String, Value>, name: &str, usual: &Value) {
    if members.get(name) == Some(usual) {
        members.remove(name);
    }
}

/// Without what is empty or not set; the name first, as people write it.
fn tidy(mut members: Map<String, Value>) -> Value {
    members.retain(|_, value| !is_nothing(value));
    for (name, value) in &mut members {
        if let Value::Object(inner) = value
            && name == "aws"
        {
            inner.retain(|_, value| !is_nothing(value));
        }
    }
    members.retain(|_, value| !is_nothing(value));
    Value::Object(members)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Seconds as people write them: `1h`, `90m`, `45s`.
fn span(seconds: u64) -> String {
    match seconds {
        seconds if seconds > 0 && seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds > 0 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

#[cfg(test)]
#[path = "writing_tests.rs"]
mod tests;
