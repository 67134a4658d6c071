//! npm `oidc-provider`, another issuer, one process a core: the same proof in, a signed JWT out. It
//! keeps everything in memory and no trail.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rolecall_jose::SigningKey;

use crate::load::Request;

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    process: Child,
    algorithm: String,
}

impl Peer {
    /// `None` where it is not installed.
    pub(crate) fn start(algorithm: &str, workload: &SigningKey, cores: usize) -> Option<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../peers/oidc-provider");
        if !folder.join("node_modules").is_dir() {
            return None;
        }
        let key = serde_json::to_string(&workload.public_jwk()).unwrap();
        let mut process = Command::new("node")
            .arg("server.js")
            .args([ISSUER, algorithm, &cores.to_string(), &key])
            .current_dir(folder)
            .env("NODE_ENV", "production")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut told = BufReader::new(process.stdout.take().unwrap());
        told.read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().unwrap();
        Some(Self {
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            process,
            algorithm: algorithm.to_owned(),
        })
    }

    pub(crate) fn request(&self) -> Request {
        Request {
            path: "/token",
            host: "peer.example".to_owned(),
            workload: "w0".to_owned(),
            issuer: ISSUER.to_owned(),
            more: format!("&client_id=w0&asked={}", self.algorithm),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its processes end when their input does.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const ISSUER: &str = "https://peer.example";
