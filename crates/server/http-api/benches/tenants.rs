//! An installation of ten thousand tenants with a hundred thousand workloads: how fast it starts,
//! lists, serves a tenant for the first time, and serves documents, the last beside a server that
//! answers `ok` to everything. `cargo bench -p rolecall-http-api --bench tenants`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rolecall_http_api::{Clock, Installation, Server, router};
use rolecall_jose::{KeyKind, SigningKey};
use rolecall_sealed::MasterKey;
use rolecall_store::{
    Change, Document, Edit, Expect, Listing, ResourceKind, Source, Store, StoreOptions,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::main]
async fn main() {
    let state = tempfile::tempdir().unwrap();
    let master = || MasterKey::from_base64(&MASTER.to_owned().into()).unwrap();
    fill(state.path()).await;

    let began = Instant::now();
    let store = Store::open_with(state.path(), &StoreOptions::default()).unwrap();
    let installation = Installation::start(store.clone(), master(), vec![], Clock::system())
        .await
        .unwrap();
    println!(
        "start with {} tenants, {} workloads  {:>8.1} ms",
        installation.tenants(),
        TENANTS * WORKLOADS,
        milliseconds(began.elapsed())
    );

    let began = Instant::now();
    let page = store.reader().directory("t05000", Some(100)).await.unwrap();
    assert_eq!(page.len(), 100);
    println!(
        "a page of 100 tenants                     {:>8.2} ms",
        milliseconds(began.elapsed())
    );
    let began = Instant::now();
    let listing = Listing {
        tenant: Some("t05000".to_owned()),
        kind: ResourceKind::Workload,
        after: String::new(),
        limit: 100,
    };
    assert_eq!(
        store.reader().list(&listing).await.unwrap().len(),
        WORKLOADS
    );
    println!(
        "the workloads of one tenant               {:>8.2} ms",
        milliseconds(began.elapsed())
    );

    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.address();
    tokio::spawn(server.serve(router(installation.clone()), std::future::pending()));
    // Makes the keys of some; then they are read again by a second start.
    for number in 0..WARM {
        get(address, number, JWKS).await;
    }
    installation.close().await;
    drop((installation, store));
    let store = Store::open(state.path()).unwrap();
    let installation = Installation::start(store, master(), vec![], Clock::system())
        .await
        .unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.address();
    tokio::spawn(server.serve(router(installation), std::future::pending()));
    let began = Instant::now();
    for number in 0..WARM {
        get(address, number, JWKS).await;
    }
    println!(
        "a tenant's first request                  {:>8.2} ms",
        milliseconds(began.elapsed()) / WARM as f64
    );

    let plain = Server::bind("127.0.0.1:0").await.unwrap();
    let plain_address = plain.address();
    let ok = axum::Router::new().fallback(async || "ok");
    tokio::spawn(plain.serve(ok, std::future::pending()));
    let limit = rate(plain_address, JWKS).await;
    println!("`ok` to everything, all cores             {limit:>8.0} /s");
    for path in [JWKS, "/.well-known/openid-configuration"] {
        let rate = rate(address, path).await;
        println!("{path:<41} {rate:>8.0} /s, {:.2} of that", rate / limit);
    }
}

async fn fill(folder: &std::path::Path) {
    let store = Store::open(folder).unwrap();
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let workload = json!({
        "name": "", "attributes": {"deployment_id": "42"}, "token_configs": ["aws"],
        "keys": [key.public_jwk()],
    });
    let config = json!({
        "name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256",
        "subject": "cube:deployment:{deployment_id}",
    });
    for first in (0..TENANTS).step_by(500) {
        let mut edits = Vec::new();
        for number in first..first + 500 {
            let tenant = format!("t{number:05}");
            edits.push(Edit::PutTenant {
                name: tenant.clone(),
                issuer: format!("https://{tenant}.example"),
                document: "{}".to_owned(),
                source: Source::Api,
                expect: Expect::Absent,
            });
            let mut put = |kind, name: &str, json: String| {
                edits.push(Edit::Put {
                    tenant: tenant.clone(),
                    kind,
                    document: Document {
                        name: name.to_owned(),
                        json,
                    },
                    source: Source::Api,
                    expect: Expect::Absent,
                });
            };
            put(ResourceKind::TokenConfig, "aws", config.to_string());
            for number in 0..WORKLOADS {
                let name = format!("w{number}");
                let mut workload = workload.clone();
                workload["name"] = json!(name);
                put(ResourceKind::Workload, &name, workload.to_string());
            }
        }
        let change = Change {
            edits,
            ..Change::default()
        };
        store.change(change).await.unwrap();
    }
    store.close().await;
}

async fn get(address: SocketAddr, number: usize, path: &str) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: t{number:05}.example\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// Requests a second over kept connections, several under way on each, so that what is measured is
/// the answer and not the system's part in carrying it.
async fn rate(address: SocketAddr, path: &str) -> f64 {
    let one = format!("GET {path} HTTP/1.1\r\nhost: t00001.example\r\n\r\n");
    let batch = one.repeat(PIPELINED);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(one.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 64 * 1024];
    // All answers are of one length.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let length = stream.read(&mut buffer).await.unwrap();
    let began = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let batch = batch.clone();
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let mut buffer = vec![0; length * PIPELINED];
                let mut served = 0_usize;
                while began.elapsed() < Duration::from_secs(3) {
                    stream.write_all(batch.as_bytes()).await.unwrap();
                    stream.read_exact(&mut buffer).await.unwrap();
                    served += PIPELINED;
                }
                served
            })
        })
        .collect();
    let mut served = 0;
    for client in clients {
        served += client.await.unwrap();
    }
    served as f64 / began.elapsed().as_secs_f64()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

const TENANTS: usize = 10_000;
const WORKLOADS: usize = 10;
const WARM: usize = 20;
const CONNECTIONS: usize = 16;
const PIPELINED: usize = 32;
const JWKS: &str = "/.well-known/jwks.json";
const MASTER: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
