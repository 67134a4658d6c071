use crate::{Answer, Fetch, Finding, Handshake, Sighting, Verdict, judge, jwks_uri, passes, text};

const ISSUER: &str = "https://oidc.example.com";
const NOW: i64 = 1_790_000_000;

const GOOD_KEY: &str = r#"{"kty":"EC","kid":"one","use":"sig","alg":"ES256","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}"#;

fn document(issuer: &str) -> String {
    serde_json::json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
    })
    .to_string()
}

fn fetched(path: &str, body: &str) -> Fetch {
    Fetch {
        url: format!("{ISSUER}{path}"),
        host: "oidc.example.com".to_owned(),
        moved_to: None,
        addresses: Ok(vec!["203.0.113.7".parse().unwrap()]),
        connected: Some(Ok("203.0.113.7:443".to_owned())),
        handshake: Some(Ok(handshake("oidc.example.com"))),
        answer: Some(Ok(Answer {
            status: 200,
            location: None,
            content_type: Some("application/json".to_owned()),
            cache_control: Some("public, max-age=300".to_owned()),
            body: body.as_bytes().to_vec(),
            cut: false,
        })),
        milliseconds: 40,
    }
}

fn handshake(name: &str) -> Handshake {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    Handshake {
        chain: vec![certificate.der().to_vec()],
        version: "TLSv1_3".to_owned(),
        by_public_authorities: Ok(()),
        by_given_authorities: None,
    }
}

fn sighting() -> Sighting {
    Sighting {
        issuer: ISSUER.to_owned(),
        discovery: Some(fetched(
            "/.well-known/openid-configuration",
            &document(ISSUER),
        )),
        jwks: Some(fetched(
            "/.well-known/jwks.json",
            &format!(r#"{{"keys":[{GOOD_KEY}]}}"#),
        )),
    }
}

/// The codes of what is not well.
fn codes(findings: &[Finding]) -> Vec<&'static str> {
    let wrong = findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Good);
    wrong.map(|finding| finding.code).collect()
}

fn with_keys(keys: &str) -> Vec<&'static str> {
    let mut sighting = sighting();
    sighting.jwks = Some(fetched("/jwks", &format!(r#"{{"keys":[{keys}]}}"#)));
    codes(&judge(&sighting, NOW))
}

fn with_answer(change: impl FnOnce(&mut Answer)) -> Vec<&'static str> {
    let mut sighting = sighting();
    if let Some(Fetch {
        answer: Some(Ok(answer)),
        ..
    }) = &mut sighting.jwks
    {
        change(answer);
    }
    codes(&judge(&sighting, NOW))
}

#[test]
fn an_issuer_as_it_should_be_is_told_step_by_step() {
    let findings = judge(&sighting(), NOW);
    assert!(passes(&findings));
    let told = text(&findings);
    let steps: Vec<&str> = told
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "url",
            "dns",
            "tcp",
            "tls",
            "http",
            "discovery",
            "discovery",
            "dns",
            "tcp",
            "tls",
            "http",
            "jwks"
        ]
    );
    assert!(
        told.contains("ok       url        24 characters of 255, and nothing that AWS refuses\n")
    );
    assert!(told.contains("ok       jwks       1 signing key, each as AWS reads it\n"));
}

#[test]
fn rules_for_the_url() {
    let of = |issuer: &str| {
        let sighting = Sighting {
            issuer: issuer.to_owned(),
            discovery: None,
            jwks: None,
        };
        codes(&judge(&sighting, NOW))
    };
    assert_eq!(of("https://oidc.example.com/team"), [""; 0]);
    assert_eq!(of("https://oidc.example.com:8443"), ["url-port"]);
    assert_eq!(of("https://oidc.example.com/"), ["url-slash"]);
    assert_eq!(of("https://oidc.example.com?x=1"), ["url-form"]);
    assert_eq!(of("http://oidc.example.com"), ["url-form"]);
    assert_eq!(of("http://127.0.0.1:4000"), ["url-plain", "url-address"]);
    let long = format!("https://oidc.example.com/{}", "a".repeat(255));
    assert_eq!(of(&long), ["url-form"]);
}

#[test]
fn the_issuer_is_compared_character_by_character() {
    for (found, difference) in [
        ("https://oidc.example.com/", "the slash at the end"),
        ("https://OIDC.example.com", "capitals"),
        ("https://oidc.example.org", "from character 22 on"),
    ] {
        let mut sighting = sighting();
        let changed = document(ISSUER).replace(
            &format!("\"issuer\":\"{ISSUER}\""),
            &format!("\"issuer\":\"{found}\""),
        );
        sighting.discovery = Some(fetched("/", &changed));
        let findings = judge(&sighting, NOW);
        assert!(!passes(&findings));
        assert_eq!(codes(&findings), ["discovery-issuer"]);
        assert!(text(&findings).contains(difference), "{}", text(&findings));
    }
}

