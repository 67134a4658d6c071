//! The product's main job as a whole, measured on the real binary: wall time of `demo`, time to
//! ready and resident memory of `serve`, and the emulated account's exchanges a second as a ratio
//! of what their one signature verification costs. `cargo bench -p rolecall`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement that cannot run should stop at once"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rolecall_jose::{KeyKind, SigningKey, VerifyingKey};

const ROLECALL: &str = env!("CARGO_BIN_EXE_rolecall");

fn main() {
    // `cargo test --benches` and `cargo nextest` run every bench once with this flag missing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!(
        "cores: {}",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    demo();
    let folder = tempfile::tempdir().unwrap();
    let (server, issuer) = serve(folder.path());
    exchanges(folder.path(), &issuer);
    drop(server);
}

/// Five runs of `rolecall demo`, the middle one printed. Limit: 3 s.
fn demo() {
    let mut runs: Vec<Duration> = (0..5)
        .map(|_| {
            let began = Instant::now();
            let status = Command::new(ROLECALL)
                .arg("demo")
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success());
            began.elapsed()
        })
        .collect();
    runs.sort();
    let middle = runs[runs.len() / 2];
    println!(
        "demo                              {:>8.0} ms   {:.2} of its limit of 3 s",
        middle.as_secs_f64() * 1e3,
        middle.as_secs_f64() / 3.0
    );
}

/// Time to ready and memory at idle. Limits: 100 ms after a start with keys, 40 MiB.
fn serve(folder: &Path) -> (Running, String) {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    std::fs::write(
        folder.join("rolecall.yaml"),
        format!(
            "server: {{ listen: \"127.0.0.1:{}\", state: ./state, master_key_file: ./master.key }}\n\
             tenants:\n  - name: acme\n    issuer: http://{{listen}}/acme\n    token_configs:\n      \
             - {{ name: aws, audience: sts.amazonaws.com, algorithm: ES256, subject: \"bench:{{name}}\" }}\n    \
             workloads:\n      - {{ name: bench, token_configs: [aws], keys: [{}] }}\n\
             workload: {{ name: bench, issuer: \"http://127.0.0.1:0/acme\", key_file: ./bench.pem }}\n",
            free_port(),
            serde_json::to_string(key.public_jwk()).unwrap(),
        ),
    )
    .unwrap();
    write_private(&folder.join("bench.pem"), &key);
    let start = || {
        let began = Instant::now();
        let running = Running::start(
            folder,
            &["serve", "--config", "rolecall.yaml", "--output", "json"],
        );
        (began.elapsed(), running)
    };
    let (first, mut running) = start();
    running.end();
    let (again, running) = start();
    println!(
        "serve, first start (makes keys)   {:>8.0} ms",
        first.as_secs_f64() * 1e3
    );
    println!(
        "serve, next start                 {:>8.0} ms   {:.2} of its limit of 100 ms",
        again.as_secs_f64() * 1e3,
        again.as_secs_f64() / 0.1
    );
    let resident = running.resident_kib() as f64 / 1024.0;
    println!(
        "serve, resident at idle           {resident:>8.1} MiB  {:.2} of its limit of 40 MiB",
        resident / 40.0
    );
    let issuer = running.ready["issuers"][0].as_str().unwrap().to_owned();
    (running, issuer)
}

/// `AssumeRoleWithWebIdentity` with one token again and again, the issuer's keys cached as AWS does.
fn exchanges(folder: &Path, issuer: &str) {
    let config = std::fs::read_to_string(folder.join("rolecall.yaml")).unwrap();
    std::fs::write(
        folder.join("rolecall.yaml"),
        config.replace("http://127.0.0.1:0/acme", issuer),
    )
    .unwrap();
    let minted = Command::new(ROLECALL)
        .args(["token", "mint", "--token-config", "aws"])
        .current_dir(folder)
        .output()
        .unwrap();
    let token = String::from_utf8(minted.stdout).unwrap().trim().to_owned();
    let provider = issuer.trim_start_matches("http://");
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "Federated": format!("arn:aws:iam::111122223333:oidc-provider/{provider}") },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": { format!("{provider}:aud"): "sts.amazonaws.com" },
            "StringLike": { format!("{provider}:sub"): "bench:*" },
        },
    }] });
    let seed = serde_json::json!({ "accounts": { "111122223333": {
        "oidc_providers": [{ "url": issuer, "client_ids": ["sts.amazonaws.com"] }],
        "roles": [{ "name": "bench", "trust_policy": policy }],
    } } });
    std::fs::write(folder.join("seed.json"), seed.to_string()).unwrap();
    let emulator = Running::start(
        folder,
        &["aws-emulator", "--seed", "seed.json", "--output", "json"],
    );
    let url = emulator.ready["url"].as_str().unwrap().to_owned();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", "arn:aws:iam::111122223333:role/bench"),
            ("RoleSessionName", "bench"),
            ("WebIdentityToken", &token),
        ])
        .finish();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (count, spent) = runtime.block_on(load(url, body));
    let rate = f64::from(count) / spent.as_secs_f64();
    let verifications = verifications_per_second(&token);
    println!(
        "emulator, exchanges               {rate:>8.0} /s   {:.2} of raw P-256 verifications on one core ({verifications:.0} /s)",
        rate / verifications
    );
}

async fn load(url: String, body: String) -> (u32, Duration) {
    const CLIENTS: u32 = 16;
    const EACH: u32 = 250;
    let began = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (url, body) = (url.clone(), body.clone());
            tokio::spawn(async move {
                let client = reqwest::Client::new();
                for _ in 0..EACH {
                    let response = client
                        .post(&url)
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(body.clone())
                        .send()
                        .await
                        .unwrap();
                    assert!(response.status().is_success());
                    response.bytes().await.unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    (CLIENTS * EACH, began.elapsed())
}

/// The floor of an exchange: one signature verified, the key parsed already.
fn verifications_per_second(token: &str) -> f64 {
    let key = SigningKey::generate(KeyKind::P256).unwrap();
    let verifying = VerifyingKey::from_jwk(key.public_jwk()).unwrap();
    let message = token.as_bytes();
    let signature = key.sign(message).unwrap();
    let began = Instant::now();
    let mut count = 0_u32;
    while began.elapsed() < Duration::from_secs(1) {
        verifying
            .verify(key.algorithm(), message, &signature)
            .unwrap();
        count += 1;
    }
    f64::from(count) / began.elapsed().as_secs_f64()
}

/// A command that serves until it is dropped.
struct Running {
    child: Child,
    ready: serde_json::Value,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(ROLECALL)
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line).expect("a ready line");
        Self { child, ready }
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_private(path: &Path, key: &SigningKey) {
    use rolecall_sealed::ExposeSecret as _;
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .unwrap()
        .write_all(key.to_pem().unwrap().expose_secret().as_bytes())
        .unwrap();
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}
