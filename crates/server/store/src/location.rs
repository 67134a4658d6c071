//! Where the state is kept.

use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use crate::StoreError;

/// Where the state of an installation is kept.
#[derive(Debug, Clone)]
pub enum Location {
    /// In a folder, as one SQLite file, for one process.
    Folder(PathBuf),
    /// In a PostgreSQL database, for any number of processes.
    Postgres(Address),
}

/// The address of a PostgreSQL database: `postgres://user@host:5432/database`, or the
/// `key=value` form of libpq. `sslmode` and `sslrootcert` are read.
#[derive(Debug, Clone)]
pub struct Address {
    url: SecretString,
    password: Option<SecretString>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let address = Self {
            url: SecretString::from(url.to_owned()),
            password: None,
        };
        address.config()?;
        Ok(address)
    }

    /// The same with a password that the address does not hold.
    #[must_use]
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// For the client, without what only concerns TLS.
    pub(crate) fn config(&self) -> Result<tokio_postgres::Config, StoreError> {
        let mut config = tokio_postgres::Config::from_str(&self.without_root())
            // The client's own message may quote the address, and with it the password.
            .map_err(|_| StoreError::Address {
                detail: "it does not read as one".to_owned(),
            })?;
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        if config.get_hosts().is_empty() {
            return Err(StoreError::Address {
                detail: "it names no host".to_owned(),
            });
        }
        config.application_name("rolecall");
        Ok(config)
    }

    /// The file of certificates that the server's has to descend from; `None` for those that the
    /// machine trusts.
    pub(crate) fn root(&self) -> Option<PathBuf> {
        let url = self.url.expose_secret();
        let start = url.find(ROOT)? + ROOT.len();
        let end = url[start..]
            .find(['&', ' '])
            .map_or(url.len(), |length| start + length);
        Some(PathBuf::from(&url[start..end]))
    }

    /// The client does not know `sslrootcert`.
    fn without_root(&self) -> String {
        let url = self.url.expose_secret();
        let Some(start) = url.find(ROOT) else {
            return url.to_owned();
        };
        let end = url[start..]
            .find(['&', ' '])
            .map_or(url.len(), |length| start + length);
        let (before, after) = (&url[..start], &url[end..]);
        let after = after.strip_prefix('&').unwrap_or(after);
        format!("{before}{after}")
            .trim_end_matches(['?', '&', ' '])
            .to_owned()
    }

    /// Host, port and database, without user and password.
    pub(crate) fn place(&self) -> Result<String, StoreError> {
        use tokio_postgres::config::Host;

        let config = self.config()?;
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(folder)) => folder.display().to_string(),
            None => String::new(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let database = config.get_dbname().or(config.get_user()).unwrap_or("");
        Ok(format!("{host}:{port}/{database}"))
    }
}

const ROOT: &str = "sslrootcert=";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_place_holds_no_secret() {
        let address =
            Address::parse("postgres://rolecall:s3cret@db.example:5433/state?sslmode=require&sslrootcert=/etc/ca.pem")
                .unwrap();
        assert_eq!(address.place().unwrap(), "db.example:5433/state");
        assert_eq!(address.root().unwrap(), PathBuf::from("/etc/ca.pem"));
        assert!(!format!("{address:?}").contains("s3cret"));
        let address = Address::parse("host=/run/postgresql user=me dbname=state").unwrap();
        assert_eq!(address.place().unwrap(), "/run/postgresql:5432/state");
    }

    #[test]
    fn what_is_no_address_is_refused_without_quoting_it() {
        let error = Address::parse("postgres://me:s3cret@[broken/db").unwrap_err();
        assert!(!error.to_string().contains("s3cret"));
        assert!(Address::parse("dbname=state").is_err());
    }
}
