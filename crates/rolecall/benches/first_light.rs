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
    let emulator = exchanges(folder.path(), &issuer);
    agent(folder.path(), &emulator);
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
fn exchanges(folder: &Path, issuer: &str) -> Running {
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
    emulator
}

/// The agent with a thousand connections that are all held: memory, what its container endpoint
/// answers beside a program that answers the same bytes to whatever comes, and the start of a
/// `credential_process` beside the aws CLI's. Limits: 60 MiB, 40,000/s a core, a fiftieth.
fn agent(folder: &Path, emulator: &Running) {
    const CONNECTIONS: usize = 1_000;
    let url = emulator.ready["url"].as_str().unwrap();
    let connections: serde_json::Map<String, serde_json::Value> = (0..CONNECTIONS)
        .map(|number| {
            let connection = serde_json::json!({
                "token_config": "aws",
                "role": "arn:aws:iam::111122223333:role/bench",
                "region": "us-east-1",
                "sts_endpoint": url,
            });
            (format!("c{number}"), connection)
        })
        .collect();
    let mut config = std::fs::read_to_string(folder.join("rolecall.yaml")).unwrap();
    let workload = config.split_off(config.find("workload:").unwrap());
    let agent = serde_json::json!({
        "socket": folder.join("agent.sock"),
        "endpoints": [{"listen": "127.0.0.1:0", "connection": "c0", "form": "container", "authorization_file": "authorization"}],
    });
    let config = format!(
        "{workload}connections: {}\nagent: {agent}\n",
        serde_json::Value::from(connections)
    );
    std::fs::write(folder.join("agent.yaml"), config).unwrap();
    let running = Running::start(
        folder,
        &["agent", "--config", "agent.yaml", "--output", "json"],
    );
    let endpoint = running.ready["endpoints"][0]["value"].as_str().unwrap();
    let authorization = std::fs::read_to_string(folder.join("authorization")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();

    let socket = folder.join("agent.sock");
    runtime.block_on(async {
        for number in 0..CONNECTIONS {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let mut stream = tokio::net::UnixStream::connect(&socket).await.unwrap();
            let request = format!("GET /v1/connections/c{number}/credentials HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        }
    });
    let resident = running.resident_kib() as f64 / 1024.0;
    println!(
        "agent, 1,000 connections held     {resident:>8.1} MiB  {:.2} of its limit of 60 MiB",
        resident / 60.0
    );

    let address = endpoint
        .trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap();
    let request =
        format!("GET /credentials HTTP/1.1\r\nhost: a\r\nauthorization: {authorization}\r\n\r\n");
    let (rate, answer) = runtime.block_on(answered(address.to_owned(), request.clone()));
    let (limit, _) = runtime.block_on(async {
        let echoing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = echoing.local_addr().unwrap().to_string();
        let (length, answer) = (request.len(), answer.clone());
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = echoing.accept().await {
                tokio::spawn(answer_blindly(stream, length, answer.clone()));
            }
        });
        let measured = answered(address, request.clone()).await;
        serving.abort();
        measured
    });
    println!(
        "agent, endpoint                   {rate:>8.0} /s   {:.2} of what answers blindly ({limit:.0} /s), load on the same cores",
        rate / limit
    );

    let own = middle_of(21, || {
        let mut command = Command::new(ROLECALL);
        command.args(["credentials", "c0", "--format", "process", "--agent"]);
        command.arg(&socket);
        command
    });
    let aws = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.check/venv/bin/aws");
    print!(
        "credential_process, warm agent    {:>8.1} ms",
        own.as_secs_f64() * 1e3
    );
    if aws.exists() {
        let aws = middle_of(5, || {
            let mut command = Command::new(&aws);
            command.arg("--version");
            command
        });
        println!(
            "   1/{:.0} of the start of the aws CLI ({:.0} ms)",
            aws.as_secs_f64() / own.as_secs_f64(),
            aws.as_secs_f64() * 1e3
        );
    } else {
        println!("   (run `./check stories` once for the aws CLI beside it)");
    }
}

/// The middle of so many runs.
fn middle_of(runs: usize, command: impl Fn() -> Command) -> Duration {
    let mut runs: Vec<Duration> = (0..runs)
        .map(|_| {
            let mut command = command();
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let began = Instant::now();
            assert!(command.status().unwrap().success());
            began.elapsed()
        })
        .collect();
    runs.sort();
    runs[runs.len() / 2]
}

/// Requests a second over 16 connections with 16 requests under way on each, and an answer.
async fn answered(address: String, request: String) -> (f64, Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    const CONNECTIONS: usize = 16;
    const AHEAD: usize = 16;
    const ROUNDS: usize = 400;
    let mut first = tokio::net::TcpStream::connect(&address).await.unwrap();
    first.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 65_536];
    let length = first.read(&mut answer).await.unwrap();
    answer.truncate(length);
    let began = Instant::now();
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (address, requests) = (address.clone(), request.repeat(AHEAD));
            tokio::spawn(async move {
                let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut answers = vec![0; length * AHEAD];
                for _ in 0..ROUNDS {
                    stream.write_all(requests.as_bytes()).await.unwrap();
                    stream.read_exact(&mut answers).await.unwrap();
                }
                assert!(answers.starts_with(b"HTTP/1.1 200"));
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let count = (CONNECTIONS * AHEAD * ROUNDS) as f64;
    (count / began.elapsed().as_secs_f64(), answer)
}

async fn answer_blindly(mut stream: tokio::net::TcpStream, length: usize, answer: Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (mut read, mut pending) = (vec![0; 65_536], 0);
    while let Ok(count) = stream.read(&mut read).await {
        if count == 0 {
            return;
        }
        pending += count;
        let answers = answer.repeat(pending / length);
        pending %= length;
        if stream.write_all(&answers).await.is_err() {
            return;
        }
    }
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
