//! Client certificates as proof (RFC 8705 §2.1): a SPIFFE ID or another URI, or a DNS name, among
//! the subject alternative names of a certificate that leads to one of the tenant's authorities.
//!
//! That the peer holds the private key has been shown in the TLS handshake; this is about whose
//! certificate it is.

use std::fmt;
use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use webpki::{EndEntityCert, KeyUsage};

use crate::error::shown;
use crate::federated::{Expected, ExpectedText};

/// Authorities for client certificates, as they are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustBundleText {
    /// By which workloads refer to it.
    pub name: String,
    /// Certificates of the authorities (PEM), one or several.
    pub authorities: String,
}

/// One of a workload's `certificates:` as it is written; what is said must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateText {
    /// The bundle, by name.
    pub from: String,
    /// A URI among the certificate's names, such as `spiffe://acme.example/ns/data/sa/cube`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<ExpectedText>,
    /// A DNS name among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<ExpectedText>,
}

/// Authorities for client certificates, parsed once.
#[derive(Clone)]
pub struct TrustBundle {
    name: String,
    anchors: Vec<TrustAnchor<'static>>,
}

/// Which certificates prove to be one workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    bundle: String,
    uri: Option<Expected>,
    dns: Option<Expected>,
}

/// The names in a certificate that was judged good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateNames {
    bundle: String,
    uris: Vec<String>,
    dns: Vec<String>,
}

/// Why a client certificate was not accepted, or a declaration about one.
///
/// At the token endpoint every variant is `invalid_client` (RFC 8705 §2), except `Declared`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A bundle or a rule that cannot be. The operator's.
    #[error("{why}")]
    Declared {
        /// Where in the declaration.
        field: &'static str,
        /// What is wrong, and what to write.
        why: String,
    },
    /// More certificates, or larger ones, than any chain needs.
    #[error("the client's certificate chain is too large: up to 8 certificates of 16 KiB are read")]
    TooLarge,
    /// No certificate at all.
    #[error("the client presented no certificate")]
    None,
    /// Does not lead to an authority, is expired, is not for clients, or is damaged.
    #[error("the client certificate was not accepted: {why}")]
    Refused {
        /// What is wrong with it.
        why: String,
    },
    /// SPIFFE wants exactly one URI (X509-SVID §2).
    #[error("the client certificate has {uris} URIs; one with a SPIFFE ID has exactly one")]
    SeveralIds {
        /// How many it has.
        uris: usize,
    },
    /// Good, but somebody else's.
    #[error("the client certificate is of {found}, which is not the workload's")]
    OtherName {
        /// Its names.
        found: String,
    },
}

impl TrustBundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// [`CertificateError::Declared`].
    pub fn read(text: &TrustBundleText) -> Result<Self, CertificateError> {
        let refused = |field, why: String| CertificateError::Declared { field, why };
        if text.name.is_empty() {
            return Err(refused("name", "the trust bundle has no name".to_owned()));
        }
        let certificates = CertificateDer::pem_slice_iter(text.authorities.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| refused("ca_file", format!("the authorities are not PEM: {error}")))?;
        if certificates.is_empty() {
            return Err(refused(
                "ca_file",
                "there is no `-----BEGIN CERTIFICATE-----` in it".to_owned(),
            ));
        }
        let anchors = certificates
            .iter()
            .map(|certificate| {
                webpki::anchor_from_trusted_cert(certificate)
                    .map(|anchor| anchor.to_owned())
                    .map_err(|error| {
                        refused("ca_file", format!("an authority cannot be used: {error}"))
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            name: text.name.clone(),
            anchors,
        })
    }

    /// By which workloads refer to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Judges a chain (DER, the client's own certificate first) at `now`, in seconds since the
    /// epoch: it leads to one of the authorities, all of it is valid now, and it may be used by
    /// clients. Revocation is not looked up: certificates for workloads live hours, and a bundle
    /// is replaced at once.
    ///
    /// # Errors
    /// `None`, `TooLarge`, `Refused`.
    pub fn judge(&self, chain: &[Vec<u8>], now: i64) -> Result<CertificateNames, CertificateError> {
        if chain.len() > LONGEST_CHAIN || chain.iter().any(|one| one.len() > LARGEST) {
            return Err(CertificateError::TooLarge);
        }
        let refused = |error: webpki::Error| CertificateError::Refused {
            why: in_words(&error),
        };
        let ders: Vec<CertificateDer<'_>> = chain
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let (leaf, intermediates) = ders.split_first().ok_or(CertificateError::None)?;
        let leaf = EndEntityCert::try_from(leaf).map_err(refused)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(now.max(0).unsigned_abs()));
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &self.anchors,
            intermediates,
            time,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(refused)?;
        Ok(CertificateNames {
            bundle: self.name.clone(),
            uris: leaf.valid_uri_names().map(str::to_owned).collect(),
            // A wildcard names many hosts and so nobody.
            dns: leaf
                .valid_dns_names()
                .filter(|name| !name.contains('*'))
                .map(str::to_ascii_lowercase)
                .collect(),
        })
    }
}

