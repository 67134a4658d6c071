#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_jose::{Algorithm, KeyKind, SigningKey, VerifyingKey, es256_to_der};
use rolecall_signing_keys::{Backend as _, BackendError, RsaBits, WantedKey};

use crate::KmsBackend;
use crate::messages;

fn told(code: &str, status: u16) -> String {
    let answer = format!(r#"{{"__type":"com.amazonaws.kms#{code}","message":"as it says"}}"#);
    messages::refused("Sign", status, answer.as_bytes(), Some("arn:k")).to_string()
}

#[test]
fn refusals_say_who_can_mend_them() {
    insta::assert_snapshot!(told("NotFoundException", 400), @"the key `arn:k` is not there; it was deleted, or this is another token or account");
    insta::assert_snapshot!(told("AccessDeniedException", 400), @"KMS does not allow kms:Sign (AccessDeniedException: as it says); the permissions are in docs/keys.md");
    insta::assert_snapshot!(told("ExpiredTokenException", 400), @"KMS does not take the credentials (ExpiredTokenException: as it says)");
    insta::assert_snapshot!(told("DisabledException", 400), @"the KMS key `arn:k` is disabled or about to be deleted (DisabledException: as it says); enable it again");
    insta::assert_snapshot!(told("ThrottlingException", 400), @"KMS cannot Sign at present (ThrottlingException: as it says)");
    insta::assert_snapshot!(told("UnsupportedOperationException", 400), @"KMS refused to Sign (UnsupportedOperationException: as it says)");
    insta::assert_snapshot!(messages::refused("Sign", 502, b"<html>", None), @"KMS cannot Sign at present (HTTP 502)");
}

#[test]
fn answers_that_are_none_are_told() {
    insta::assert_snapshot!(messages::created(b"{}").unwrap_err(), @"what KMS answered to CreateKey cannot be used: missing field `KeyMetadata` at line 1 column 2");
    insta::assert_snapshot!(messages::published(br#"{"PublicKey":"AAAA"}"#).unwrap_err(), @"what KMS answered to GetPublicKey cannot be used: the public key is damaged or of a kind that is not supported; RSA and EC P-256 are");
    insta::assert_snapshot!(messages::signature(br#"{"Signature":"AAAA"}"#, Algorithm::Es256).unwrap_err(), @"what KMS answered to Sign cannot be used: the ES256 signature has 3 bytes instead of 64");
}

#[test]
fn a_message_that_is_too_long_is_given_as_its_digest() {
    let kind = |length| {
        let message = vec![b'a'; length];
        let asked = messages::sign("arn:k", Algorithm::Rs256, &message).unwrap();
        let bytes = asked.body["Message"].as_str().unwrap().len() * 3 / 4;
        (asked.body["MessageType"].clone(), bytes)
    };
    assert_eq!(kind(4095), ("RAW".into(), 4095));
    assert_eq!(kind(4097), ("DIGEST".into(), 33));
}

#[test]
fn keys_are_deleted_by_their_id() {
    let asked = messages::schedule_deletion("arn:aws:kms:eu-north-1:111122223333:key/ab-12", 7);
    insta::assert_snapshot!(asked.body, @r#"{"KeyId":"ab-12","PendingWindowInDays":7}"#);
}

#[test]
fn keys_are_asked_for_by_their_size() {
    let spec = |algorithm, rsa_bits| {
        let wanted = WantedKey {
            tenant: "acme".to_owned(),
            algorithm,
            rsa_bits,
        };
        messages::create_key(&wanted).map(|question| question.body["KeySpec"].clone())
    };
    assert_eq!(spec(Algorithm::Rs256, RsaBits::B3072).unwrap(), "RSA_3072");
    assert_eq!(
        spec(Algorithm::Es256, RsaBits::B3072).unwrap(),
        "ECC_NIST_P256"
    );
    assert!(spec(Algorithm::Es384, RsaBits::B2048).is_err());
}

/// What a stand-in for KMS answers, one after the other, and what it was asked.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Scripted {
    async fn serve(self) -> KmsBackend {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        let answering = move |headers: HeaderMap, body: String| {
            let signed = headers["authorization"].to_str().unwrap();
            assert!(signed.contains("/eu-north-1/kms/aws4_request"), "{signed}");
            let target = headers["x-amz-target"].to_str().unwrap().to_owned();
            self.asked.lock().unwrap().push((target, body));
            let (status, answer) = self.answers.lock().unwrap().remove(0);
            std::future::ready((StatusCode::from_u16(status).unwrap(), answer))
        };
        let router = Router::new().fallback(answering);
        tokio::spawn(axum::serve(listener, router).into_future());
        let credentials = Credentials::new("AKIAEXAMPLE", "canary-secret", None, None, "test");
        KmsBackend::new(
            SharedCredentialsProvider::new(credentials),
            "eu-north-1".parse().unwrap(),
            Some(endpoint),
            7,
        )
        .unwrap()
    }
}

#[tokio::test]
async fn a_busy_kms_is_asked_again_and_its_der_becomes_fixed() {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let signature = es256_to_der(&key.sign(b"message").unwrap()).unwrap();
    let script = Scripted::default();
    *script.answers.lock().unwrap() = vec![
        (400, r#"{"__type":"ThrottlingException"}"#.to_owned()),
        (503, String::new()),
        (
            200,
            format!(r#"{{"Signature":"{}"}}"#, STANDARD.encode(signature)),
        ),
    ];
    let asked = Arc::clone(&script.asked);
    let kms = script.serve().await;
    let signed = kms
        .sign("arn:k", Algorithm::Es256, b"message")
        .await
        .unwrap();
    let public = VerifyingKey::from_jwk(key.public_jwk()).unwrap();
    public
        .verify(Algorithm::Es256, b"message", &signed)
        .unwrap();
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[0].0, "TrentService.Sign");
    insta::assert_snapshot!(asked[0].1, @r#"{"KeyId":"arn:k","Message":"bWVzc2FnZQ==","MessageType":"RAW","SigningAlgorithm":"ECDSA_SHA_256"}"#);
}

#[tokio::test]
async fn a_key_that_is_not_known_everywhere_yet_is_waited_for() {
    let spki = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==";
    let script = Scripted::default();
    *script.answers.lock().unwrap() = vec![
        (200, r#"{"KeyMetadata":{"Arn":"arn:new"}}"#.to_owned()),
        (400, r#"{"__type":"NotFoundException"}"#.to_owned()),
        (200, format!(r#"{{"PublicKey":"{spki}"}}"#)),
    ];
    let wanted = WantedKey {
        tenant: "acme".to_owned(),
        algorithm: Algorithm::Es256,
        rsa_bits: RsaBits::default(),
    };
    let held = script.serve().await.make(&wanted).await.unwrap();
    assert_eq!(held.reference, "arn:new");
    assert_eq!(held.public.crv.as_deref(), Some("P-256"));
}

#[tokio::test]
async fn a_key_is_not_made_twice_and_a_deleted_one_is_no_error() {
    let script = Scripted::default();
    *script.answers.lock().unwrap() = vec![
        (503, String::new()),
        (400, r#"{"__type":"NotFoundException"}"#.to_owned()),
    ];
    let asked = Arc::clone(&script.asked);
    let kms = script.serve().await;
    let wanted = WantedKey {
        tenant: "acme".to_owned(),
        algorithm: Algorithm::Es256,
        rsa_bits: RsaBits::default(),
    };
    assert!(matches!(
        kms.make(&wanted).await,
        Err(BackendError::Unavailable { .. })
    ));
    assert_eq!(asked.lock().unwrap().len(), 1);
    kms.delete("arn:gone").await.unwrap();
    let shown = format!("{kms:?}");
    assert!(!shown.contains("canary-secret"), "{shown}");
}

#[tokio::test]
async fn an_address_where_nobody_is_and_impossible_settings_are_told() {
    let credentials = Credentials::new("AKIAEXAMPLE", "canary-secret", None, None, "test");
    let with = |endpoint: &str, days| {
        KmsBackend::new(
            SharedCredentialsProvider::new(credentials.clone()),
            "eu-north-1".parse().unwrap(),
            Some(endpoint.to_owned()),
            days,
        )
    };
    insta::assert_snapshot!(with("kms", 7).unwrap_err(), @"the address of KMS, `kms`, is no http or https URL");
    insta::assert_snapshot!(with("http://x/", 6).unwrap_err(), @"KMS deletes keys after 7 to 30 days, not after 6");
    let nobody = with("http://127.0.0.1:1/", 7).unwrap();
    let error = nobody
        .sign("arn:k", Algorithm::Es256, b"m")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("KMS at http://127.0.0.1:1/ cannot be reached: "),
        "{error}"
    );
}
