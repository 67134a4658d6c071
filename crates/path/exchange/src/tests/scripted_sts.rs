//! An STS that answers from a script, one answer a request, and keeps what it was asked. Only
//! raw sockets can break off in the middle of an answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One scripted answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A whole HTTP answer.
    Whole { status: u16, body: String },
    /// An answer that promises more than it sends.
    CutOff { body: String },
    /// The connection ends without an answer.
    HangUp,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub headers: String,
    pub body: String,
}

pub struct ScriptedSts {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ScriptedSts {
    pub async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        let mut script = VecDeque::from(script);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Some(request) = read(&mut stream).await else {
                    continue;
                };
                kept.lock().unwrap().push(request);
                let answer = script.pop_front().expect("asked more often than scripted");
                write(&mut stream, answer).await;
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// AWS's answer to an assume-role call, in its wire format.
pub fn assumed(operation: &str, access_key: &str, role_session: &str) -> Answer {
    let web_identity = if operation == "AssumeRoleWithWebIdentity" {
        "<SubjectFromWebIdentityToken>cube:deployment:42</SubjectFromWebIdentityToken>
         <Audience>sts.amazonaws.com</Audience>
         <Provider>arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev</Provider>"
    } else {
        ""
    };
    let body = format!(
        r#"<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <{operation}Result>
    {web_identity}
    <SourceIdentity>ann</SourceIdentity>
    <PackedPolicySize>24</PackedPolicySize>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:session</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/{role_session}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{access_key}</AccessKeyId>
      <SecretAccessKey>canary-secret-{access_key}</SecretAccessKey>
      <SessionToken>canary-session-{access_key}</SessionToken>
      <Expiration>2026-11-23T12:00:00Z</Expiration>
    </Credentials>
  </{operation}Result>
  <ResponseMetadata><RequestId>11111111-2222</RequestId></ResponseMetadata>
</{operation}Response>"#
    );
    Answer::Whole { status: 200, body }
}

/// AWS's error answer, in its wire format.
pub fn refused(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>
  <RequestId>33333333-4444</RequestId>
</ErrorResponse>"#
    );
    Answer::Whole { status, body }
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((headers, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length: usize = headers
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        if body.len() >= length {
            return Some(Asked {
                headers: headers.to_owned(),
                body: body.to_owned(),
            });
        }
    }
}

async fn write(stream: &mut TcpStream, answer: Answer) {
    let (status, length, body) = match answer {
        Answer::Whole { status, body } => (status, body.len(), body),
        Answer::CutOff { body } => (200, body.len() + 100, body),
        Answer::HangUp => return,
    };
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: text/xml\r\ncontent-length: {length}\r\nx-amzn-requestid: 33333333-4444\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
}
