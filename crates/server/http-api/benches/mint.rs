//! How close minting over HTTP comes to what the machine can sign at all.
//!
//! One run measures the raw RSA-2048 and P-256 signing rate of all cores, then the rate of tokens
//! through the HTTP endpoint on loopback: assertion verified, claims rendered, token signed, audit
//! row on disk, answer read. The load comes from the same cores, over keep-alive connections, with
//! requests made beforehand. Run it on a machine that does nothing else: `cargo bench -p
//! rolecall-http-api`. `ROLECALL_BENCH_SCALE=0.1` makes it shorter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rolecall_http_api::{Clock, Installation, Server, TenantDeclaration, router};
use rolecall_jose::{KeyKind, SigningKey, sign_compact};
use rolecall_sealed::{ExposeSecret, MasterKey};
use rolecall_store::Store;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn main() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let scale: f64 = std::env::var("ROLECALL_BENCH_SCALE")
        .ok()
        .and_then(|scale| scale.parse().ok())
        .unwrap_or(1.0);
    let many = |count: f64| (count * scale).ceil() as usize;
    println!("cores: {cores}, connections: {CONNECTIONS}, audit: on disk before each answer");

    let raw_rsa = raw_rate(KeyKind::Rsa2048, cores, scale);
    let raw_p256 = raw_rate(KeyKind::P256, cores, scale);
    println!("raw RSA-2048 signatures      {raw_rsa:>9.0} /s");
    println!("raw P-256 signatures         {raw_p256:>9.0} /s");

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()
        .unwrap();
    let site = runtime.block_on(Site::start());
    for (config, raw, tokens) in [
        ("rs", raw_rsa, many(8_000.0)),
        ("es", raw_p256, many(40_000.0)),
    ] {
        for (workload, key) in [("with-rsa", &site.rsa), ("with-p256", &site.p256)] {
            let requests = requests(config, workload, key, tokens, cores);
            let rate = rate(site.address, requests);
            let algorithm = if config == "rs" { "RS256" } else { "ES256" };
            let proof = if workload == "with-rsa" {
                "RSA-2048"
            } else {
                "P-256"
            };
            println!(
                "{algorithm} tokens over HTTP, asked with {proof:<8} {rate:>7.0} /s   {:>5.1} % of raw",
                100.0 * rate / raw
            );
        }
    }
    runtime.block_on(site.installation.close());
}

/// Signatures a second on all cores at once.
fn raw_rate(kind: KeyKind, cores: usize, scale: f64) -> f64 {
    let key = SigningKey::generate(kind).unwrap();
    let message = [b'x'; 700];
    let time = Duration::from_secs_f64(3.0 * scale.max(0.1));
    let count_for = |time: Duration| {
        let start = Instant::now();
        let mut count = 0_u64;
        while start.elapsed() < time {
            key.sign(&message).unwrap();
            count += 1;
        }
        count as f64 / start.elapsed().as_secs_f64()
    };
    count_for(time / 10);
    std::thread::scope(|scope| {
        let counting: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| count_for(time)))
            .collect();
        counting.into_iter().map(|rate| rate.join().unwrap()).sum()
    })
}

struct Site {
    address: SocketAddr,
    installation: Installation,
    rsa: SigningKey,
    p256: SigningKey,
    _state: tempfile::TempDir,
}

impl Site {
    async fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let rsa = SigningKey::generate(KeyKind::Rsa2048).unwrap();
        let p256 = SigningKey::generate(KeyKind::P256).unwrap();
        let workload = |name: &str, key: &SigningKey| {
            json!({
                "name": name,
                "attributes": {"deployment_id": "42", "component": "cube_api", "team": "data"},
                "token_configs": ["rs", "es"],
                "keys": [key.public_jwk()],
            })
        };
        let config = |name: &str, algorithm: &str| {
            json!({
                "name": name, "audience": "sts.amazonaws.com", "algorithm": algorithm,
                "subject": "cube:deployment:{deployment_id}:component:{component}",
                "aws": {"session_tags": {"team": "{team}"}},
            })
        };
        let tenant: TenantDeclaration = serde_json::from_value(json!({
            "name": "acme",
            "issuer": ISSUER,
            "token_configs": [config("rs", "RS256"), config("es", "ES256")],
            "workloads": [workload("with-rsa", &rsa), workload("with-p256", &p256)],
        }))
        .unwrap();
        let store = Store::open(state.path()).unwrap();
        let master = MasterKey::generate().unwrap();
        let installation = Installation::start(store, master, vec![tenant], Clock::system())
            .await
            .unwrap();
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.address();
        tokio::spawn(server.serve(router(installation.clone()), std::future::pending()));
        Self {
            address,
            installation,
            rsa,
            p256,
            _state: state,
        }
    }
}

/// Whole requests, each with an assertion of its own: none may be used twice.
fn requests(
    config: &str,
    workload: &str,
    key: &SigningKey,
    count: usize,
    cores: usize,
) -> VecDeque<Vec<u8>> {
    let now = jiff::Timestamp::now().as_second();
    let request = |number: usize| {
        let claims = json!({
            "iss": workload, "sub": workload, "aud": ISSUER, "iat": now, "exp": now + 590,
            "jti": format!("{config}-{workload}-{number:032}"),
        });
        let assertion = sign_compact(key, "JWT", claims.to_string().as_bytes()).unwrap();
        let body = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&token_config={config}&client_assertion={}",
            assertion.expose_secret()
        );
        format!(
            "POST /oauth2/token HTTP/1.1\r\nhost: acme.example\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let request = &request;
    std::thread::scope(|scope| {
        let making: Vec<_> = (0..cores)
            .map(|core| {
                scope.spawn(move || {
                    (core..count)
                        .step_by(cores)
                        .map(request)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        making
            .into_iter()
            .flat_map(|made| made.join().unwrap())
            .collect()
    })
}

/// Answers a second, from one thread with many connections. The first tenth warms up.
fn rate(address: SocketAddr, requests: VecDeque<Vec<u8>>) -> f64 {
    let warm = requests.len() / 10;
    let counted = requests.len() - warm;
    let waiting = Arc::new(Mutex::new(requests));
    let started: Arc<Mutex<Option<Instant>>> = Arc::default();
    let load = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    load.block_on(async {
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (waiting, started) = (Arc::clone(&waiting), Arc::clone(&started));
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut answer = Vec::with_capacity(4096);
                    loop {
                        let (request, left) = {
                            let mut waiting = waiting.lock().unwrap();
                            let request = waiting.pop_front();
                            (request, waiting.len())
                        };
                        let Some(request) = request else { break };
                        if left == counted {
                            *started.lock().unwrap() = Some(Instant::now());
                        }
                        stream.write_all(&request).await.unwrap();
                        read_answer(&mut stream, &mut answer).await;
                    }
                })
            })
            .collect();
        for connection in connections {
            connection.await.unwrap();
        }
    });
    let started = started.lock().unwrap().unwrap();
    counted as f64 / started.elapsed().as_secs_f64()
}

/// Reads one whole answer, which must grant a token.
async fn read_answer(stream: &mut TcpStream, answer: &mut Vec<u8>) {
    answer.clear();
    loop {
        assert!(stream.read_buf(answer).await.unwrap() > 0, "cut off");
        let text = std::str::from_utf8(answer).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        if body.len() == length {
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            return;
        }
    }
}

const CONNECTIONS: usize = 64;
const ISSUER: &str = "https://acme.example";
