//! Word of changes by other processes.

use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::broadcast::Sender;
use tokio_postgres::AsyncMessage;

use super::pool::Pool;
use crate::StoreError;
use crate::store::Changed;

/// Passes on what is heard for as long as anybody could listen. While the connection is down words
/// are lost, so after it everything may have changed.
pub(crate) fn listen(pool: Pool, changes: Sender<Changed>) {
    tokio::spawn(async move {
        let mut first = true;
        loop {
            match hear(&pool, &changes, first).await {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "word of changes is not heard at the moment"),
            }
            first = false;
            if changes.receiver_count() == 0 && changes.is_empty() {
                // The store may be gone; a store that lives always has its server listening.
                tokio::time::sleep(AGAIN).await;
                if changes.receiver_count() == 0 {
                    return;
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    });
}

async fn hear(pool: &Pool, changes: &Sender<Changed>, first: bool) -> Result<(), StoreError> {
    let (client, mut connection) = pool.own().await?;
    let (heard, mut words) = tokio::sync::mpsc::unbounded_channel();
    let pump = tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            match message {
                Ok(AsyncMessage::Notification(word)) => {
                    if heard.send(word.payload().to_owned()).is_err() {
                        return Ok(());
                    }
                }
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    });
    client
        .batch_execute(&format!("LISTEN {CHANNEL}"))
        .await
        .map_err(|error| pool.at(&error))?;
    if !first {
        let _ = changes.send(Changed::Anything);
    }
    while let Some(tenant) = words.recv().await {
        // Nobody listens only while the server starts or stops.
        let _ = changes.send(Changed::Tenant(tenant));
    }
    match pump.await {
        Ok(Err(error)) => Err(pool.at(&error)),
        _ => Ok(()),
    }
}

/// Where changes are told.
pub(crate) const CHANNEL: &str = "rolecall_changes";
const AGAIN: Duration = Duration::from_millis(500);
