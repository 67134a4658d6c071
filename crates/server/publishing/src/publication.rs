//! The two documents as files below a host, so that any web server or bucket can stand in for the
//! issuer.

use crate::{Finding, Verdict, discovery, jwks_uri, keys};

/// Discovery and JWKS of one issuer, fit to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    files: [PublishedFile; 2],
}

/// One document and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// The path below the root of the issuer's host, without a slash at its beginning.
    pub path: String,
    /// The public URL.
    pub url: String,
    /// What is served there, byte by byte.
    pub body: Vec<u8>,
}

/// Where documents are put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shelf {
    /// Printed.
    Output,
    /// Below a folder that a web server shows.
    Folder(std::path::PathBuf),
    /// Into a bucket, below a prefix that may be empty and ends with a slash otherwise.
    Bucket {
        /// The bucket's name.
        name: String,
        /// Before each path.
        prefix: String,
    },
}

impl std::str::FromStr for Shelf {
    type Err = String;

    /// `-`, `s3://bucket/prefix` or a folder.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Output);
        }
        let Some(place) = text.strip_prefix("s3://") else {
            return Ok(Self::Folder(text.into()));
        };
        let (name, prefix) = place.split_once('/').unwrap_or((place, ""));
        let is_name = (3..=63).contains(&name.len())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c));
        if !is_name {
            return Err(format!("`{name}` cannot be the name of a bucket"));
        }
        let prefix = prefix.trim_matches('/');
        Ok(Self::Bucket {
            name: name.to_owned(),
            prefix: match prefix {
                "" => String::new(),
                prefix => format!(
                    "{}/",
                    checked(&format!("/{prefix}")).map_err(|error| error.to_string())?
                ),
            },
        })
    }
}

/// Why documents are not published.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishingError {
    /// AWS would refuse what is to be published.
    #[error("AWS would refuse the documents: {}", .0.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Finding>),
    /// The keys belong on another host than the issuer.
    #[error("`jwks_uri` is `{uri}`, which does not lie below the host of `{issuer}`")]
    Elsewhere {
        /// Where the keys belong.
        uri: String,
        /// The issuer.
        issuer: String,
    },
    /// A path that would leave the folder, or that is none.
    #[error("`{path}` cannot be published as a file")]
    Path {
        /// The path of the URL.
        path: String,
    },
}

impl Publication {
    /// The documents of `issuer`, as the installation serves them.
    ///
    /// # Errors
    /// AWS would refuse them, or they do not lie below one host.
    pub fn new(issuer: &str, discovery: &[u8], jwks: &[u8]) -> Result<Self, PublishingError> {
        let findings = discovery::judge(issuer, discovery)
            .into_iter()
            .chain(keys::judge(jwks));
        let refused: Vec<Finding> = findings
            .filter(|finding| finding.verdict == Verdict::Failure)
            .collect();
        if !refused.is_empty() {
            return Err(PublishingError::Refused(refused));
        }
        let origin_end = issuer.find("://").map_or(0, |at| at + 3).min(issuer.len());
        let origin_end = issuer[origin_end..]
            .find('/')
            .map_or(issuer.len(), |at| origin_end + at);
        let origin = &issuer[..origin_end];
        let uri = jwks_uri(discovery).unwrap_or_default();
        let Some(jwks_path) = uri
            .strip_prefix(origin)
            .filter(|path| path.starts_with('/'))
        else {
            return Err(PublishingError::Elsewhere {
                uri,
                issuer: issuer.to_owned(),
            });
        };
        let bare = issuer.strip_suffix('/').unwrap_or(issuer);
        let discovery_path = format!(
            "{}/.well-known/openid-configuration",
            &bare[origin_end.min(bare.len())..]
        );
        let file = |path: &str, body: &[u8]| {
            Ok(PublishedFile {
                path: checked(path)?,
                url: format!("{origin}{path}"),
                body: body.to_vec(),
            })
        };
        // Who reads the new discovery document must find the new keys already.
        Ok(Self {
            files: [file(jwks_path, jwks)?, file(&discovery_path, discovery)?],
        })
    }

    /// The files, in the order in which they must appear: keys before discovery.
    #[must_use]
    pub fn files(&self) -> &[PublishedFile] {
        &self.files
    }
}

fn checked(path: &str) -> Result<String, PublishingError> {
    let relative = path.trim_start_matches('/');
    let is_plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~@+".contains(c))
    };
    if path.starts_with("//") || !relative.split('/').all(is_plain) {
        return Err(PublishingError::Path {
            path: path.to_owned(),
        });
    }
    Ok(relative.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Publication, PublishingError};

    const KEYS: &[u8] = br#"{"keys":[{"kty":"EC","kid":"one","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}"#;

    fn discovery(issuer: &str, jwks: &str) -> Vec<u8> {
        serde_json::json!({"issuer": issuer, "jwks_uri": jwks})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn keys_come_before_discovery_below_the_issuer_s_path() {
        let issuer = "https://a.example/team";
        let document = discovery(issuer, "https://a.example/team/.well-known/jwks.json");
        let publication = Publication::new(issuer, &document, KEYS).unwrap();
        let paths: Vec<&str> = publication
            .files()
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "team/.well-known/jwks.json",
                "team/.well-known/openid-configuration"
            ]
        );
        assert_eq!(publication.files()[0].body, KEYS);
    }

    #[test]
    fn nothing_is_published_that_aws_would_refuse_or_that_leaves_the_folder() {
        let issuer = "https://a.example";
        let published =
            |jwks: &str, keys: &[u8]| Publication::new(issuer, &discovery(issuer, jwks), keys);
        assert!(matches!(
            published("https://a.example/keys", br#"{"keys":[]}"#),
            Err(PublishingError::Refused(_))
        ));
        assert!(matches!(
            published("https://b.example/keys", KEYS),
            Err(PublishingError::Elsewhere { .. })
        ));
        assert!(matches!(
            published("https://a.example.evil/keys", KEYS),
            Err(PublishingError::Elsewhere { .. })
        ));
        for path in ["/../keys", "//keys", "/", "/a%2fb", "/a/./b"] {
            assert!(
                matches!(
                    published(&format!("https://a.example{path}"), KEYS),
                    Err(PublishingError::Path { .. })
                ),
                "{path}"
            );
        }
    }
}
