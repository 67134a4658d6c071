//! AWS Signature Version 4 of signed calls, in headers and in the query string.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::collections::BTreeMap;

use aws_lc_rs::{constant_time, digest, hmac};
use jiff::civil::DateTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::call::Call;
use crate::secret::Secret;
use crate::wire::{Fault, catalogue};

/// What a request says about its signature; nothing of it is verified yet.
pub(crate) struct Signed {
    pub(crate) access_key_id: String,
    pub(crate) session_token: Option<Secret>,
    date: String,
    region: String,
    service: String,
    time: String,
    signed_headers: Vec<String>,
    signature: String,
    /// How long a presigned URL holds, in seconds.
    valid_for: Option<i64>,
}

/// The region in the credential scope, whether or not the signature holds.
pub(crate) fn signed_region(call: &Call) -> Option<String> {
    Signed::read(call).ok().map(|signed| signed.region)
}

impl Signed {
    /// Reads the `Authorization` header, or the `X-Amz-*` query parameters of a presigned URL.
    pub(crate) fn read(call: &Call) -> Result<Self, Fault> {
        if let Some(authorization) = call.header("authorization") {
            return Self::from_header(call, authorization);
        }
        let query: BTreeMap<String, String> = form_urlencoded::parse(call.query.as_bytes())
            .into_owned()
            .collect();
        if query.contains_key("X-Amz-Algorithm") {
            return Self::from_query(&query);
        }
        Err(Fault::new(&catalogue::MISSING_AUTHENTICATION))
    }

    fn from_header(call: &Call, authorization: &str) -> Result<Self, Fault> {
        let Some(rest) = authorization.strip_prefix(ALGORITHM) else {
            return Err(incomplete(
                "Authorization header does not begin with 'AWS4-HMAC-SHA256'",
            ));
        };
        let parts: BTreeMap<&str, &str> = rest
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .collect();
        let part = |name: &str| {
            parts.get(name).copied().ok_or_else(|| {
                incomplete(&format!(
                    "Authorization header requires '{name}' parameter."
                ))
            })
        };
        let time = call.header("x-amz-date").ok_or_else(|| {
            incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
        })?;
        Self::new(
            part("Credential")?,
            part("SignedHeaders")?,
            part("Signature")?,
            time,
            call.header("x-amz-security-token"),
            None,
        )
    }

    fn from_query(query: &BTreeMap<String, String>) -> Result<Self, Fault> {
        if query.get("X-Amz-Algorithm").map(String::as_str) != Some(ALGORITHM) {
            return Err(incomplete("X-Amz-Algorithm is not 'AWS4-HMAC-SHA256'"));
        }
        let part = |name: &str| {
            query
                .get(name)
                .map(String::as_str)
                .ok_or_else(|| incomplete(&format!("The query string requires '{name}'.")))
        };
        let valid_for = part("X-Amz-Expires")?
            .parse()
            .ok()
            .filter(|seconds| (1..=604_800).contains(seconds))
            .ok_or_else(|| incomplete("X-Amz-Expires must be from 1 to 604800 seconds."))?;
        Self::new(
            part("X-Amz-Credential")?,
            part("X-Amz-SignedHeaders")?,
            part("X-Amz-Signature")?,
            part("X-Amz-Date")?,
            query.get("X-Amz-Security-Token").map(String::as_str),
            Some(valid_for),
        )
    }

