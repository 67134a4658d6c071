//! Registrations of OIDC providers: `aws iam get-open-id-connect-provider`, Terraform and
//! CloudFormation, or lines copied from the console.

use rolecall_documents::{FoundProvider, Text};
use rolecall_source::SourceText;
use serde::Serialize;
use serde_json::Value;

/// A provider as it is registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenProvider {
    /// Its URL without the scheme; a slash at the end is kept.
    pub url: String,
    /// Its ARN, where it is told.
    pub arn: Option<String>,
    /// The audiences it takes; `None` where they are not told.
    pub client_ids: Option<Vec<String>>,
    /// Its thumbprints.
    pub thumbprints: Vec<String>,
    /// Where it was read.
    pub origin: String,
}

impl SeenProvider {
    /// A provider by its URL and audiences, with or without the scheme.
    pub fn new(url: &str, client_ids: Option<Vec<String>>, origin: impl Into<String>) -> Self {
        Self {
            url: bare(url).to_owned(),
            client_ids,
            origin: origin.into(),
            ..Self::default()
        }
    }

    /// What `aws iam get-open-id-connect-provider` prints.
    pub(crate) fn from_json(value: &Value, origin: &str) -> Option<Self> {
        let clients = value.get("ClientIDList")?;
        let url = value.get("Url")?.as_str()?;
        let texts = |list: &Value| -> Vec<String> {
            let items = list.as_array().into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Some(Self {
            thumbprints: value.get("ThumbprintList").map(texts).unwrap_or_default(),
            ..Self::new(url, Some(texts(clients)), origin)
        })
    }

    pub(crate) fn from_found(found: &FoundProvider, source: &SourceText) -> Self {
        let texts = |list: &[Text]| {
            list.iter()
                .map(|text| text.value.clone())
                .collect::<Vec<_>>()
        };
        Self {
            arn: found
                .arn
                .as_ref()
                .filter(|arn| arn.symbols.is_empty())
                .map(|arn| arn.value.clone()),
            thumbprints: texts(&found.thumbprints),
            ..Self::new(
                &found.url.value,
                Some(texts(&found.client_ids)),
                format!("{}:{}", source.name, source.position(found.span.start)),
            )
        }
    }
}

/// A registration by lines such as `Provider URL: https://…` and `Audience: …`.
pub(crate) fn listed_provider(source: &SourceText) -> Option<SeenProvider> {
    let mut found: Option<SeenProvider> = None;
    let mut clients: Option<Vec<String>> = None;
    for (number, line) in source.text.lines().enumerate() {
        let Some((name, value)) = line.split_once([':', '=']) else {
            continue;
        };
        let name = name
            .trim()
            .trim_matches(['"', '*', '-', '`', ' '])
            .to_ascii_lowercase();
        let value = value.trim().trim_matches(['"', '\'', '`', ',', '*', ' ']);
        let url = value.strip_prefix("https://").is_some() || value.contains('.');
        match name.as_str() {
            "provider url" | "provider-url" | "provider" | "oidc provider" | "issuer url"
                if url && !value.contains(' ') && !value.starts_with("arn:") =>
            {
                let origin = format!("the provider's URL on line {}", number + 1);
                found.get_or_insert_with(|| SeenProvider::new(value, None, origin));
            }
            "audiences" | "client id" | "client ids" | "client-id" | "client id list"
                if !value.is_empty() =>
            {
                let texts = value.trim_matches(['[', ']']).split([',', ' ']);
                let texts = texts.map(|text| text.trim().trim_matches(['"', '\'']).to_owned());
                clients = Some(texts.filter(|text| !text.is_empty()).collect());
            }
            _ => {}
        }
    }
    let mut found = found?;
    found.client_ids = clients;
    Some(found)
}

/// A URL without its scheme.
pub(crate) fn bare(url: &str) -> &str {
    url.strip_prefix("https://").unwrap_or(url)
}
