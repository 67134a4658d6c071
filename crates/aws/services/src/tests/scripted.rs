//! A service that gives the answers it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use crate::{AccountReader, Addresses, Retry, Service};

#[derive(Clone, Default)]
pub struct Scripted {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    pub asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Debug, Clone)]
pub struct Asked {
    pub authorization: String,
    pub target: Option<String>,
    pub body: String,
}

impl Scripted {
    /// Serves these answers in order; the last one again and again.
    pub async fn start(answers: &[(u16, &str)]) -> (Self, AccountReader) {
        let scripted = Self::default();
        scripted.answers.lock().unwrap().extend(
            answers
                .iter()
                .map(|(status, text)| (*status, (*text).to_owned())),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(scripted.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (scripted, reader_at(&url))
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// A reader that finds all services at one address.
pub fn reader_at(url: &str) -> AccountReader {
    let addresses = [Service::Iam, Service::Sts, Service::CloudTrail]
        .into_iter()
        .try_fold(
            Addresses::of("eu-central-1".parse().unwrap()),
            |addresses, service| addresses.with(service, url),
        )
        .unwrap();
    let keys = Credentials::new(
        "AKIDEXAMPLE",
        "secret",
        Some("session".into()),
        None,
        "test",
    );
    let retry = Retry {
        base: Duration::from_millis(1),
        lookup_pause: Duration::from_millis(1),
        ..Retry::default()
    };
    AccountReader::new(SharedCredentialsProvider::new(keys), addresses, retry).unwrap()
}

async fn answer(
    State(scripted): State<Scripted>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let header = |name: &str| Some(headers.get(name)?.to_str().unwrap().to_owned());
    scripted.asked.lock().unwrap().push(Asked {
        authorization: header("authorization").unwrap_or_default(),
        target: header("x-amz-target"),
        body,
    });
    let mut answers = scripted.answers.lock().unwrap();
    let (status, text) = if answers.len() > 1 {
        answers.pop_front().unwrap()
    } else {
        answers.front().cloned().unwrap()
    };
    (StatusCode::from_u16(status).unwrap(), text)
}
