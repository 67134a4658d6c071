//! `server.api:`: the admin API, and who has access to it by word of the file.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use rolecall_access::{AccessText, Grant, Proof, Role, check_name};
use rolecall_admin_api::{Settings, SignInProvider};
use rolecall_attest::SecretHash;
use rolecall_attest::federated::{EvidenceRule, EvidenceText, TrustedIssuer};
use rolecall_attest_keys::TrustedKeys;
use serde::Deserialize;

use super::Loaded;
use super::evidence::TrustedIssuerSection;
use super::issuer::Lifetime;
use crate::failure::Failure;

/// `server.api:` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSection {
    /// Where the API is served; without it, where everything else is.
    #[serde(default)]
    pub listen: Option<SocketAddr>,
    /// Who has access.
    #[serde(default)]
    access: Vec<AccessSection>,
    /// The team's own OIDC providers, whose ID tokens open a session.
    #[serde(default)]
    sign_in: Vec<SignInSection>,
    /// How long a session lives.
    #[serde(default = "default_session")]
    session: Lifetime,
    /// How many requests a second one asker may send.
    #[serde(default = "default_requests")]
    requests_per_second: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessSection {
    name: String,
    role: Role,
    /// Without one, the whole installation.
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    token_digest: Option<String>,
    #[serde(default)]
    password_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInSection {
    provider: TrustedIssuerSection,
    #[serde(default = "default_name_claim")]
    name_claim: String,
    grants: Vec<GrantSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantSection {
    #[serde(rename = "where")]
    conditions: BTreeMap<String, rolecall_attest::federated::ExpectedText>,
    role: Role,
    #[serde(default)]
    tenant: Option<String>,
}

impl Loaded {
    /// What the file says of the admin API.
    ///
    /// # Errors
    /// `Configuration` for a name, proof or rule that is not one.
    pub fn api_settings(&self, section: &ApiSection) -> Result<Settings, Failure> {
        let mut access = BTreeMap::new();
        for (index, one) in section.access.iter().enumerate() {
            let field = format!("server.api.access[{index}]");
            let text = self.access(&field, one)?;
            let key = (one.tenant.clone().unwrap_or_default(), one.name.clone());
            if access.insert(key, text).is_some() {
                return Err(self.broken(
                    &format!("{field}.name"),
                    format_args!("`{}` is given access twice", one.name),
                ));
            }
        }
        for (index, one) in section.sign_in.iter().enumerate() {
            let name = one.provider.name();
            if section.sign_in[..index]
                .iter()
                .any(|other| other.provider.name() == name)
            {
                return Err(self.broken(
                    &format!("server.api.sign_in[{index}].provider.name"),
                    format_args!("two providers are called `{name}`; people are told apart by it"),
                ));
            }
        }
        let providers = section.sign_in.iter().enumerate();
        let providers = providers.map(|(index, one)| self.provider(index, one));
        if section.requests_per_second == 0 {
            return Err(self.broken(
                "server.api.requests_per_second",
                "with 0 requests a second nobody could ask anything",
            ));
        }
        Ok(Settings {
            access,
            providers: providers.collect::<Result<_, _>>()?,
            session_seconds: section.session.seconds().into(),
            requests_per_second: section.requests_per_second,
        })
    }

    fn access(&self, field: &str, one: &AccessSection) -> Result<AccessText, Failure> {
        check_name(&one.name).map_err(|error| self.broken(&format!("{field}.name"), error))?;
        let proof = match (&one.token_digest, &one.password_hash) {
            (Some(digest), None) => Proof::Token {
                digest: digest.clone(),
                ends: None,
            },
            (None, Some(hash)) => {
                SecretHash::parse(hash)
                    .map_err(|error| self.broken(&format!("{field}.password_hash"), error))?;
                Proof::Password { hash: hash.clone() }
            }
            _ => {
                return Err(self
                    .broken(
                        field,
                        format_args!(
                            "`{}` needs either a `token_digest` or a `password_hash`",
                            one.name
                        ),
                    )
                    .hint("`rolecall access token` and `rolecall access password` make one"));
            }
        };
        Ok(AccessText {
            name: one.name.clone(),
            role: one.role,
            proof,
        })
    }

    fn provider(&self, index: usize, one: &SignInSection) -> Result<SignInProvider, Failure> {
        let field = format!("server.api.sign_in[{index}]");
        let at = format!("{field}.provider");
        let mut text = self.trusted_issuer(&at, &one.provider)?;
        // Signing in again with the same token opens another session of the same person.
        text.one_use = false;
        if text.audiences.is_empty() {
            return Err(self
                .broken(&at, "without `audiences`, tokens for anybody would let in")
                .hint("Write the client ID under which the provider knows this server"));
        }
        let issuer = TrustedIssuer::read(&text, "").map_err(|error| self.broken(&at, error))?;
        let keys = TrustedKeys::new(&issuer).map_err(|error| self.broken(&at, error))?;
        let grants = one.grants.iter().enumerate().map(|(index, grant)| {
            let rule = EvidenceText {
                from: issuer.name().to_owned(),
                conditions: grant.conditions.clone(),
                attributes: BTreeMap::new(),
                may_claim: None,
                allow: rolecall_attest::federated::GuardText::default(),
            };
            let rule = EvidenceRule::read(&rule, &issuer)
                .map_err(|error| self.broken(&format!("{field}.grants[{index}]"), error))?;
            let grant = Grant {
                tenant: grant.tenant.clone(),
                role: grant.role,
            };
            Ok((rule, grant))
        });
        let grants = grants.collect::<Result<_, Failure>>()?;
        Ok(SignInProvider {
            grants,
            issuer,
            keys,
            name_claim: one.name_claim.clone(),
        })
    }
}

fn default_session() -> Lifetime {
    Lifetime::of(8 * 3600)
}

fn default_requests() -> u32 {
    100
}

fn default_name_claim() -> String {
    "email".to_owned()
}
