//! One order, from the account to the certificate (RFC 8555 §7.4).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, Identifier, NewAccount,
    NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::ServerConfig;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::cache::Cache;
use super::client::Client;
use super::{AcmeSettings, provider};
use crate::tls::{PROOF, read};
use crate::{ListeningError, Tls};

/// Obtains a certificate for `names`: its key and its chain, PEM in one text.
pub(super) async fn order(
    settings: &AcmeSettings,
    cache: &Cache,
    tls: &Tls,
    names: &[String],
) -> Result<Zeroizing<Vec<u8>>, ListeningError> {
    let failed = |why: String| ListeningError::Acme {
        directory: settings.directory.clone(),
        why,
    };
    let known = account(settings, cache).await?;
    match ordered(&known, tls, names).await {
        Err(Refused::NoAccount) => {
            tracing::warn!(directory = %settings.directory, "the authority knows our account no more; another one is made");
            cache.forget_account()?;
            let new = account(settings, cache).await?;
            ordered(&new, tls, names).await
        }
        done => done,
    }
    .map_err(|refused| match refused {
        Refused::NoAccount => failed("it does not know the account that it just made".to_owned()),
        Refused::Because(why) => failed(why),
    })
}

/// Why there is no certificate.
enum Refused {
    /// The authority has lost the account (RFC 8555 §6.7).
    NoAccount,
    Because(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::Because(why)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(problem) if problem.r#type.as_deref() == Some(NO_ACCOUNT) => Self::NoAccount,
            other => Self::Because(why(other)),
        }
    }
}

impl From<rcgen::Error> for Refused {
    fn from(error: rcgen::Error) -> Self {
        Self::Because(error.to_string())
    }
}

async fn account(settings: &AcmeSettings, cache: &Cache) -> Result<Account, ListeningError> {
    let failed = |why: String| ListeningError::Acme {
        directory: settings.directory.clone(),
        why,
    };
    let ca = match &settings.ca {
        Some(path) => Some(read(path, false)?),
        None => None,
    };
    let client = Client::new(ca.as_ref().map(|ca| ca.as_slice()))
        .map_err(|error| failed(with_causes(&error)))?;
    let builder = Account::builder_with_http(Box::new(client));
    if let Some(json) = cache.account()? {
        let credentials: AccountCredentials = serde_json::from_slice(&json).map_err(|_| {
            failed(format!(
                "the account in `{}` cannot be read; bring the file back, or take it away and a new account is made",
                cache.account_path().display()
            ))
        })?;
        return builder
            .from_credentials(credentials)
            .await
            .map_err(|error| failed(why(&error)));
    }
    let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = builder
        .create(&new, settings.directory.clone(), None)
        .await
        .map_err(|error| failed(why(&error)))?;
    let json = serde_json::to_vec(&credentials).map(Zeroizing::new);
    let json = json.map_err(|_| failed("the account cannot be written as JSON".to_owned()))?;
    cache.keep_account(&json)?;
    Ok(account)
}

async fn ordered(
    account: &Account,
    tls: &Tls,
    names: &[String],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let proved = match prove(&mut order, tls).await {
        Ok(()) => ready(&mut order).await,
        Err(error) => Err(error),
    };
    if let Err(error) = proved {
        let doubted = doubted(account, &order).await;
        return Err(doubted.unwrap_or(error).into());
    }
    let key = KeyPair::generate()?;
    let mut wanted = CertificateParams::new(names)?;
    wanted.distinguished_name = DistinguishedName::new();
    let request = wanted.serialize_request(&key)?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&RETRIES).await?;
    let mut pem = Zeroizing::new(Zeroizing::new(key.serialize_pem()).as_bytes().to_vec());
    pem.extend_from_slice(chain.as_bytes());
    Ok(pem)
}

/// Shows the proofs of all names, then says that they can be looked at.
async fn prove(order: &mut Order, tls: &Tls) -> Result<(), String> {
    let told = |error: Error| why(&error);
    let mut proofs = HashMap::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(told)?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .ok_or_else(|| format!("for `{name}` it does not take a proof by TLS-ALPN-01"))?;
        let proof = proof(&name, challenge.key_authorization().digest().as_ref())?;
        proofs.insert(name, proof);
    }
    tls.prove(proofs);
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(told)?;
        if authorization.status != AuthorizationStatus::Valid
            && let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01)
        {
            challenge.set_ready().await.map_err(told)?;
        }
    }
    Ok(())
}

async fn ready(order: &mut Order) -> Result<(), String> {
    match order.poll_ready(&RETRIES).await {
        Ok(OrderStatus::Ready) => Ok(()),
        Ok(status) => Err(format!("the order is {status:?}").to_lowercase()),
        Err(error) => Err(why(&error)),
    }
}

/// What the authority did not like about which name.
async fn doubted(account: &Account, order: &Order) -> Option<String> {
    let mut again = account.order(order.url().to_owned()).await.ok()?;
    let mut authorizations = again.authorizations();
    let mut doubts = Vec::new();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let errors = authorization
            .challenges
            .iter()
            .filter_map(|challenge| challenge.error.as_ref());
        doubts.extend(errors.map(|error| {
            format!(
                "it could not see that `{name}` is this server: {}",
                error.detail.as_deref().unwrap_or("it does not say why")
            )
        }));
    }
    (!doubts.is_empty()).then(|| doubts.join("; "))
}

/// What is shown to whoever proves `name` (RFC 8737 §3): a certificate of nobody, with the digest.
fn proof(name: &str, digest: &[u8]) -> Result<Arc<ServerConfig>, String> {
    // invariant: SHA-256, as RFC 8555 §8.1 has it; rcgen takes no other length.
    if digest.len() != 32 {
        return Err("the proof is no SHA-256 digest".to_owned());
    }
    let told = |error: rcgen::Error| error.to_string();
    let mut params = CertificateParams::new([name.to_owned()]).map_err(told)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(told)?;
    let certificate = params.self_signed(&key).map_err(told)?;
    let provider = provider();
    let signing = PrivateKeyDer::try_from(key.serialize_der()).map_err(str::to_owned)?;
    let signing = provider
        .key_provider
        .load_private_key(signing)
        .map_err(|error| error.to_string())?;
    let certified = CertifiedKey::new(vec![certificate.der().clone()], signing);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![PROOF.to_vec()];
    Ok(Arc::new(config))
}

fn why(error: &Error) -> String {
    match error {
        Error::Api(problem) => problem.to_string(),
        other => with_causes(other),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// How often an order is looked at.
const RETRIES: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(120));
