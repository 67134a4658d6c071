//! The certificate that a client showed in the TLS handshake: to this server, or to a proxy that is
//! trusted to say so.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use rolecall_attest::certificates_from_pem;
use rolecall_listening::{ConnectedFrom, PeerCertificate, Proxies};
use serde::Deserialize;

use crate::refusal::{Code, Refusal};

/// In which form a proxy passes the client's certificate on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateHeader {
    /// `Client-Cert` and `Client-Cert-Chain` (RFC 9440).
    ClientCert,
    /// `X-Forwarded-Client-Cert` with `Cert` or `Chain`, as Envoy and Istio write it.
    XForwardedClientCert,
}

/// Takes clients' certificates from `header` of requests that come from one of `proxies`. In
/// requests from anywhere else the header is passed over: anybody can write one.
pub fn with_certificate_header(
    router: Router,
    header: CertificateHeader,
    proxies: Proxies,
) -> Router {
    let proxies = Arc::new(proxies);
    router.layer(from_fn(move |request: Request, next: Next| {
        let proxies = Arc::clone(&proxies);
        async move { pass_on(header, &proxies, request, next).await }
    }))
}

async fn pass_on(
    header: CertificateHeader,
    proxies: &Proxies,
    mut request: Request,
    next: Next,
) -> Response {
    let from = request.extensions().get::<ConnectedFrom>();
    let from_proxy = from.is_some_and(|from| proxies.contains(from.0.ip()));
    if from_proxy {
        match header.read(request.headers()) {
            Ok(None) => {
                // What the handshake showed is the proxy's own, which says nothing about a client.
                request.extensions_mut().remove::<PeerCertificate>();
            }
            Ok(Some(chain)) => {
                request.extensions_mut().insert(PeerCertificate::new(chain));
            }
            Err(name) => {
                return Refusal::new(
                    Code::InvalidRequest,
                    format!("the proxy's header `{name}` holds no certificate in its form"),
                )
                .into_response();
            }
        }
    }
    next.run(request).await
}

impl CertificateHeader {
    /// The chain that the headers hold, or the name of the header that is broken.
    fn read(self, headers: &HeaderMap) -> Result<Option<Vec<Vec<u8>>>, &'static str> {
        let whole = |name: &'static str| {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| name),
                // Two would leave it open which of them the proxy wrote.
                (Some(_), Some(_)) => Err(name),
            }
        };
        match self {
            Self::ClientCert => {
                let Some(own) = whole(CLIENT_CERT)? else {
                    return Ok(None);
                };
                let mut chain = vec![byte_sequence(own).ok_or(CLIENT_CERT)?];
                if let Some(rest) = whole(CLIENT_CERT_CHAIN)? {
                    for item in rest.split(',') {
                        chain.push(byte_sequence(item).ok_or(CLIENT_CERT_CHAIN)?);
                    }
                }
                Ok(Some(chain))
            }
            Self::XForwardedClientCert => match whole(XFCC)? {
                None => Ok(None),
                Some(value) => forwarded(value).map(Some).ok_or(XFCC),
            },
        }
    }
}

/// A byte sequence of RFC 8941 §3.3.5: base64 between colons.
fn byte_sequence(item: &str) -> Option<Vec<u8>> {
    let inner = item.trim().strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(inner).ok()
}

/// The last element of a forwarded header, which the nearest proxy wrote: its `Chain`, or its
/// `Cert`, URL-encoded PEM.
fn forwarded(value: &str) -> Option<Vec<Vec<u8>>> {
    let element = split_outside_quotes(value, ',').pop()?;
    let fields = split_outside_quotes(element, ';');
    let field = |wanted: &str| {
        fields.iter().find_map(|field| {
            let (name, value) = field.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim().trim_matches('"'))
        })
    };
    let pem = field("Chain").or_else(|| field("Cert"))?;
    let pem = percent_decode_str(pem).decode_utf8().ok()?;
    certificates_from_pem(&pem).filter(|chain| !chain.is_empty())
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|character| {
        if character == '"' {
            quoted = !quoted;
        }
        character == separator && !quoted
    })
    .collect()
}

const CLIENT_CERT: &str = "client-cert";
const CLIENT_CERT_CHAIN: &str = "client-cert-chain";
const XFCC: &str = "x-forwarded-client-cert";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    const PEM: &str = "-----BEGIN%20CERTIFICATE-----%0AAQID%0A-----END%20CERTIFICATE-----%0A";

    fn read(
        form: CertificateHeader,
        pairs: &[(&'static str, &str)],
    ) -> Result<Option<Vec<Vec<u8>>>, &'static str> {
        form.read(&headers(pairs))
    }

    #[test]
    fn both_forms_are_read() {
        let (new, old) = (
            CertificateHeader::ClientCert,
            CertificateHeader::XForwardedClientCert,
        );
        let one = Ok(Some(vec![vec![1, 2, 3]]));
        assert_eq!(read(new, &[(CLIENT_CERT, ":AQID:")]), one);
        assert_eq!(
            read(
                new,
                &[
                    (CLIENT_CERT, ":AQID:"),
                    (CLIENT_CERT_CHAIN, ":BA==:, :BQ==:")
                ]
            ),
            Ok(Some(vec![vec![1, 2, 3], vec![4], vec![5]]))
        );
        assert_eq!(
            read(
                old,
                &[(
                    XFCC,
                    &format!("By=spiffe://a,b;Hash=00;Cert=\"{PEM}\";URI=x")
                )]
            ),
            one
        );
        let two = format!("Cert=\"{PEM}{PEM}\",Hash=1;Chain=\"{PEM}{PEM}\"");
        assert_eq!(
            read(old, &[(XFCC, &two)]),
            Ok(Some(vec![vec![1, 2, 3], vec![1, 2, 3]]))
        );
        assert_eq!(read(new, &[(XFCC, "x")]), Ok(None));
        for broken in ["AQID", ":AQID", ":!:", ""] {
            assert_eq!(read(new, &[(CLIENT_CERT, broken)]), Err(CLIENT_CERT));
            assert_eq!(read(old, &[(XFCC, broken)]), Err(XFCC));
        }
        assert_eq!(
            read(new, &[(CLIENT_CERT, ":AQID:"), (CLIENT_CERT, ":AQID:")]),
            Err(CLIENT_CERT)
        );
    }
}
