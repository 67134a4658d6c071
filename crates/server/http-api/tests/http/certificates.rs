//! Client certificates, as a proxy on this machine passes them on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rolecall_http_api::{CertificateHeader, with_certificate_header};
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_listening::Proxies;
use rolecall_store::StoreOptions;
use serde_json::json;

use crate::site::{Answer, ISSUER, Site, answered, tenant};

type Authority = CertifiedIssuer<'static, KeyPair>;

const ID: &str = "spiffe://acme.example/ns/data/sa/cube";

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The header `Client-Cert` of a client with this URI.
fn client(authority: &Authority, uri: &str) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    let certificate = params
        .signed_by(&KeyPair::generate().unwrap(), authority)
        .unwrap();
    format!(":{}:", STANDARD.encode(certificate.der()))
}

async fn start(folder: &std::path::Path, authority: &Authority, proxies: &[&str]) -> Site {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let mut json = serde_json::to_value(tenant("acme", ISSUER, &key)).unwrap();
    json["trust_bundles"] = json!([{ "name": "mesh", "authorities": authority.pem() }]);
    json["workloads"].as_array_mut().unwrap().push(json!({
        "name": "cube", "attributes": {"deployment_id": "9", "team": "data"},
        "token_configs": ["fast"], "certificates": [{ "from": "mesh", "uri": ID }],
    }));
    let tenants = vec![serde_json::from_value(json).unwrap()];
    let proxies = proxies
        .iter()
        .map(|address| Proxies::parse(address).unwrap())
        .collect();
    Site::start_routed(folder, key, tenants, &StoreOptions::default(), |router| {
        with_certificate_header(router, CertificateHeader::ClientCert, proxies)
    })
    .await
}

async fn ask(site: &Site, header: &str, form: &[(&str, &str)]) -> Answer {
    let mut all = vec![("grant_type", "client_credentials")];
    all.extend_from_slice(form);
    let request = site.request(Method::POST, "/oauth2/token");
    answered(request.header("Client-Cert", header).form(&all)).await
}

const CUBE: &[(&str, &str)] = &[("client_id", "cube")];

#[tokio::test]
async fn a_certificate_from_a_trusted_proxy_proves_its_workload() {
    let scratch = tempfile::tempdir().unwrap();
    let authority = authority();
    let site = start(scratch.path(), &authority, &["127.0.0.1"]).await;
    let token = ask(&site, &client(&authority, ID), CUBE).await.token();
    let (_, claims) = site.verified(ISSUER, &token).await;
    assert_eq!(claims["sub"], "cube:deployment:9:component:global");

    let refused =
        async |header: &str, form: &[(&str, &str)]| ask(&site, header, form).await.error();
    let other = client(&authority, "spiffe://acme.example/ns/web/sa/cube");
    insta::assert_snapshot!(refused(&other, CUBE).await, @"401 invalid_client: the client certificate is of `spiffe://acme.example/ns/web/sa/cube`, which is not the workload's");
    insta::assert_snapshot!(refused(&client(&authority, ID), &[("client_id", "api")]).await, @"401 invalid_client: there is no workload `api` with a client certificate");
    insta::assert_snapshot!(refused(&client(&authority, ID), &[]).await, @"401 invalid_client: the workload did not say who it is: with a client certificate, send its name as `client_id`");
    let stranger = client(&self::authority(), ID);
    assert!(
        refused(&stranger, CUBE)
            .await
            .starts_with("401 invalid_client: the client certificate was not accepted: ")
    );
    insta::assert_snapshot!(refused("nonsense", CUBE).await, @"400 invalid_request: the proxy's header `client-cert` holds no certificate in its form");

    // Another proof goes before: clients show their certificate to whoever asks.
    let assertion = site.assertion(json!({}));
    let form = [
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", assertion.as_str()),
        ("token_config", "fast"),
    ];
    assert_eq!(ask(&site, &client(&authority, ID), &form).await.status, 200);
    let path = "/.well-known/openid-configuration";
    let methods =
        &site.get("acme.example", path).await.json()["token_endpoint_auth_methods_supported"];
    assert_eq!(*methods, json!(["private_key_jwt", "tls_client_auth"]));
}

#[tokio::test]
async fn the_header_of_anybody_else_says_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let authority = authority();
    let site = start(scratch.path(), &authority, &["10.0.0.1"]).await;
    let answer = ask(&site, &client(&authority, ID), CUBE).await.error();
    assert!(answer.starts_with("401 invalid_client: the workload did not say who it is"));
}
