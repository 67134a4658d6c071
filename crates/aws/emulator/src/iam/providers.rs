//! OpenID Connect providers.

use std::ops::RangeInclusive;

use url::Url;

use super::{Asked, exists, invalid, no_such, tags};
use crate::account::{Account, Provider, Tags, provider_arn};
use crate::clock::iso;
use crate::issuer::is_loopback_http;
use crate::wire::{Fault, Parameters, Shape, Xml, catalogue};

pub(crate) const ACTIONS: [&str; 10] = [
    "CreateOpenIDConnectProvider",
    "GetOpenIDConnectProvider",
    "ListOpenIDConnectProviders",
    "DeleteOpenIDConnectProvider",
    "AddClientIDToOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider",
    "UpdateOpenIDConnectProviderThumbprint",
    "TagOpenIDConnectProvider",
    "UntagOpenIDConnectProvider",
    "ListOpenIDConnectProviderTags",
];

/// A provider that may become one.
#[derive(Debug, Clone)]
pub(crate) struct NewProvider {
    pub(crate) url: String,
    pub(crate) client_ids: Vec<String>,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) tags: Tags,
}

impl NewProvider {
    /// Checks all but what the account holds already; gives the URL as it is stored.
    pub(crate) fn check(&self) -> Result<String, Fault> {
        let stored = stored_url(&self.url)?;
        for id in &self.client_ids {
            check_client_id(id)?;
        }
        check_thumbprints(&self.thumbprints)?;
        tags::check(&self.tags)?;
        Ok(stored)
    }