impl fmt::Debug for TrustBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustBundle")
            .field("name", &self.name)
            .field("authorities", &self.anchors.len())
            .finish()
    }
}

impl CertificateRule {
    /// Checks a rule on the certificates of `bundle`, which [`CertificateText::from`] names.
    ///
    /// # Errors
    /// [`CertificateError::Declared`].
    pub fn read(text: &CertificateText, bundle: &TrustBundle) -> Result<Self, CertificateError> {
        let read = |field: &'static str, expected: &Option<ExpectedText>| {
            let expected = expected.as_ref().map(Expected::read).transpose();
            expected.map_err(|error| CertificateError::Declared {
                field,
                why: error.to_string(),
            })
        };
        if text.uri.is_none() && text.dns.is_none() {
            return Err(CertificateError::Declared {
                field: "",
                why: format!(
                    "without `uri` or `dns` every certificate of `{}` would do",
                    bundle.name
                ),
            });
        }
        Ok(Self {
            bundle: bundle.name.clone(),
            uri: read("uri", &text.uri)?,
            dns: read("dns", &text.dns)?,
        })
    }

    /// The name of the bundle.
    #[must_use]
    pub fn bundle(&self) -> &str {
        &self.bundle
    }

    /// Whether these are the workload's names.
    ///
    /// # Errors
    /// `SeveralIds`, `OtherName`.
    pub fn admits(&self, names: &CertificateNames) -> Result<(), CertificateError> {
        let spiffe = names.uris.iter().any(|uri| uri.starts_with("spiffe://"));
        if self.uri.is_some() && spiffe && names.uris.len() != 1 {
            return Err(CertificateError::SeveralIds {
                uris: names.uris.len(),
            });
        }
        let holds = |expected: &Option<Expected>, found: &[String]| {
            let fits = |expected: &Expected| found.iter().any(|name| expected.fits_text(name));
            expected.as_ref().is_none_or(fits)
        };
        let of_bundle = names.bundle == self.bundle;
        if of_bundle && holds(&self.uri, &names.uris) && holds(&self.dns, &names.dns) {
            return Ok(());
        }
        let all: Vec<String> = names
            .uris
            .iter()
            .chain(&names.dns)
            .take(4)
            .map(|name| format!("`{}`", shown(name)))
            .collect();
        Err(CertificateError::OtherName {
            found: match all.as_slice() {
                [] => "nobody: it has neither a URI nor a DNS name".to_owned(),
                all => all.join(", "),
            },
        })
    }
}

/// The certificates of a PEM text, DER, in their order; `None` where the text is not PEM.
#[must_use]
pub fn certificates_from_pem(pem: &str) -> Option<Vec<Vec<u8>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|certificate| certificate.ok().map(|der| der.to_vec()))
        .collect()
}

/// What the library found, for the person who has to mend it.
fn in_words(error: &webpki::Error) -> String {
    use webpki::Error;
    match error {
        Error::UnknownIssuer => "it does not lead to an authority of the bundle".to_owned(),
        Error::InvalidSignatureForPublicKey => {
            "it is not signed by the authority that it names".to_owned()
        }
        Error::CertExpired { .. } => "it, or an authority on its way, has expired".to_owned(),
        Error::CertNotValidYet { .. } => {
            "it, or an authority on its way, is not valid yet; compare the clocks".to_owned()
        }
        Error::RequiredEkuNotFoundContext(_) => "it may not be used by clients".to_owned(),
        Error::CaUsedAsEndEntity => "it is an authority's own".to_owned(),
        other => format!("it is damaged or of a kind that is not supported ({other})"),
    }
}

const LONGEST_CHAIN: usize = 8;
const LARGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests;
