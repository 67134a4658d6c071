//! How close minting over HTTP comes to what the machine can sign at all, and what another issuer
//! reaches beside it.
//!
//! One run measures the raw RSA-2048 and P-256 signing rate of all cores, then the rate of tokens
//! through the HTTP endpoint on loopback: assertion verified, claims rendered, token signed, audit
//! row on disk, answer read. A hundred thousand workloads belong to one tenant or to ten thousand,
//! and the state is a SQLite file or a PostgreSQL server of the run's own. The load comes from the
//! same cores, over keep-alive connections, with requests made beforehand.
//!
//! Rates mean something on a machine that does nothing else. The processor time of a token, told
//! apart for the load generator and the server, is counted too: it bears some company.
//!
//! `cargo bench -p rolecall-http-api --bench mint`, after `npm ci --prefix peers/oidc-provider` for
//! the other issuer. `ROLECALL_BENCH_SCALE=0.1` makes it shorter, and so do words of the lines that are
//! wanted: `-- SQLite ES256`. `ROLECALL_BENCH_CONNECTIONS` says how many connections ask at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs
)]

mod cluster;
mod load;
mod peer;
mod processor;
mod site;

use std::time::{Duration, Instant};

use rolecall_jose::{KeyKind, SigningKey};

use crate::cluster::Cluster;
use crate::load::{Measured, Request, connections, measure, requests};
use crate::peer::Peer;
use crate::site::{Shape, Site, location_of_folder};

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let cores = std::thread::available_parallelism().unwrap().get();
    let scale: f64 = std::env::var("ROLECALL_BENCH_SCALE")
        .ok()
        .and_then(|scale| scale.parse().ok())
        .unwrap_or(1.0);
    let many = |count: f64| (count * scale).ceil() as usize;
    println!(
        "cores: {cores}, connections: {}, audit: on disk before each answer",
        connections()
    );

    let raw_rsa = raw(KeyKind::Rsa2048, cores, scale);
    let raw_p256 = raw(KeyKind::P256, cores, scale);
    raw_rsa.print("raw RSA-2048 signatures");
    raw_p256.print("raw P-256 signatures");
    let algorithms = [
        ("RS256", &raw_rsa, many(8_000.0)),
        ("ES256", &raw_p256, many(40_000.0)),
    ];

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores)
        .enable_all()
        .build()
        .unwrap();
    let rsa = SigningKey::generate(KeyKind::Rsa2048).unwrap();
    let p256 = SigningKey::generate(KeyKind::P256).unwrap();
    let wanted = |line: &[&str]| {
        let words = std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with('-'));
        words.into_iter().all(|word| line.contains(&word.as_str()))
    };
    let lines = |shape: Shape, database| {
        let tenants = shape.name;
        algorithms.iter().any(|(algorithm, ..)| {
            ["RSA-2048", "P-256"]
                .iter()
                .any(|proof| wanted(&[tenants, database, algorithm, proof]))
        })
    };
    let cluster = Cluster::start();
    for shape in [Shape::ONE_TENANT, Shape::MANY_TENANTS] {
        for database in ["SQLite", "PostgreSQL"] {
            if !lines(shape, database) {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let location = match database {
                "SQLite" => location_of_folder(&folder),
                _ => cluster.new_database(shape.name),
            };
            let site = runtime.block_on(Site::start(&location, shape, &rsa, &p256));
            println!("{database}, {shape}");
            for (algorithm, raw, tokens) in &algorithms {
                for (proof, key) in [("RSA-2048", &rsa), ("P-256", &p256)] {
                    if !wanted(&[shape.name, database, algorithm, proof]) {
                        continue;
                    }
                    let asked = site.asked(algorithm, proof);
                    // Each tenant's keys are made or read when it is first asked for.
                    let first = requests(&asked[..asked.len().min(shape.asked)], key, cores, 0);
                    measure(site.address, first);
                    let some: Vec<Request> = asked.iter().cycle().take(*tokens).cloned().collect();
                    let tokens = measure(site.address, requests(&some, key, cores, 1));
                    tokens.print(&format!("  {algorithm}, asked with {proof}"), raw);
                }
            }
            runtime.block_on(site.installation.close());
        }
    }
    drop(cluster);
    for (algorithm, raw, tokens) in &algorithms {
        if !wanted(&["oidc-provider", algorithm, "RSA-2048"]) {
            continue;
        }
        let Some(peer) = Peer::start(algorithm, &rsa, cores) else {
            println!("npm oidc-provider is not installed: npm ci --prefix peers/oidc-provider");
            return;
        };
        let asked = vec![peer.request(); tokens / 8];
        let measured = measure(peer.address, requests(&asked, &rsa, cores, 0));
        println!(
            "{:<48} {:>8.0} /s   {:>5.1} % of raw; generator and all programs {:.1} µs of a core",
            format!("npm oidc-provider, {algorithm}, asked with RSA-2048"),
            measured.rate,
            100.0 * measured.rate / raw.rate,
            1e6 * (measured.generator + measured.server + measured.others),
        );
    }
}

/// What the cores do when they do nothing but sign.
struct Raw {
    /// Signatures a second, on all cores at once.
    rate: f64,
    /// Processor time of one signature, in seconds.
    processor: f64,
}

impl Raw {
    fn print(&self, what: &str) {
        println!(
            "{what:<48} {:>8.0} /s   {:>6.1} µs of a core",
            self.rate,
            self.processor * 1e6
        );
    }
}

impl Measured {
    fn print(&self, what: &str, raw: &Raw) {
        println!(
            "{what:<48} {:>8.0} /s   {:>5.1} % of raw; a token takes {:>6.1} µs of a core: server {:.1}, generator {:.1}, other programs {:.1}; {:>5.1} % of the server's is the signature",
            self.rate,
            100.0 * self.rate / raw.rate,
            1e6 * (self.server + self.generator + self.others),
            1e6 * self.server,
            1e6 * self.generator,
            1e6 * self.others,
            100.0 * raw.processor / self.server,
        );
    }
}

fn raw(kind: KeyKind, cores: usize, scale: f64) -> Raw {
    let key = SigningKey::generate(kind).unwrap();
    let message = [b'x'; 700];
    let time = Duration::from_secs_f64(3.0 * scale.max(0.1));
    let count_for = |time: Duration| {
        let (start, spent) = (Instant::now(), processor::of_thread());
        let mut count = 0_u64;
        while start.elapsed() < time {
            key.sign(&message).unwrap();
            count += 1;
        }
        let count = count as f64;
        let spent = processor::of_thread() - spent;
        (count / start.elapsed().as_secs_f64(), spent / count)
    };
    count_for(time / 10);
    std::thread::scope(|scope| {
        let counting: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| count_for(time)))
            .collect();
        let counted: Vec<(f64, f64)> = counting
            .into_iter()
            .map(|one| one.join().unwrap())
            .collect();
        Raw {
            rate: counted.iter().map(|(rate, _)| rate).sum(),
            processor: counted.iter().map(|(_, spent)| spent).sum::<f64>() / cores as f64,
        }
    })
}
