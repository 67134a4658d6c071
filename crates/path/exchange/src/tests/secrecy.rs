use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use super::calling::{TOKEN, exchange, sts_at};
use super::scripted_sts::{ScriptedSts, assumed, refused};

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_reaches_a_debug_an_error_or_a_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let quoting = format!(
        "1 validation error detected: Value '{TOKEN}' at 'webIdentityToken' failed to satisfy constraint"
    );
    let server = ScriptedSts::start(vec![
        refused(400, "Throttling", &quoting),
        assumed("AssumeRoleWithWebIdentity", "ASIAFIRST", "First/cube-api"),
        refused(400, "ValidationError", &quoting),
        refused(403, "SignatureDoesNotMatch", "canary-session-ASIAFIRST"),
    ])
    .await;
    let sts = sts_at(&server.url);
    let session = exchange(&sts, TOKEN).await.unwrap();
    let refused = exchange(&sts, TOKEN).await.unwrap_err();
    let unsigned = sts.caller_identity(&session).await.unwrap_err();
    drop(guard);

    assert!(refused.to_string().contains("Value '<secret>' at"));
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("asking STS again"),
        "the log was kept: {logged}"
    );
    for shown in [
        logged,
        format!("{sts:?} {session:?} {refused:?} {unsigned:?} {unsigned}"),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}
