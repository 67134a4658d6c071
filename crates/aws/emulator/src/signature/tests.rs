#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use http::{HeaderMap, HeaderValue, Method};

use super::*;
use crate::wire::{Code, Parameters};

/// The example of AWS's SigV4 documentation: ListUsers of IAM on 2015-08-30.
fn documented() -> Call {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "iam.amazonaws.com"),
        (
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Call {
        request_id: String::new(),
        now: 1_440_938_160,
        method: Method::GET,
        path: "/".to_owned(),
        query: "Action=ListUsers&Version=2010-05-08".to_owned(),
        headers,
        body: Vec::new(),
        parameters: Parameters::default(),
        source: None,
        action: "ListUsers".to_owned(),
    }
}

fn secret() -> Secret {
    Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned())
}

fn verify(call: &Call) -> Result<(), Code> {
    Signed::read(call)
        .and_then(|signed| signed.verify(call, "iam", &secret()))
        .map_err(|fault| fault.code())
}

#[test]
fn the_documented_example_verifies() {
    assert_eq!(verify(&documented()), Ok(()));
}

#[test]
fn whatever_is_changed_breaks_it() {
    let mismatch = Err(Code::SignatureDoesNotMatch);
    let mut call = documented();
    call.body = b"x".to_vec();
    assert_eq!(verify(&call), mismatch);
    let mut call = documented();
    call.query.push_str("&More=1");
    assert_eq!(verify(&call), mismatch);
    let mut call = documented();
    call.path = "/x".to_owned();
    assert_eq!(verify(&call), mismatch);
    let mut call = documented();
    call.headers
        .insert("host", HeaderValue::from_static("other.example"));
    assert_eq!(verify(&call), mismatch);
    for seconds in [-901, 901] {
        let mut call = documented();
        call.now += seconds;
        assert_eq!(verify(&call), mismatch);
    }
}

#[test]
fn parts_that_are_missing_are_named() {
    let mut call = documented();
    call.headers.remove("x-amz-date");
    assert_eq!(verify(&call), Err(Code::IncompleteSignature));
    let mut call = documented();
    call.headers.insert(
        "authorization",
        HeaderValue::from_static("AWS4-HMAC-SHA256 Credential=A/b, Signature=x"),
    );
    assert_eq!(verify(&call), Err(Code::IncompleteSignature));
    call.headers.remove("authorization");
    assert_eq!(verify(&call), Err(Code::MissingAuthenticationToken));
}
