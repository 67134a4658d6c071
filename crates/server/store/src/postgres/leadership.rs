//! One process of an installation does what must not be done twice: an advisory lock that is held
//! as long as its connection lives.

use tokio_postgres::Client;

use super::pool::Pool;
use crate::StoreError;

/// The right to do what one process alone may do. Let go when dropped.
#[derive(Debug)]
pub struct Leadership {
    /// `None`: there is nobody else.
    client: Option<Client>,
}

impl Leadership {
    pub(crate) fn alone() -> Self {
        Self { client: None }
    }

    /// Whether it still holds: the connection may have been lost, and another process may lead.
    pub async fn holds(&self) -> bool {
        match &self.client {
            None => true,
            Some(client) => client.simple_query("SELECT 1").await.is_ok(),
        }
    }
}

/// Takes the lock if nobody has it.
pub(crate) async fn lead(pool: &Pool) -> Result<Option<Leadership>, StoreError> {
    let (client, connection) = pool.own().await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(%error, "the connection that led was lost");
        }
    });
    let leads: bool = client
        .query_one("SELECT pg_try_advisory_lock($1)", &[&LEADING])
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| pool.at(&error))?;
    Ok(leads.then_some(Leadership {
        client: Some(client),
    }))
}

/// `rolecall` as a number, and two.
const LEADING: i64 = 0x726f_6c65_6361_6c02;
