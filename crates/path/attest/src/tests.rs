#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use rolecall_jose::{JoseError, Jwk, KeyKind, SigningKey, sign_compact};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::*;

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://acme.cubecloud.dev";
const ENDPOINT: &str = "https://acme.cubecloud.dev/oauth2/token";

static P256: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(KeyKind::P256).unwrap());
static RSA: LazyLock<SigningKey> =
    LazyLock::new(|| SigningKey::generate(KeyKind::Rsa2048).unwrap());
static KEYS: LazyLock<WorkloadKeys> = LazyLock::new(|| {
    WorkloadKeys::new(&[P256.public_jwk().clone(), RSA.public_jwk().clone()]).unwrap()
});

fn check(assertion: &str, now: i64) -> Result<Attested, AttestError> {
    verify(
        assertion,
        |workload| (workload == "cube-api").then_some(&*KEYS),
        &[ISSUER, ENDPOINT],
        now,
    )
}

/// The assertion that would be accepted, with these members changed; null removes one.
fn with(changes: Value) -> Result<Attested, AttestError> {
    let mut claims = json!({
        "iss": "cube-api", "sub": "cube-api", "aud": ISSUER, "exp": NOW + 300, "iat": NOW,
        "jti": "id-1",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    check(&signed(&P256, &claims), NOW)
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    let token = sign_compact(key, "JWT", claims.to_string().as_bytes()).unwrap();
    token.expose_secret().to_owned()
}

#[test]
fn what_one_side_makes_the_other_accepts() {
    for key in [&*P256, &*RSA] {
        for audience in [ISSUER, ENDPOINT] {
            let assertion = Assertion::make(key, "cube-api", audience, NOW, "id-1").unwrap();
            let attested = check(assertion.expose_secret(), NOW).unwrap();
            assert_eq!(attested.workload, "cube-api");
            assert_eq!(attested.jti, "id-1");
            assert_eq!(attested.exp, NOW + 120);
            assert_eq!(attested.remember_until(), NOW + 180);
        }
    }
}

#[test]
fn the_other_accepts_it_while_the_clocks_differ_by_a_minute() {
    let assertion = Assertion::make(&P256, "cube-api", ISSUER, NOW, "id").unwrap();
    let at = |now| check(assertion.expose_secret(), now);
    assert!(at(NOW - 60).is_ok());
    assert_eq!(
        at(NOW - 61),
        Err(AttestError::NotYet {
            claim: "iat",
            seconds: 61
        })
    );
    assert!(at(NOW + 179).is_ok());
    assert_eq!(at(NOW + 180), Err(AttestError::Expired { seconds: 60 }));
}

#[test]
fn names() {
    assert!(with(json!({})).is_ok());
    assert_eq!(
        with(json!({"iss": null})),
        Err(AttestError::ClaimMissing { claim: "iss" })
    );
    assert_eq!(
        with(json!({"sub": null})),
        Err(AttestError::ClaimMissing { claim: "sub" })
    );
    assert_eq!(with(json!({"sub": "other"})), Err(AttestError::TwoNames));
    assert_eq!(
        with(json!({"iss": "other", "sub": "other"})),
        Err(AttestError::UnknownWorkload {
            workload: "other".to_owned()
        })
    );
    for odd in [
        json!(1),
        json!(""),
        json!(["cube-api"]),
        json!("x".repeat(257)),
    ] {
        assert!(matches!(
            with(json!({"iss": odd})),
            Err(AttestError::Claim { claim: "iss", .. })
        ));
    }
}

#[test]
fn audiences() {
    assert!(with(json!({"aud": [ENDPOINT]})).is_ok());
    assert!(with(json!({"aud": ["https://other.example", ISSUER]})).is_ok());
    assert_eq!(
        with(json!({"aud": null})),
        Err(AttestError::ClaimMissing { claim: "aud" })
    );
    for other in [
        json!(""),
        json!([]),
        json!(7),
        json!({"a": ISSUER}),
        json!("https://acme.cubecloud.dev/"),
        json!("https://ACME.cubecloud.dev"),
        json!("https://other.example"),
    ] {
        let error = with(json!({"aud": other})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the client assertion is not meant for this issuer: its `aud` must be \
             `https://acme.cubecloud.dev` or `https://acme.cubecloud.dev/oauth2/token`"
        );
    }
}

#[test]
fn times() {
    assert!(with(json!({"exp": NOW - 59})).is_ok());
    assert_eq!(
        with(json!({"exp": NOW - 60})),
        Err(AttestError::Expired { seconds: 60 })
    );
    assert!(with(json!({"exp": NOW + 660})).is_ok());
    assert_eq!(
        with(json!({"exp": NOW + 661})),
        Err(AttestError::TooLong {
            seconds: 661,
            limit: 600
        })
    );
    assert_eq!(
        with(json!({"exp": null})),
        Err(AttestError::ClaimMissing { claim: "exp" })
    );
    assert!(with(json!({"iat": null})).is_ok());
    assert!(with(json!({"iat": NOW + 60, "nbf": NOW + 60})).is_ok());
    for claim in ["iat", "nbf"] {
        assert_eq!(
            with(json!({claim: NOW + 61})),
            Err(AttestError::NotYet { claim, seconds: 61 })
        );
        assert!(matches!(
            with(json!({claim: "soon"})),
            Err(AttestError::Claim { .. })
        ));
    }
    assert!(with(json!({"exp": NOW as f64 + 10.5})).is_ok());
    for odd in [
        json!("1700000100"),
        json!(1e300),
        json!(-1e300),
        json!([]),
        json!(true),
    ] {
        assert!(matches!(
            with(json!({"exp": odd})),
            Err(AttestError::Claim { claim: "exp", .. })
        ));
    }
    for extreme in [i64::MIN, i64::MAX] {
        assert!(with(json!({"exp": extreme})).is_err());
        assert_eq!(with(json!({"nbf": extreme})).is_ok(), extreme < 0);
    }
}

#[test]
fn ids() {
    assert_eq!(
        with(json!({"jti": null})),
        Err(AttestError::ClaimMissing { claim: "jti" })
    );
    for odd in [json!(""), json!(1), json!("x".repeat(257))] {
        assert!(matches!(
            with(json!({"jti": odd})),
            Err(AttestError::Claim { claim: "jti", .. })
        ));
    }
    assert!(with(json!({"jti": "é".repeat(256)})).is_ok());
}

#[test]
fn keys_of_others_are_refused() {
    let claims =
        json!({"iss": "cube-api", "sub": "cube-api", "aud": ISSUER, "exp": NOW + 300, "jti": "i"});
    let stranger = SigningKey::generate(KeyKind::P256).unwrap();
    assert_eq!(
        check(&signed(&stranger, &claims), NOW),
        Err(AttestError::UnknownKey {
            kid: stranger.kid().to_owned()
        })
    );
    // The stranger's signature under the registered key's name.
    let mut token = signed(&P256, &claims);
    let forged = signed(&stranger, &claims);
    token.truncate(token.rfind('.').unwrap());
    token.push_str(&forged[forged.rfind('.').unwrap()..]);
    assert_eq!(
        check(&token, NOW),
        Err(AttestError::Jose(JoseError::SignatureInvalid))
    );
}

#[test]
fn the_signature_is_judged_before_the_claims() {
    let expired = json!({"iss": "cube-api", "sub": "cube-api", "aud": "x", "exp": 1, "jti": "i"});
    let mut token = signed(&P256, &expired);
    token.truncate(token.rfind('.').unwrap() + 1);
    assert_eq!(
        check(&token, NOW),
        Err(AttestError::Jose(JoseError::SignatureMissing))
    );
}

#[test]
fn keys_answer_to_their_kid_and_their_thumbprint() {
    let assertion = Assertion::make(&P256, "w", ISSUER, NOW, "id").unwrap();
    let accepted = |jwk: Jwk| {
        let keys = WorkloadKeys::new(&[jwk, RSA.public_jwk().clone()]).unwrap();
        verify(assertion.expose_secret(), |_| Some(&keys), &[ISSUER], NOW).is_ok()
    };
    let mut jwk = P256.public_jwk().clone();
    jwk.kid = None;
    assert!(accepted(jwk.clone()));
    jwk.kid = Some("mine".to_owned());
    assert!(accepted(jwk.clone()));
    jwk.alg = None;
    jwk.key_use = None;
    assert!(accepted(jwk));
}

#[test]
fn an_assertion_without_kid_needs_a_single_key() {
    let header = base64url(br#"{"alg":"ES256"}"#);
    let claims = json!({"iss": "w", "sub": "w", "aud": ISSUER, "exp": NOW + 9, "jti": "i"});
    let text = format!("{header}.{}", base64url(claims.to_string().as_bytes()));
    let signature = P256.sign(text.as_bytes()).unwrap();
    let token = format!("{text}.{}", base64url(&signature));
    let one = WorkloadKeys::new(&[P256.public_jwk().clone()]).unwrap();
    assert!(verify(&token, |_| Some(&one), &[ISSUER], NOW).is_ok());
    assert_eq!(
        verify(&token, |_| Some(&*KEYS), &[ISSUER], NOW),
        Err(AttestError::KidMissing { keys: 2 })
    );
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let mut jwk = RSA.public_jwk().clone();
    jwk.alg = Some("RS512".to_owned());
    let keys = WorkloadKeys::new(&[jwk.clone()]).unwrap();
    let mut token = signed(&RSA, &json!({"iss": "w", "sub": "w"}));
    jwk.kid = Some(RSA.kid().to_owned());
    assert_eq!(
        verify(&token, |_| Some(&keys), &[ISSUER], NOW),
        Err(AttestError::AlgorithmOfKey {
            found: "RS256".to_owned(),
            registered: "RS512".to_owned()
        })
    );
    // An unsigned assertion under a registered name.
    let unsigned = base64url(format!(r#"{{"alg":"none","kid":"{}"}}"#, RSA.kid()).as_bytes());
    token.replace_range(..token.find('.').unwrap(), &unsigned);
    assert_eq!(
        verify(&token, |_| Some(&keys), &[ISSUER], NOW),
        Err(AttestError::Jose(JoseError::AlgorithmNone))
    );
}

#[test]
fn unusable_keys_are_refused_when_they_are_registered() {
    let public = P256.public_jwk().clone();
    let refused = |change: fn(&mut Jwk)| {
        let mut jwk = public.clone();
        change(&mut jwk);
        let error = WorkloadKeys::new(&[public.clone(), jwk]).unwrap_err();
        assert!(matches!(error, AttestError::Key { position: 2, .. }));
        error.to_string()
    };
    assert!(refused(|jwk| jwk.private = true).contains("private half"));
    assert!(refused(|jwk| jwk.key_use = Some("enc".to_owned())).contains("`use`"));
    assert!(refused(|jwk| jwk.alg = Some("HS256".to_owned())).contains("shared secret"));
    assert!(refused(|jwk| jwk.x = None).contains("`x`"));
    assert!(refused(|jwk| jwk.kty = "oct".to_owned()).contains("`oct`"));
    for count in [0, 17] {
        assert!(matches!(
            WorkloadKeys::new(&vec![public.clone(); count]),
            Err(AttestError::KeyCount { .. })
        ));
    }
    assert!(WorkloadKeys::new(&vec![public.clone(); 16]).is_ok());
}

#[test]
fn an_assertion_is_accepted_once() {
    let mut memory = ReplayMemory::new(10);
    assert!(memory.is_empty());
    assert_eq!(memory.remember("w", "id", NOW + 180, NOW), Ok(()));
    assert_eq!(
        memory.remember("w", "id", NOW + 180, NOW),
        Err(AttestError::Replayed)
    );
    // The same id in an assertion that ends later.
    assert_eq!(
        memory.remember("w", "id", NOW + 500, NOW),
        Err(AttestError::Replayed)
    );
    assert_eq!(memory.remember("v", "id", NOW + 180, NOW), Ok(()));
    assert_eq!(memory.remember("w", "ie", NOW + 180, NOW), Ok(()));
    assert_eq!(
        memory.remember("w", "id", NOW + 180, NOW + 179),
        Err(AttestError::Replayed)
    );
}

#[test]
fn a_full_memory_refuses_until_something_ends() {
    let mut memory = ReplayMemory::new(2);
    assert_eq!(memory.remember("w", "1", NOW + 10, NOW), Ok(()));
    assert_eq!(memory.remember("w", "2", NOW + 100, NOW), Ok(()));
    assert_eq!(
        memory.remember("w", "3", NOW + 100, NOW),
        Err(AttestError::MemoryFull)
    );
    assert_eq!(memory.remember("w", "3", NOW + 200, NOW + 70), Ok(()));
    assert_eq!(memory.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Against a memory that never forgets: nothing that is still alive is accepted twice, and
    /// nothing is refused that was not used.
    #[test]
    fn replays_are_noticed_exactly(
        uses in prop::collection::vec((0u8..6, 0i64..660, 0i64..90), 1..80),
    ) {
        let mut memory = ReplayMemory::new(1000);
        let mut used: Vec<(u8, i64)> = Vec::new();
        let mut now = NOW;
        for (id, life, pause) in uses {
            now += pause;
            let until = now + life;
            let alive = used.iter().any(|&(other, until)| other == id && until > now);
            let lately = used.iter().any(|&(other, until)| other == id && until > now - 60);
            match memory.remember("w", &id.to_string(), until, now) {
                Ok(()) => {
                    prop_assert!(!alive);
                    used.push((id, until));
                }
                error => {
                    prop_assert_eq!(error, Err(AttestError::Replayed));
                    prop_assert!(lately);
                }
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,120}") {
        prop_assert!(check(&text, NOW).is_err());
    }

    #[test]
    fn arbitrary_claims_never_panic(
        name in prop_oneof![Just("iss"), Just("sub"), Just("aud"), Just("exp"), Just("iat"), Just("nbf"), Just("jti")],
        text in "\\PC{0,20}", number in any::<f64>(), whole in any::<i64>(),
    ) {
        for value in [json!(text), json!(number), json!(whole), json!([text]), json!({"a": text})] {
            let _ = with(json!({name: value}));
        }
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
