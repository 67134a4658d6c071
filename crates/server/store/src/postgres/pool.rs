//! Connections to the database server, and the statements that go through them.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    GenericClient, Manager, ManagerConfig, Object, Pool as Connections, PoolError, RecyclingMethod,
    Runtime,
};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, IsolationLevel};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::connector;
use crate::StoreError;
use crate::location::Address;
use crate::sql::{Query, Row, Step, Value};

/// A few connections that wait to be used. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pool {
    connections: Connections,
    config: Config,
    tls: MakeRustlsConnect,
    place: Arc<str>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// Connects when the first connection is needed.
    pub(crate) fn new(address: &Address, size: usize) -> Result<Self, StoreError> {
        let mut config = address.config()?;
        config.connect_timeout(CONNECT_TIMEOUT);
        config.tcp_user_timeout(CONNECT_TIMEOUT);
        config.keepalives_idle(Duration::from_secs(30));
        let tls = connector(address.root().as_deref())?;
        let manager = Manager::from_config(
            config.clone(),
            tls.clone(),
            // A connection that died while idle is noticed before it is used.
            ManagerConfig {
                recycling_method: RecyclingMethod::Verified,
            },
        );
        let connections = Connections::builder(manager)
            .max_size(size.max(1) + 1)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|error| StoreError::Address {
                detail: error.to_string(),
            })?;
        Ok(Self {
            connections,
            config,
            tls,
            place: address.place()?.into(),
        })
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        self.connections.get().await.map_err(|error| match error {
            PoolError::Backend(error) => self.at(&error),
            other => StoreError::Unreachable {
                place: self.place.to_string(),
                detail: other.to_string(),
            },
        })
    }

    /// A connection that is not the pool's: whoever has it keeps it.
    pub(crate) async fn own(
        &self,
    ) -> Result<
        (
            tokio_postgres::Client,
            tokio_postgres::Connection<
                tokio_postgres::Socket,
                <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<
                    tokio_postgres::Socket,
                >>::Stream,
            >,
        ),
        StoreError,
    > {
        self.config
            .connect(self.tls.clone())
            .await
            .map_err(|error| self.at(&error))
    }

    /// Carries out `queries` as of one moment.
    pub(crate) async fn read(&self, queries: &[Query]) -> Result<Vec<Vec<Row>>, StoreError> {
        let mut connection = self.connection().await?;
        if let [query] = queries {
            return Ok(vec![self.rows(&connection, query).await?]);
        }
        let transaction = connection
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()
            .await
            .map_err(|error| self.at(&error))?;
        let mut answers = Vec::with_capacity(queries.len());
        for query in queries {
            answers.push(self.rows(&transaction, query).await?);
        }
        transaction
            .commit()
            .await
            .map_err(|error| self.at(&error))?;
        Ok(answers)
    }

    pub(crate) async fn rows(
        &self,
        client: &impl GenericClient,
        query: &Query,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = client
            .query(query.text, &references(&query.values))
            .await
            .map_err(|error| self.at(&error))?;
        rows.iter()
            .map(|row| {
                let values = (0..row.len())
                    .map(|column| row.try_get::<_, Value>(column))
                    .collect::<Result<Vec<_>, _>>();
                values.map(Row::new).map_err(|error| self.at(&error))
            })
            .collect()
    }

    /// Carries out `step`, and looks whether it changed what it should.
    pub(crate) async fn execute(
        &self,
        client: &impl GenericClient,
        step: &Step,
    ) -> Result<(), StoreError> {
        let changed = client
            .execute(step.text, &references(&step.values))
            .await
            .map_err(|error| self.at(&error))?;
        step.judge(changed)
    }

    /// What `error` means for the operator.
    pub(crate) fn at(&self, error: &tokio_postgres::Error) -> StoreError {
        let place = self.place.to_string();
        match error.as_db_error() {
            Some(refused) if refused.constraint() == Some("tenant_declared_issuer") => {
                StoreError::IssuerTaken
            }
            Some(refused) if is_passing(refused.code().code()) => StoreError::Unreachable {
                place,
                detail: refused.message().to_owned(),
            },
            Some(refused) => StoreError::Postgres {
                place,
                detail: format!("{} ({})", refused.message(), refused.code().code()),
            },
            None => StoreError::Unreachable {
                place,
                detail: error
                    .source()
                    .map_or_else(|| error.to_string(), |source| format!("{error}: {source}")),
            },
        }
    }
}

/// Whether a refusal passes by itself: the server starts, stops or is full (classes 08, 53, 57), or
/// two transactions were in each other's way (class 40).
fn is_passing(code: &str) -> bool {
    ["08", "40", "53", "57"]
        .iter()
        .any(|class| code.starts_with(class))
}

fn references(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            // `LIMIT` and comparisons are of this type; nothing here is of a narrower one.
            Self::Integer(number) => number.to_sql(of, out),
            Self::Text(text) if text.contains('\0') => {
                text.replace('\0', "\u{fffd}").to_sql(of, out)
            }
            Self::Text(text) => text.to_sql(of, out),
            Self::Bytes(bytes) => bytes.to_sql(of, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        of: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *of {
            Type::INT8 => Self::Integer(i64::from_sql(of, raw)?),
            Type::BYTEA => Self::Bytes(Vec::from_sql(of, raw)?),
            _ => Self::Text(String::from_sql(of, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
