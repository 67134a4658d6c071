//! Token files that are kept fresh for as long as the agent runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use rolecall_deliver::{Clock, SecretFile, keep_token_file};
use tokio::task::JoinSet;

use crate::broker::{Broker, Wanted};

/// A file that holds the newest token of a token config.
#[derive(Debug, Clone)]
pub struct KeptFile {
    /// The token config.
    pub token_config: String,
    /// What is said to the issuer.
    pub attributes: BTreeMap<String, String>,
    /// The file.
    pub file: SecretFile,
}

/// Keeps all `files`: each is written as soon as its first token can be had, and again at half of
/// each token's life. Ends when what is answered is dropped.
pub fn keep_files(broker: &Arc<dyn Broker>, files: &[KeptFile], clock: &Clock) -> JoinSet<()> {
    let mut keeping = JoinSet::new();
    for kept in files {
        let source = broker.tokens(&Wanted {
            what: kept.token_config.clone(),
            attributes: kept.attributes.clone(),
        });
        let (file, clock) = (kept.file.clone(), clock.clone());
        let path = file.path().to_owned();
        keeping.spawn(async move {
            keep_token_file(source, file, clock, |renewed| match renewed {
                Ok(token) => {
                    tracing::info!(file = %path.display(), until = %token.expiration, "a token file was renewed");
                }
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "a token file could not be renewed; trying again");
                }
            })
            .await;
        });
    }
    keeping
}
