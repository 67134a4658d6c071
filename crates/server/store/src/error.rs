use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the state could not be opened, read or written. Cloned to every caller of a group whose
/// common transaction failed, so it holds texts rather than sources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The writer has stopped, because the store was closed. Ours, or a request during shutdown.
    #[error("the state is closed: the server is shutting down")]
    Closed,
    /// The database does not read as one. The operator's: a disk fault or a stray writer.
    #[error("the state database `{}` is damaged: {detail}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite or the check said.
        detail: String,
    },
    /// Two declared tenants have the same name or the same issuer. The operator's.
    #[error(
        "tenant `{tenant}` is declared twice, or shares its issuer `{issuer}` with another tenant"
    )]
    DuplicateTenant {
        /// The second of the two.
        tenant: String,
        /// Its issuer.
        issuer: String,
    },
    /// The state folder cannot be made or entered. The operator's.
    #[error("the state folder `{}` cannot be used: {detail}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The disk, or the page limit of the store, is full. The operator's; nothing was written.
    #[error("the state database `{}` cannot grow: the disk is full", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// Another process holds the state folder. The operator's.
    #[error("the state folder `{}` is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The disk failed under the database. The operator's; nothing was acknowledged.
    #[error("the state database `{}` cannot be read or written: {detail}", path.display())]
    Io {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// A tenant that has signing keys was declared with another issuer. The operator's.
    #[error(
        "tenant `{tenant}` has signing keys for the issuer `{stored}` and cannot move to `{declared}`"
    )]
    IssuerChanged {
        /// The tenant.
        tenant: String,
        /// The issuer that its keys were made for.
        stored: String,
        /// The issuer that is declared now.
        declared: String,
    },
    /// The same, met by another writer at the same moment. The operator's.
    #[error("tenant `{tenant}` has signing keys for another issuer and cannot move")]
    IssuerKept {
        /// The tenant.
        tenant: String,
    },
    /// Something is there already. The asker's.
    #[error("{what} is there already")]
    Exists {
        /// What, in words.
        what: String,
    },
    /// Something is not there. The asker's.
    #[error("there is no {what}")]
    Missing {
        /// What, in words.
        what: String,
    },
    /// Something was changed by somebody else meanwhile. The asker's.
    #[error("{what} was changed meanwhile, or is not there any more")]
    Stale {
        /// What, in words.
        what: String,
    },
    /// An issuer that another tenant has. The asker's.
    #[error("another tenant has this issuer already")]
    IssuerTaken,
    /// Evidence so old that it may have been used and forgotten, which only a clock that went
    /// backwards lets through so far. The operator's.
    #[error(
        "evidence of that time is forgotten already, so it cannot be told whether this was used before"
    )]
    Forgotten,
    /// Evidence that was used before. The asker's.
    #[error("this evidence was used before")]
    Replayed,
    /// The database server does not answer. The operator's; what was asked may or may not be done,
    /// and nothing was acknowledged.
    #[error("the database at {place} does not answer: {detail}")]
    Unreachable {
        /// Host, port and database, without user and password.
        place: String,
        /// What the client said.
        detail: String,
    },
    /// PostgreSQL refused something that it should not have. Ours, or its operator's.
    #[error("the database at {place} refused a statement: {detail}")]
    Postgres {
        /// Host, port and database, without user and password.
        place: String,
        /// What PostgreSQL said.
        detail: String,
    },
    /// The address of the database is not one. The operator's.
    #[error("the database's address cannot be used: {detail}")]
    Address {
        /// What is wrong with it.
        detail: String,
    },
    /// A row holds what this program would not have written. The operator's: a stray writer.
    #[error("the state holds what this program did not write: {detail}")]
    Odd {
        /// Which column, and what is in it.
        detail: String,
    },
    /// The audit trail was edited. The operator's.
    #[error("the audit trail does not hold together at row {id}: {detail}")]
    Broken {
        /// The first row that does not fit.
        id: i64,
        /// What does not fit.
        detail: String,
    },
    /// Something else is in the way of a restore or a move. The operator's.
    #[error("{place} holds an installation already")]
    Occupied {
        /// The folder or database.
        place: String,
    },
    /// Written by a later version of the product. The operator's.
    #[error(
        "the state database `{}` has schema version {found}, newer than the {known} this program knows",
        path.display()
    )]
    NewerVersion {
        /// The database file.
        path: PathBuf,
        /// The version in the file.
        found: i64,
        /// The newest version that this program reads.
        known: i64,
    },
    /// A SQLite file, but not one of ours, or one without a readable version. The operator's.
    #[error("`{}` is not a state database of this program: {detail}", path.display())]
    NotOurs {
        /// The database file.
        path: PathBuf,
        /// What is missing or strange.
        detail: String,
    },
    /// The folder or the database can be read but not written. The operator's.
    #[error("the state folder `{}` is read-only: {detail}", path.display())]
    ReadOnly {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// SQLite refused something that it should not have. Ours.
    #[error("the state database `{}` refused a statement: {detail}", path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
}

