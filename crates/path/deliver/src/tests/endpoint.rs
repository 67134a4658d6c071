use jiff::SignedDuration;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Hands, Scripted, credentials, denied, noon, unavailable};
use crate::{AuthorizationToken, CachedCredentials, ContainerEndpoint, Credentials, SourceError};

struct Running {
    endpoint: ContainerEndpoint,
    token: AuthorizationToken,
}

async fn running(script: Vec<Result<Credentials, SourceError>>) -> Running {
    let cache = CachedCredentials::new(Scripted::new(script), Hands::at_noon().clock());
    let token = AuthorizationToken::generate().unwrap();
    let endpoint = ContainerEndpoint::start(cache, token.clone())
        .await
        .unwrap();
    Running { endpoint, token }
}

impl Running {
    /// The whole answer to `method path`, as text.
    async fn ask(&self, method: &str, path: &str, authorization: Option<&str>) -> String {
        let host = self.endpoint.url().strip_prefix("http://").unwrap();
        let host = host.split('/').next().unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let header =
            authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{header}Connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn ask_rightly(&self) -> String {
        let token = self.token.secret().expose_secret().to_owned();
        self.ask("GET", "/credentials", Some(&token)).await
    }
}

fn body(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn good() -> Credentials {
    credentials("ASIAEXAMPLE", noon() + SignedDuration::from_hours(1))
}

#[tokio::test]
async fn the_token_gets_what_every_sdk_reads() {
    let running = running(vec![Ok(good())]).await;
    assert!(running.endpoint.url().starts_with("http://127.0.0.1:"));
    let answer = running.ask_rightly().await;
    assert!(answer.starts_with("HTTP/1.1 200"));
    assert!(answer.contains("content-type: application/json"));
    assert!(answer.contains("cache-control: no-store"));
    assert_eq!(
        body(&answer),
        serde_json::json!({
            "AccessKeyId": "ASIAEXAMPLE",
            "SecretAccessKey": "canary/secret+key=",
            "Token": "canary/session+token==",
            "Expiration": "2026-11-23T13:00:00Z",
            "AccountId": "123456789012",
            "RoleArn": "arn:aws:iam::123456789012:role/First",
        })
    );
}

#[tokio::test]
async fn without_the_token_nothing_is_told_and_nothing_is_fetched() {
    let running = running(vec![]).await;
    let token = running.token.secret().expose_secret().to_owned();
    let almost = format!("{}x", &token[..token.len() - 1]);
    let with_scheme = format!("Bearer {token}");
    for wrong in [
        None,
        Some(""),
        Some("wrong"),
        Some(&almost[..]),
        Some(&with_scheme),
    ] {
        let answer = running.ask("GET", "/credentials", wrong).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{wrong:?}: {answer}");
        assert_eq!(body(&answer)["code"], "AccessDenied");
        assert!(!answer.contains("canary"));
    }
}

#[tokio::test]
async fn other_paths_and_methods_answer_in_the_same_form() {
    let running = running(vec![]).await;
    let answer = running.ask("GET", "/", None).await;
    assert!(answer.starts_with("HTTP/1.1 404"));
    assert_eq!(body(&answer)["code"], "NotFound");
    let answer = running.ask("POST", "/credentials", None).await;
    assert!(answer.starts_with("HTTP/1.1 405"));
    assert_eq!(body(&answer)["code"], "MethodNotAllowed");
}

#[tokio::test]
async fn a_failing_source_is_told_from_a_denying_one() {
    let running = running(vec![Err(unavailable()), Err(denied())]).await;
    let answer = running.ask_rightly().await;
    assert!(answer.starts_with("HTTP/1.1 503"));
    assert_eq!(
        body(&answer),
        serde_json::json!({"code": "Unavailable", "message": "STS cannot be reached"})
    );
    let answer = running.ask_rightly().await;
    assert!(answer.starts_with("HTTP/1.1 403"));
    assert_eq!(body(&answer)["code"], "AccessDenied");
}

#[tokio::test]
async fn the_port_is_closed_when_the_endpoint_is_dropped() {
    let Running { endpoint, token } = running(vec![]).await;
    let address = endpoint.url().split('/').nth(2).unwrap().to_owned();
    assert!(TcpStream::connect(&address).await.is_ok());
    drop(endpoint);
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let secret = token.secret().expose_secret().to_owned();
    assert!(secret.len() >= 43);
    assert!(!format!("{token:?}").contains(&secret));
}
