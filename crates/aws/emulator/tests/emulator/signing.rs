//! SigV4, written a second time from its specification.

use aws_lc_rs::{digest, hmac};
use aws_sdk_sts::config::Credentials;
use serde_json::json;

use crate::lab::{ACCOUNT, Issuer, Lab, Refusal, tag};

/// Posts a form signed for `service`.
pub async fn call(
    lab: &Lab,
    service: &str,
    keys: &Credentials,
    form: &[(&str, &str)],
) -> Result<String, Refusal> {
    let body = encode(form);
    let time = basic(lab.clock.seconds());
    let host = lab.url.trim_start_matches("http://").to_owned();
    let mut headers = vec![("host", host.as_str()), ("x-amz-date", time.as_str())];
    if let Some(token) = keys.session_token() {
        headers.push(("x-amz-security-token", token));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let canonical = format!("POST\n/\n\n{lines}\n{names}\n{}", hash(body.as_bytes()));
    let signature = sign(keys, &time, service, &canonical);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{}/us-east-1/{service}/aws4_request, SignedHeaders={names}, Signature={signature}",
        keys.access_key_id(),
        &time[..8]
    );
    let mut request = reqwest::Client::new()
        .post(&lab.url)
        .header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .header("authorization", authorization)
        .header("x-amz-date", &time);
    if let Some(token) = keys.session_token() {
        request = request.header("x-amz-security-token", token);
    }
    read(request.body(body).send().await.unwrap()).await
}

/// As [`call`], as a presigned GET.
async fn presigned(
    lab: &Lab,
    keys: &Credentials,
    form: &[(&str, &str)],
    age: i64,
) -> Result<String, Refusal> {
    let time = basic(lab.clock.seconds() - age);
    let credential = format!(
        "{}/{}/us-east-1/sts/aws4_request",
        keys.access_key_id(),
        &time[..8]
    );
    let mut query = form.to_vec();
    query.extend([
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &time),
        ("X-Amz-Expires", "60"),
        ("X-Amz-SignedHeaders", "host"),
    ]);
    if let Some(token) = keys.session_token() {
        query.push(("X-Amz-Security-Token", token));
    }
    query.sort_unstable();
    let query = encode(&query);
    let host = lab.url.trim_start_matches("http://");
    let canonical = format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{}", hash(b""));
    let signature = sign(keys, &time, "sts", &canonical);
    let url = format!("{}/?{query}&X-Amz-Signature={signature}", lab.url);
    read(reqwest::Client::new().get(url).send().await.unwrap()).await
}

async fn read(answer: reqwest::Response) -> Result<String, Refusal> {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    if status == 200 {
        return Ok(text);
    }
    Err(Refusal {
        status,
        code: tag(&text, "Code"),
        message: tag(&text, "Message"),
        request_id: tag(&text, "RequestId"),
    })
}

fn sign(keys: &Credentials, time: &str, service: &str, canonical: &str) -> String {
    let mac = |key: &[u8], text: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    };
    let scope = format!("{}/us-east-1/{service}/aws4_request", &time[..8]);
    let text = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hash(canonical.as_bytes())
    );
    let key = format!("AWS4{}", keys.secret_access_key());
    let key = mac(key.as_bytes(), &time[..8]);
    let key = mac(&mac(&mac(&key, "us-east-1"), service), "aws4_request");
    hex(&mac(&key, &text))
}

fn encode(form: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| {
            let value = percent_encoding::utf8_percent_encode(value, UNRESERVED);
            format!("{name}={value}")
        })
        .collect();
    pairs.join("&")
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn basic(seconds: i64) -> String {
    let at = jiff::Timestamp::from_second(seconds).unwrap();
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

const WHO: [(&str, &str); 2] = [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];

#[tokio::test]
async fn signed_headers_and_presigned_queries_are_taken() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let admin = lab.admin(ACCOUNT);
    let job = lab.job(&issuer.token(json!({}))).await;
    for keys in [&admin, &job] {
        let answer = call(&lab, "sts", keys, &WHO).await.unwrap();
        assert_eq!(tag(&answer, "Account"), ACCOUNT);
        let answer = presigned(&lab, keys, &WHO, 0).await.unwrap();
        assert_eq!(tag(&answer, "Account"), ACCOUNT);
    }
    let late = presigned(&lab, &admin, &WHO, 61).await.unwrap_err();
    assert_eq!(late.code, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn signatures_that_do_not_fit() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let admin = lab.admin(ACCOUNT);
    let job = lab.job(&issuer.token(json!({}))).await;
    let with = |id: &str, secret: &str, token: Option<&str>| {
        Credentials::new(id, secret, token.map(str::to_owned), None, "test")
    };
    let secret = admin.secret_access_key();
    let id = admin.access_key_id();
    for (keys, code) in [
        (with(id, "wrong", None), "SignatureDoesNotMatch"),
        (
            with("AKIAUNKNOWNUNKNOWN00", secret, None),
            "InvalidClientTokenId",
        ),
        (
            with(id, secret, job.session_token()),
            "InvalidClientTokenId",
        ),
        (
            with(job.access_key_id(), job.secret_access_key(), None),
            "InvalidClientTokenId",
        ),
        (
            with(job.access_key_id(), job.secret_access_key(), Some("other")),
            "InvalidClientTokenId",
        ),
        (
            with(job.access_key_id(), secret, job.session_token()),
            "SignatureDoesNotMatch",
        ),
    ] {
        let refusal = call(&lab, "sts", &keys, &WHO).await.unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (403, code));
    }
    let unsigned = lab.post(&WHO).await.unwrap_err();
    assert_eq!(
        (unsigned.status, unsigned.code.as_str()),
        (403, "MissingAuthenticationToken")
    );
    let other_service = call(&lab, "iam", &admin, &WHO).await.unwrap_err();
    assert_eq!(other_service.code, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn an_authorization_header_does_not_matter_to_web_identity() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let nobody = Credentials::new("AKIAUNKNOWNUNKNOWN00", "x", None, None, "test");
    let token = issuer.token(json!({}));
    let form = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", "arn:aws:iam::123456789012:role/team/job"),
        ("RoleSessionName", "session-1"),
        ("WebIdentityToken", token.as_str()),
    ];
    call(&lab, "sts", &nobody, &form).await.unwrap();
}

const UNRESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