impl StoreError {
    /// What to do next: one sentence, or nothing where the message says it all.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Closed => return None,
            Self::Damaged { path, .. } => format!(
                "Restore `{}` from a backup. Moving it away starts an installation with new signing keys, which AWS accepts once it has fetched the new JWKS, and without the audit trail.",
                path.display()
            ),
            Self::DuplicateTenant { .. } => {
                "Give each tenant a name and an issuer of its own.".to_owned()
            }
            Self::Folder { path, .. } => format!(
                "Point `server.state` at a folder that this user can create and enter, not `{}`.",
                path.display()
            ),
            Self::Full { path } => format!(
                "Free space on the file system of `{}`. No token is issued that cannot be recorded.",
                path.display()
            ),
            Self::InUse { .. } => {
                "Stop the other process, or give this one a state folder of its own.".to_owned()
            }
            Self::Io { path, .. } => format!(
                "Check the disk that holds `{}`. No token is issued that cannot be recorded.",
                path.display()
            ),
            Self::IssuerChanged { stored, .. } => format!(
                "Tokens and AWS providers know this tenant as `{stored}`. Keep that issuer, or declare a new tenant under another name for the new one."
            ),
            Self::IssuerKept { .. } => "Declare a new tenant under another name for the new issuer.".to_owned(),
            Self::Exists { .. } => "Choose another name, or change what is there.".to_owned(),
            Self::Missing { .. } => "Look at the list of what there is.".to_owned(),
            Self::Stale { .. } => "Read it again and decide on what it says now.".to_owned(),
            Self::IssuerTaken => "Give each tenant an issuer of its own.".to_owned(),
            Self::Replayed => "Make a new one for every request.".to_owned(),
            Self::Unreachable { .. } => {
                "Try again; tokens are not issued until their audit rows can be written.".to_owned()
            }
            Self::Postgres { .. } => {
                "Check that the user owns the schema; otherwise this is a defect, please report it."
                    .to_owned()
            }
            Self::Address { .. } => {
                "Write it as `postgres://user@host:5432/database`, the password in the environment or a file."
                    .to_owned()
            }
            Self::Odd { .. } => "Restore a backup from before, or find out who wrote it.".to_owned(),
            Self::Broken { .. } => {
                "Compare with an export or a backup from before; the rows up to there are as they were written."
                    .to_owned()
            }
            Self::Occupied { .. } => "Name an empty folder or database.".to_owned(),
            Self::NewerVersion { .. } => {
                "Run the version of the program that wrote it, or a later one.".to_owned()
            }
            Self::NotOurs { .. } => {
                "Point `server.state` at another folder; this file was left as it is.".to_owned()
            }
            Self::ReadOnly { path, .. } => format!(
                "Make `{}` writable for this user, or point `server.state` elsewhere.",
                path.display()
            ),
            Self::Forgotten => "Set the clock right, or wait until it is past what it was.".to_owned(),
            Self::Sqlite { .. } => "This is a defect; please report it.".to_owned(),
        };
        Some(hint)
    }

    /// What `error`, met at the database `path`, means for the operator.
    pub(crate) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let detail = error.to_string();
        let path = path.to_path_buf();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, detail }
            }
            Some(ErrorCode::ConstraintViolation) if detail.contains("tenant.issuer") => {
                Self::IssuerTaken
            }
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly {
                    path: path.parent().map_or(path.clone(), Path::to_path_buf),
                    detail,
                }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse {
                path: path.parent().map_or(path.clone(), Path::to_path_buf),
            },
            Some(ErrorCode::SystemIoFailure | ErrorCode::NoLargeFileSupport) => {
                Self::Io { path, detail }
            }
            _ => Self::Sqlite { path, detail },
        }
    }
}

/// `map_err` with the database at `path`.
pub(crate) fn at(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    move |error| StoreError::from_sqlite(path, &error)
}
