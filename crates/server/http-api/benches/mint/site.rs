//! An installation with a hundred thousand workloads.

use std::fmt;
use std::net::SocketAddr;

use rolecall_http_api::{Clock, Installation, Server, router};
use rolecall_jose::SigningKey;
use rolecall_sealed::MasterKey;
use rolecall_store::{
    Change, Document, Edit, Expect, Location, ResourceKind, Source, Store, StoreOptions,
};
use serde_json::json;

use crate::load::Request;

/// How the workloads are spread.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    tenants: usize,
    workloads: usize,
    /// How many tenants are asked for tokens: each makes an RSA key when it first is.
    pub(crate) asked: usize,
}

impl Shape {
    pub(crate) const ONE_TENANT: Self = Self {
        name: "one",
        tenants: 1,
        workloads: 100_000,
        asked: 1,
    };
    pub(crate) const MANY_TENANTS: Self = Self {
        name: "many",
        tenants: 10_000,
        workloads: 10,
        asked: 100,
    };
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tenants, {} workloads, {} tenants asked",
            self.tenants,
            self.tenants * self.workloads,
            self.asked
        )
    }
}

pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) installation: Installation,
    shape: Shape,
}

impl Site {
    pub(crate) async fn start(
        location: &Location,
        shape: Shape,
        rsa: &SigningKey,
        p256: &SigningKey,
    ) -> Self {
        let store = Store::open_at(location, &StoreOptions::default())
            .await
            .unwrap();
        fill(&store, shape, rsa, p256).await;
        let master = MasterKey::generate().unwrap();
        let installation = Installation::start(store, master, vec![], Clock::system())
            .await
            .unwrap();
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.address();
        tokio::spawn(server.serve(router(installation.clone()), std::future::pending()));
        Self {
            address,
            installation,
            shape,
        }
    }

    /// What is asked for in turn: up to ten thousand workloads, another tenant each time. Every
    /// other workload has an RSA key, and the rest P-256 ones.
    pub(crate) fn asked(&self, algorithm: &str, proof: &str) -> Vec<Request> {
        let odd = usize::from(proof != "RSA-2048");
        let each = self.shape.workloads.min(10_000) / 2;
        (0..each)
            .flat_map(|workload| (0..self.shape.asked).map(move |tenant| (tenant, workload)))
            .map(|(tenant, workload)| Request {
                path: "/oauth2/token",
                host: host(tenant),
                workload: name(2 * workload + odd),
                issuer: format!("https://{}", host(tenant)),
                more: format!("&token_config={}", algorithm.to_lowercase()),
            })
            .collect()
    }
}

pub(crate) fn location_of_folder(folder: &tempfile::TempDir) -> Location {
    Location::Folder(folder.path().to_path_buf())
}

async fn fill(store: &Store, shape: Shape, rsa: &SigningKey, p256: &SigningKey) {
    let keys = [rsa.public_jwk(), p256.public_jwk()];
    let mut edits = Vec::new();
    for tenant in 0..shape.tenants {
        let tenant = format!("t{tenant:05}");
        edits.push(Edit::PutTenant {
            name: tenant.clone(),
            issuer: format!("https://{tenant}.example"),
            document: "{}".to_owned(),
            source: Source::Api,
            expect: Expect::Absent,
        });
        let put = |kind, name: &str, json: serde_json::Value| Edit::Put {
            tenant: tenant.clone(),
            kind,
            document: Document {
                name: name.to_owned(),
                json: json.to_string(),
            },
            source: Source::Api,
            expect: Expect::Absent,
        };
        for algorithm in ["RS256", "ES256"] {
            let name = algorithm.to_lowercase();
            let config = json!({
                "name": name, "audience": "sts.amazonaws.com", "algorithm": algorithm,
                "subject": "cube:deployment:{deployment_id}:component:{component}",
                "aws": {"session_tags": {"team": "{team}"}},
            });
            edits.push(put(ResourceKind::TokenConfig, &name, config));
        }
        for number in 0..shape.workloads {
            let name = name(number);
            let workload = json!({
                "name": name,
                "attributes": {"deployment_id": "42", "component": "cube_api", "team": "data"},
                "token_configs": ["rs256", "es256"],
                "keys": [keys[number % 2]],
            });
            edits.push(put(ResourceKind::Workload, &name, workload));
            if edits.len() >= EDITS_AT_ONCE {
                write(store, std::mem::take(&mut edits)).await;
            }
        }
    }
    write(store, edits).await;
}

async fn write(store: &Store, edits: Vec<Edit>) {
    let change = Change {
        edits,
        ..Change::default()
    };
    store.change(change).await.unwrap();
}

fn host(tenant: usize) -> String {
    format!("t{tenant:05}.example")
}

fn name(workload: usize) -> String {
    format!("w{workload}")
}

const EDITS_AT_ONCE: usize = 5_000;