    fn new(
        credential: &str,
        signed_headers: &str,
        signature: &str,
        time: &str,
        session_token: Option<&str>,
        valid_for: Option<i64>,
    ) -> Result<Self, Fault> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, "aws4_request"] = parts[..] else {
            return Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term",
            ));
        };
        let signed_headers: Vec<String> = signed_headers
            .split(';')
            .map(str::to_ascii_lowercase)
            .collect();
        if !signed_headers.iter().any(|name| name == "host") {
            return Err(mismatch(
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            ));
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            session_token: session_token.map(|token| Secret::new(token.to_owned())),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            time: time.to_owned(),
            signed_headers,
            signature: signature.to_owned(),
            valid_for,
        })
    }

    /// Verifies scope, time and signature with the key's secret.
    pub(crate) fn verify(&self, call: &Call, service: &str, secret: &Secret) -> Result<(), Fault> {
        if self.service != service {
            return Err(mismatch(&format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        self.verify_time(call.now)?;
        let scope = format!(
            "{}/{}/{}/aws4_request",
            self.date, self.region, self.service
        );
        let canonical =
            hex(digest::digest(&digest::SHA256, self.canonical_request(call).as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{canonical}", self.time);
        let mut key = zeroize::Zeroizing::new(format!("AWS4{}", secret.expose()).into_bytes());
        for part in [&self.date, &self.region, &self.service, "aws4_request"] {
            key = zeroize::Zeroizing::new(sign(&key, part.as_bytes()).as_ref().to_vec());
        }
        let expected = hex(sign(&key, to_sign.as_bytes()).as_ref());
        constant_time::verify_slices_are_equal(expected.as_bytes(), self.signature.as_bytes())
            .map_err(|_| Fault::new(&catalogue::WRONG_SIGNATURE))
    }

    fn verify_time(&self, now: i64) -> Result<(), Fault> {
        let at = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.time)
            .ok()
            .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .map(|at| at.timestamp().as_second())
            .ok_or_else(|| incomplete("Date must be in ISO-8601 'basic format'."))?;
        if !self.time.starts_with(&self.date) {
            return Err(mismatch(&format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', from '{}'.",
                self.date,
                self.time.get(..8).unwrap_or_default(),
                self.time
            )));
        }
        let oldest = now - self.valid_for.unwrap_or(SKEW_SECONDS);
        if at < oldest {
            return Err(mismatch(&format!(
                "Signature expired: {} is now earlier than {} ({} - 15 min.)",
                self.time,
                basic(oldest),
                basic(now)
            )));
        }
        if at > now + SKEW_SECONDS {
            return Err(mismatch(&format!(
                "Signature not yet current: {} is still later than {} ({} + 15 min.)",
                self.time,
                basic(now + SKEW_SECONDS),
                basic(now)
            )));
        }
        Ok(())
    }

    fn canonical_request(&self, call: &Call) -> String {
        let path = if call.path.is_empty() {
            "/"
        } else {
            &call.path
        };
        let path = utf8_percent_encode(path, PATH).to_string();
        let mut query: Vec<(String, String)> = call
            .query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (encoded(name), encoded(value)))
            .filter(|(name, _)| name != "X-Amz-Signature")
            .collect();
        query.sort();
        let query: Vec<String> = query
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut headers = String::new();
        for name in &self.signed_headers {
            let values: Vec<String> = call
                .headers
                .get_all(name)
                .iter()
                .map(|value| {
                    String::from_utf8_lossy(value.as_bytes())
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect();
            headers.push_str(&format!("{name}:{}\n", values.join(",")));
        }
        // The true hash of the body, whatever the request claims it to be.
        let body = hex(digest::digest(&digest::SHA256, &call.body).as_ref());
        format!(
            "{}\n{path}\n{}\n{headers}\n{}\n{body}",
            call.method,
            query.join("&"),
            self.signed_headers.join(";"),
        )
    }
}

fn sign(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

fn encoded(text: &str) -> String {
    let plain = text.replace('+', " ");
    let decoded = percent_decode_str(&plain).decode_utf8_lossy();
    utf8_percent_encode(&decoded, QUERY).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
        text
    })
}

fn basic(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |at| at.strftime("%Y%m%dT%H%M%SZ").to_string(),
    )
}

fn incomplete(message: &str) -> Fault {
    Fault::new(&catalogue::INCOMPLETE_SIGNATURE).with("message", message)
}

fn mismatch(message: &str) -> Fault {
    Fault::new(&catalogue::SIGNATURE_TIME).with("message", message)
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

const SKEW_SECONDS: i64 = 900;

const HEX: &[u8; 16] = b"0123456789abcdef";

const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const PATH: &AsciiSet = &QUERY.remove(b'/');

#[cfg(test)]
mod tests;