    pub(crate) fn create(self, account: &mut Account, now: i64) -> Result<String, Fault> {
        let stored = self.check()?;
        if account.providers.contains_key(&stored) {
            return Err(exists(format!(
                "Provider with url https://{stored} already exists."
            )));
        }
        if account.providers.len() >= PROVIDERS {
            return Err(limit("OpenIdConnectProvidersPerAccount", PROVIDERS));
        }
        let mut client_ids: Vec<String> = Vec::new();
        for id in self.client_ids {
            if !client_ids.contains(&id) {
                client_ids.push(id);
            }
        }
        if client_ids.len() > CLIENT_IDS {
            return Err(limit("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS));
        }
        let provider = Provider {
            client_ids,
            thumbprints: lower(self.thumbprints),
            tags: self.tags,
            created: now,
        };
        account.providers.insert(stored.clone(), provider);
        Ok(stored)
    }
}

pub(super) async fn run(asked: &Asked<'_>) -> Result<Xml, Fault> {
    match asked.action() {
        "CreateOpenIDConnectProvider" => create(asked).await,
        "ListOpenIDConnectProviders" => list(asked),
        _ => one(asked),
    }
}

async fn create(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let parameters = asked.parameters();
    let new = NewProvider {
        url: asked.required("Url")?.to_owned(),
        client_ids: parameters.list("ClientIDList")?,
        thumbprints: parameters.list("ThumbprintList")?,
        tags: tags::read(parameters)?,
    };
    let stored = new.check()?;
    asked.authorize(&provider_arn(&asked.account, &stored))?;
    let known = asked.read(|account| Ok(account.providers.contains_key(&stored)))?;
    if new.thumbprints.is_empty() && !known {
        let scheme = if new.url.starts_with("http://") {
            "http"
        } else {
            "https"
        };
        let issuer = format!("{scheme}://{stored}");
        // IAM contacts the provider to learn the thumbprint itself.
        asked.core.issuers.probe(&issuer).await.map_err(|error| {
            Fault::new(&catalogue::IDP_UNREACHABLE_ON_CREATE)
                .with("message", "Could not retrieve the identity provider's certificate. Provide a thumbprint, or make the provider reachable.")
                .noted(error.why)
        })?;
    }
    let sent_tags = new.tags.clone();
    let now = asked.call.now;
    let stored = asked.change(|account| new.create(account, now))?;
    let mut xml = Xml::new();
    xml.text(
        "OpenIDConnectProviderArn",
        &provider_arn(&asked.account, &stored),
    );
    if !sent_tags.is_empty() {
        tags::write(&mut xml, &sent_tags);
    }
    Ok(xml)
}

fn list(asked: &Asked<'_>) -> Result<Xml, Fault> {
    asked.authorize("*")?;
    asked.read(|account| {
        let mut xml = Xml::new();
        xml.list(
            "OpenIDConnectProviderList",
            account.providers.keys(),
            |xml, url| {
                xml.text("Arn", &provider_arn(&asked.account, url));
            },
        );
        Ok(xml)
    })
}

/// The operations on one provider that exists.
fn one(asked: &Asked<'_>) -> Result<Xml, Fault> {
    let arn = asked.required("OpenIDConnectProviderArn")?;
    asked.authorize(arn)?;
    let prefix = provider_arn(&asked.account, "");
    let url = arn
        .strip_prefix(&prefix)
        .ok_or_else(|| invalid(format!("Invalid ARN: {arn}")))?;
    let parameters = asked.parameters();
    let absent = || no_such(format!("OpenIDConnect Provider not found for arn {arn}"));
    let change = |change: &dyn Fn(&mut Provider) -> Result<(), Fault>| {
        asked.change(|account| change(account.providers.get_mut(url).ok_or_else(absent)?))
    };
    match asked.action() {
        "GetOpenIDConnectProvider" => {
            return asked.read(|account| {
                let provider = account.providers.get(url).ok_or_else(absent)?;
                Ok(describe(url, provider))
            });
        }
        "ListOpenIDConnectProviderTags" => {
            return asked.read(|account| {
                let provider = account.providers.get(url).ok_or_else(absent)?;
                Ok(tags::answer(&provider.tags))
            });
        }
        "DeleteOpenIDConnectProvider" => {
            asked.change(|account| {
                account.providers.remove(url).map(|_| ()).ok_or_else(|| {
                    no_such(format!("OpenId connect Provider {arn} cannot be found."))
                })
            })?
        }
        "AddClientIDToOpenIDConnectProvider" => {
            let id = asked.required("ClientID")?;
            check_client_id(id)?;
            change(&|provider| {
                if provider.client_ids.iter().any(|known| known == id) {
                    return Ok(());
                }
                if provider.client_ids.len() >= CLIENT_IDS {
                    return Err(limit("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS));
                }
                provider.client_ids.push(id.to_owned());
                Ok(())
            })?;
        }
        "RemoveClientIDFromOpenIDConnectProvider" => {
            let id = asked.required("ClientID")?;
            change(&|provider| {
                provider.client_ids.retain(|known| known != id);
                Ok(())
            })?;
        }
        "UpdateOpenIDConnectProviderThumbprint" => {
            let thumbprints = parameters.list("ThumbprintList")?;
            if thumbprints.is_empty() {
                return Err(invalid("Thumbprint list must contain at least one entry."));
            }
            check_thumbprints(&thumbprints)?;
            change(&|provider| {
                provider.thumbprints = lower(thumbprints.clone());
                Ok(())
            })?;
        }
        "TagOpenIDConnectProvider" => {
            let new = tags::read(parameters)?;
            change(&|provider| tags::add(&mut provider.tags, new.clone()))?;
        }
        _ => change(&|provider| tags::remove(&mut provider.tags, parameters))?,
    }
    Ok(Xml::new())
}

fn describe(url: &str, provider: &Provider) -> Xml {
    let mut xml = Xml::new();
    xml.text("Url", url)
        .texts(
            "ClientIDList",
            provider.client_ids.iter().map(String::as_str),
        )
        .texts(
            "ThumbprintList",
            provider.thumbprints.iter().map(String::as_str),
        )
        .text("CreateDate", &iso(provider.created));
    tags::write(&mut xml, &provider.tags);
    xml
}

/// The URL without its scheme, as IAM keeps it: `:443` dropped, letter case and a trailing slash
/// kept. Plain HTTP is taken for hosts of this machine only, with a port, so that an issuer can be
/// tried without a certificate; AWS takes neither.
fn stored_url(given: &str) -> Result<String, Fault> {
    check_length("url", given, 1..=255)?;
    let wrong = || invalid("Invalid Open ID Connect Provider URL");
    let url = Url::parse(given).map_err(|_| wrong())?;
    let loopback = is_loopback_http(&url);
    let rest = given
        .strip_prefix("https://")
        .or_else(|| given.strip_prefix("http://").filter(|_| loopback))
        .ok_or_else(wrong)?;
    let unusual = url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
        || url.password().is_some()
        || given
            .chars()
            .any(|character| character.is_whitespace() || character.is_control());
    if unusual {
        return Err(wrong());
    }
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let authority = authority.strip_suffix(":443").unwrap_or(authority);
    let has_port = url.port().is_some();
    if has_port && !loopback && !is_loopback_host(&url) {
        return Err(wrong());
    }
    Ok(format!("{authority}{path}"))
}

fn is_loopback_host(url: &Url) -> bool {
    let mut plain = url.clone();
    plain.set_scheme("http").is_ok() && is_loopback_http(&plain)
}

fn check_client_id(id: &str) -> Result<(), Fault> {
    check_length("clientID", id, 1..=255)
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), Fault> {
    if thumbprints.len() > THUMBPRINTS {
        return Err(invalid(
            "Thumbprint list must contain fewer than 5 entries.",
        ));
    }
    for (at, thumbprint) in thumbprints.iter().enumerate() {
        check_length(
            &format!("thumbprintList.{}.member", at + 1),
            thumbprint,
            40..=40,
        )?;
    }
    Ok(())
}

fn check_length(at: &str, text: &str, length: RangeInclusive<usize>) -> Result<(), Fault> {
    let empty = Parameters::default();
    let mut shape = Shape::new(&empty);
    shape.member(at, text, length, None);
    shape.finish()
}

fn lower(thumbprints: Vec<String>) -> Vec<String> {
    thumbprints
        .into_iter()
        .map(|thumbprint| thumbprint.to_ascii_lowercase())
        .collect()
}

fn limit(quota: &str, number: usize) -> Fault {
    Fault::new(&catalogue::LIMIT).with(
        "message",
        format!("Cannot exceed quota for {quota}: {number}"),
    )
}

const PROVIDERS: usize = 100;

const CLIENT_IDS: usize = 100;

const THUMBPRINTS: usize = 5;
