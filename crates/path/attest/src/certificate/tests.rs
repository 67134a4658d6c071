#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    SanType,
};
use serde_json::{Value, json};

use super::*;

const ID: &str = "spiffe://acme.example/ns/data/sa/cube";
/// Within what rcgen's certificates are valid for by default.
const NOW: i64 = 1_800_000_000;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn intermediate(root: &Authority) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "between");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), root).unwrap()
}

/// A client's certificate with these URIs and DNS names.
fn client(
    authority: &Authority,
    uris: &[&str],
    dns: &[&str],
    change: impl FnOnce(&mut CertificateParams),
) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = uris
        .iter()
        .map(|uri| SanType::URI((*uri).try_into().unwrap()))
        .chain(
            dns.iter()
                .map(|name| SanType::DnsName((*name).try_into().unwrap())),
        )
        .collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, authority).unwrap().der().to_vec()
}

fn bundle(authority: &Authority) -> TrustBundle {
    TrustBundle::read(&TrustBundleText {
        name: "mesh".to_owned(),
        authorities: authority.pem(),
    })
    .unwrap()
}

fn rule(bundle: &TrustBundle, text: Value) -> Result<CertificateRule, CertificateError> {
    let mut json = json!({ "from": "mesh" });
    json.as_object_mut()
        .unwrap()
        .extend(text.as_object().unwrap().clone());
    CertificateRule::read(&serde_json::from_value(json).unwrap(), bundle)
}

#[test]
fn a_certificate_of_the_authority_names_its_workload() {
    let root = authority("root");
    let bundle = bundle(&root);
    let names = bundle
        .judge(&[client(&root, &[ID], &["Cube.acme.example"], |_| ())], NOW)
        .unwrap();
    let admits = |text| rule(&bundle, text).unwrap().admits(&names);
    assert_eq!(admits(json!({ "uri": ID })), Ok(()));
    assert_eq!(
        admits(json!({ "uri": { "like": "spiffe://acme.example/ns/data/*" } })),
        Ok(())
    );
    assert_eq!(
        admits(json!({ "dns": ["a.example", "cube.acme.example"], "uri": ID })),
        Ok(())
    );
    let refused = |text| admits(text).unwrap_err().to_string();
    insta::assert_snapshot!(refused(json!({ "uri": "spiffe://acme.example/ns/web/sa/cube" })), @"the client certificate is of `spiffe://acme.example/ns/data/sa/cube`, `cube.acme.example`, which is not the workload's");
    insta::assert_snapshot!(refused(json!({ "uri": ID, "dns": "a.example" })), @"the client certificate is of `spiffe://acme.example/ns/data/sa/cube`, `cube.acme.example`, which is not the workload's");
}

#[test]
fn an_authority_may_stand_between() {
    let root = authority("root");
    let between = intermediate(&root);
    let leaf = client(&between, &[ID], &[], |_| ());
    let bundle = bundle(&root);
    assert!(
        bundle
            .judge(&[leaf.clone(), between.der().to_vec()], NOW)
            .is_ok()
    );
    insta::assert_snapshot!(bundle.judge(&[leaf], NOW).unwrap_err(), @"the client certificate was not accepted: it does not lead to an authority of the bundle");
}

#[test]
fn certificates_that_prove_nothing_are_refused() {
    let root = authority("root");
    let bundle = bundle(&root);
    let judged = |der: Vec<u8>, now| bundle.judge(&[der], now).map_err(|error| error.to_string());
    let stranger = authority("root");
    insta::assert_snapshot!(judged(client(&stranger, &[ID], &[], |_| ()), NOW).unwrap_err(), @"the client certificate was not accepted: it is not signed by the authority that it names");
    let server = client(&root, &[ID], &[], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]
    });
    assert!(
        judged(server, NOW)
            .unwrap_err()
            .contains("may not be used by clients")
    );
    let short = |der: fn(&mut CertificateParams)| client(&root, &[ID], &[], der);
    let until = short(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    assert!(judged(until, NOW).unwrap_err().contains("has expired"));
    let from = short(|params| params.not_before = rcgen::date_time_ymd(2099, 1, 1));
    assert!(judged(from, NOW).unwrap_err().contains("not valid yet"));
    // An authority is nobody's client certificate.
    assert!(judged(root.der().to_vec(), NOW).is_err());
    assert!(judged(vec![0x30, 0x03, 1, 2, 3], NOW).is_err());
    assert!(judged(Vec::new(), NOW).is_err());
    assert_eq!(bundle.judge(&[], NOW), Err(CertificateError::None));
    assert_eq!(
        bundle.judge(&vec![vec![0]; 9], NOW),
        Err(CertificateError::TooLarge)
    );
    assert_eq!(
        judged(vec![0; 20_000], NOW),
        Err(CertificateError::TooLarge.to_string())
    );
}

#[test]
fn names_that_mean_nobody_do_not_count() {
    let root = authority("root");
    let bundle = bundle(&root);
    let names = |uris: &[&str], dns: &[&str]| {
        bundle
            .judge(&[client(&root, uris, dns, |_| ())], NOW)
            .unwrap()
    };
    let id = rule(&bundle, json!({ "uri": ID })).unwrap();
    insta::assert_snapshot!(id.admits(&names(&[ID, "spiffe://acme.example/admin"], &[])).unwrap_err(), @"the client certificate has 2 URIs; one with a SPIFFE ID has exactly one");
    insta::assert_snapshot!(id.admits(&names(&[], &[])).unwrap_err(), @"the client certificate is of nobody: it has neither a URI nor a DNS name, which is not the workload's");
    let host = rule(&bundle, json!({ "dns": { "like": "*.acme.example" } })).unwrap();
    assert!(host.admits(&names(&[], &["*.acme.example"])).is_err());
    // Another bundle's certificate with the same name.
    let other = TrustBundle {
        name: "other".to_owned(),
        ..bundle.clone()
    };
    let elsewhere = other
        .judge(&[client(&root, &[ID], &[], |_| ())], NOW)
        .unwrap();
    assert!(id.admits(&elsewhere).is_err());
}

#[test]
fn declarations_that_cannot_be() {
    let read = |authorities: &str| {
        TrustBundle::read(&TrustBundleText {
            name: "mesh".to_owned(),
            authorities: authorities.to_owned(),
        })
        .unwrap_err()
        .to_string()
    };
    insta::assert_snapshot!(read(""), @"there is no `-----BEGIN CERTIFICATE-----` in it");
    assert!(
        read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .contains("cannot be used")
    );
    let bundle = bundle(&authority("root"));
    insta::assert_snapshot!(rule(&bundle, json!({})).unwrap_err(), @"without `uri` or `dns` every certificate of `mesh` would do");
    insta::assert_snapshot!(rule(&bundle, json!({ "uri": { "like": "*" } })).unwrap_err(), @"the pattern `*` fits everything; leave the claim out, or say more");
}