#[test]
fn keys_that_aws_would_not_read() {
    assert_eq!(with_keys(""), ["jwks-empty"]);
    assert_eq!(
        with_keys(&GOOD_KEY.replace("\"sig\"", "\"enc\"")),
        ["jwks-empty"]
    );
    assert_eq!(
        with_keys(&GOOD_KEY.replace("\"kid\":\"one\",", "")),
        ["jwks-kid"]
    );
    assert_eq!(
        with_keys(&GOOD_KEY.replace("\"kty\"", "\"key_ops\":[\"verify\"],\"kty\"")),
        ["jwks-key-ops"]
    );
    assert_eq!(
        with_keys(&format!("{GOOD_KEY},{GOOD_KEY}")),
        ["jwks-kid-twice"]
    );
    assert_eq!(
        with_keys(&GOOD_KEY.replace("\"kty\"", "\"d\":\"AA\",\"kty\"")),
        ["jwks-private"]
    );
    assert_eq!(
        with_keys(&GOOD_KEY.replace("axfR", "bxfR")),
        ["jwks-key"],
        "a point that is not on the curve"
    );
    let many: Vec<String> = (0..101)
        .map(|at| GOOD_KEY.replace("one", &format!("k{at}")))
        .collect();
    assert_eq!(with_keys(&many.join(",")), ["jwks-many"]);
    assert_eq!(with_keys(&many[..100].join(",")), [""; 0]);
}

#[test]
fn answers_that_aws_would_not_take() {
    let moved = with_answer(|answer| {
        answer.status = 302;
        answer.location = Some("https://elsewhere.example".to_owned());
    });
    assert_eq!(moved, ["http-redirect"]);
    assert_eq!(with_answer(|answer| answer.status = 403), ["http-status"]);
    assert_eq!(with_answer(|answer| answer.cut = true), ["http-long"]);
    assert_eq!(
        with_answer(|answer| answer.content_type = Some("text/html; charset=utf-8".to_owned())),
        ["http-type"]
    );
    assert_eq!(
        with_answer(|answer| answer.cache_control = None),
        ["cache-absent"]
    );
    assert_eq!(
        with_answer(|answer| answer.cache_control = Some("max-age=604800".to_owned())),
        ["cache-long"]
    );
    let mut slow = sighting();
    slow.jwks.as_mut().unwrap().milliseconds = 5_000;
    assert_eq!(codes(&judge(&slow, NOW)), ["http-slow"]);
}

#[test]
fn certificates_of_private_authorities_name_the_thumbprint() {
    let mut sighting = sighting();
    let mut shown = handshake("oidc.example.com");
    shown.chain.push(b"abc".to_vec());
    shown.by_public_authorities = Err("its authority is unknown".to_owned());
    sighting.jwks.as_mut().unwrap().handshake = Some(Ok(shown));
    let findings = judge(&sighting, NOW);
    assert!(passes(&findings));
    assert_eq!(codes(&findings), ["tls-private"]);
    // SHA-1 of "abc" (FIPS 180-2, appendix A.1).
    assert!(text(&findings).contains("a9993e364706816aba3e25717850c26c9cd0d89d"));
}

#[test]
fn certificates_with_wrong_names_or_times() {
    let of = |name: &str, now: i64| {
        let mut sighting = sighting();
        sighting.jwks = None;
        sighting.discovery.as_mut().unwrap().handshake = Some(Ok(handshake(name)));
        codes(&judge(&sighting, now))
    };
    let day = 86_400;
    let end = 1_798_761_600;
    assert_eq!(of("oidc.example.com", NOW), [""; 0]);
    assert_eq!(of("*.example.com", NOW), [""; 0]);
    assert_eq!(of("*.com", NOW), ["tls-names"]);
    assert_eq!(of("oidc.example.com", end + day), ["tls-expired"]);
    assert_eq!(of("oidc.example.com", end - day), ["tls-ending"]);
    assert_eq!(of("oidc.example.com", 0), ["tls-early"]);
}

#[test]
fn a_private_address_is_out_of_aws_s_reach() {
    for address in [
        "10.0.0.1",
        "127.0.0.1",
        "100.64.0.1",
        "fd00::1",
        "::ffff:10.0.0.1",
    ] {
        let mut sighting = sighting();
        sighting.jwks = None;
        let fetch = sighting.discovery.as_mut().unwrap();
        fetch.addresses = Ok(vec![address.parse().unwrap()]);
        assert_eq!(codes(&judge(&sighting, NOW)), ["dns-private"], "{address}");
    }
}

#[test]
fn what_is_no_discovery_document_names_no_keys() {
    assert_eq!(jwks_uri(b"<html>"), None);
    assert_eq!(jwks_uri(br#"{"jwks_uri":7}"#), None);
    assert_eq!(
        jwks_uri(br#"{"jwks_uri":"https://a/b"}"#).as_deref(),
        Some("https://a/b")
    );
}
