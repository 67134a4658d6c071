#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use http::request::Parts;
use proptest::prelude::*;

use super::{Proof, TokenRequest};
use crate::refusal::Refusal;

const PROOF: &str = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b.c";

fn assertion<'r>(request: &'r TokenRequest<'_>) -> &'r str {
    match &request.proof {
        Proof::Assertion(assertion) => assertion,
        Proof::Certificate(_) | Proof::Secret(_) | Proof::SubjectToken(_) => {
            panic!("an assertion became something else")
        }
    }
}

/// A request without headers.
fn head() -> Parts {
    http::Request::new(()).into_parts().0
}

fn refusal(body: &str) -> Refusal {
    match TokenRequest::read(body.as_bytes(), &head()) {
        Ok(_) => panic!("`{body}` was accepted"),
        Err(refusal) => refusal,
    }
}

#[test]
fn everything_is_read() {
    let body = format!(
        "grant_type=client_credentials&{PROOF}&token_config=aws&attributes=%7B%22a%22%3A%22b%22%7D&role=r&unknown=1&unknown=2&audience="
    );
    let request = TokenRequest::read(body.as_bytes(), &head()).unwrap();
    assert_eq!(assertion(&request), "a.b.c");
    assert_eq!(request.token_config.as_deref(), Some("aws"));
    assert_eq!(request.attributes.as_deref(), Some("{\"a\":\"b\"}"));
    assert_eq!(request.role.as_deref(), Some("r"));
    assert_eq!(request.audience, None);
    assert_eq!(request.client_id, None);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    insta::assert_snapshot!(refusal(""), @"invalid_request: the parameter `grant_type` is missing; use `client_credentials`, or `urn:ietf:params:oauth:grant-type:token-exchange` with a token of a trusted issuer");
    insta::assert_snapshot!(refusal("grant_type=password"), @"unsupported_grant_type: the grant type `password` is not supported; use `client_credentials`, or `urn:ietf:params:oauth:grant-type:token-exchange` with a token of a trusted issuer");
    insta::assert_snapshot!(refusal("grant_type=client_credentials"), @"invalid_client: the workload did not say who it is: send `client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer` and a `client_assertion` signed with a key of the workload");
    insta::assert_snapshot!(
        refusal("grant_type=client_credentials&client_assertion_type=saml&client_assertion=x"),
        @"invalid_client: the client assertion type `saml` is not supported; use `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`"
    );
    insta::assert_snapshot!(
        refusal(&format!("grant_type=client_credentials&{PROOF}&role=a&role=b")),
        @"invalid_request: the parameter `role` is sent more than once"
    );
}

proptest! {
    #[test]
    fn no_body_panics_and_what_form_encoding_says_is_what_is_read(
        assertion in "[ -~]{1,40}",
        role in "\\PC{1,20}",
        noise in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let _ = TokenRequest::read(&noise, &head());
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", super::ASSERTION_TYPE)
            .append_pair("client_assertion", &assertion)
            .append_pair("role", &role)
            .finish();
        let read = TokenRequest::read(body.as_bytes(), &head());
        prop_assert!(read.is_ok());
        if let Ok(request) = read {
            prop_assert_eq!(super::tests::assertion(&request), assertion);
            prop_assert_eq!(request.role.as_deref(), Some(role.as_str()));
        }
    }
}
