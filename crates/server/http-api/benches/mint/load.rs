//! The load: requests made beforehand, sent by one thread over many connections.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rolecall_jose::{SigningKey, sign_compact};
use rolecall_sealed::ExposeSecret;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::processor;

/// A token asked for, by whom and of whom.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) path: &'static str,
    pub(crate) host: String,
    pub(crate) workload: String,
    pub(crate) issuer: String,
    /// Further parameters of the form.
    pub(crate) more: String,
}

/// What was measured. Times are seconds of a core for each token.
pub(crate) struct Measured {
    /// Tokens a second.
    pub(crate) rate: f64,
    /// Of this process, which is the server, without the load generator.
    pub(crate) server: f64,
    pub(crate) generator: f64,
    /// Of everything else on the machine, a database and another issuer included.
    pub(crate) others: f64,
}

/// Whole requests, each with an assertion of its own: none may be used twice.
pub(crate) fn requests(
    asked: &[Request],
    key: &SigningKey,
    cores: usize,
    round: usize,
) -> VecDeque<Vec<u8>> {
    let now = jiff::Timestamp::now().as_second();
    let text = |number: usize| {
        let request = &asked[number];
        let workload = &request.workload;
        let algorithm = request.more.rsplit('=').next().unwrap();
        let claims = json!({
            "iss": workload, "sub": workload, "aud": request.issuer, "iat": now, "exp": now + 590,
            "jti": format!("{algorithm}-{round}-{number:032}"),
        });
        let assertion = sign_compact(key, "JWT", claims.to_string().as_bytes()).unwrap();
        let body = format!(
            "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer{}&client_assertion={}",
            request.more,
            assertion.expose_secret()
        );
        format!(
            "POST {} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            request.path,
            request.host,
            body.len()
        )
        .into_bytes()
    };
    let text = &text;
    std::thread::scope(|scope| {
        let making: Vec<_> = (0..cores)
            .map(|core| {
                let some = (core..asked.len()).step_by(cores);
                scope.spawn(move || some.map(text).collect::<Vec<_>>())
            })
            .collect();
        // In turn again, so that neighbours ask for different tenants.
        let mut made: Vec<_> = making
            .into_iter()
            .map(|made| made.join().unwrap().into_iter())
            .collect();
        (0..asked.len())
            .filter_map(|number| made[number % cores].next())
            .collect()
    })
}

/// Sends all and reads the answers. The first tenth warms up.
pub(crate) fn measure(address: SocketAddr, requests: VecDeque<Vec<u8>>) -> Measured {
    let warm = requests.len() / 10;
    let counted = requests.len() - warm;
    let waiting = Arc::new(Mutex::new(requests));
    let started: Arc<Mutex<Option<Spent>>> = Arc::default();
    let load = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    load.block_on(async {
        let connections: Vec<_> = (0..connections())
            .map(|_| {
                let (waiting, started) = (Arc::clone(&waiting), Arc::clone(&started));
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut answer = Vec::with_capacity(4096);
                    loop {
                        let (request, left) = {
                            let mut waiting = waiting.lock().unwrap();
                            let left = waiting.len();
                            (waiting.pop_front(), left)
                        };
                        let Some(request) = request else { break };
                        if left == counted {
                            *started.lock().unwrap() = Some(Spent::now());
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
    let ended = Spent::now();
    let started = started.lock().unwrap().take().unwrap();
    let counted = counted as f64;
    let generator = ended.thread - started.thread;
    let process = ended.process - started.process;
    let machine = ended.machine - started.machine;
    Measured {
        rate: counted / (ended.at - started.at).as_secs_f64(),
        server: (process - generator).max(0.0) / counted,
        generator: generator / counted,
        others: (machine - process).max(0.0) / counted,
    }
}

struct Spent {
    at: Instant,
    thread: f64,
    process: f64,
    machine: f64,
}

impl Spent {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            thread: processor::of_thread(),
            process: processor::of_process(),
            machine: processor::of_machine(),
        }
    }
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
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, length)| length.parse().ok())
            .unwrap();
        if body.len() == length {
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            return;
        }
    }
}

/// How many connections ask at once: `ROLECALL_BENCH_CONNECTIONS`, or 64.
pub(crate) fn connections() -> usize {
    let asked = std::env::var("ROLECALL_BENCH_CONNECTIONS").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(64)
}
