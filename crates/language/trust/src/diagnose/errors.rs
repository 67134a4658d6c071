//! What each error of STS proves: which checks were passed before it was raised, and which causes
//! remain. Two generations of wording are in use; both are here.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

mod rows;

use serde::Serialize;

use super::catalogue::CauseId;

/// How an error is recognised, and what it tells.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorRow {
    /// The code as STS spells it; empty where the error is a client's own.
    pub code: &'static str,
    /// Words of its message, any of which identifies it; with none, the code does.
    #[serde(skip)]
    pub(crate) words: &'static [&'static str],
    /// What is certain once this error was seen.
    pub proves: &'static [&'static str],
    /// What remains.
    pub leaves: &'static str,
    /// The causes that remain, the likeliest first; a number is how likely, of 100.
    #[serde(skip)]
    pub(crate) causes: &'static [(CauseId, u8)],
    /// Where this is known from.
    pub source: &'static str,
    /// Year and month of the source.
    pub date: &'static str,
    /// How far it can be relied on.
    pub confidence: &'static str,
}

/// The rows, the specific before the general.
pub fn error_rows() -> &'static [ErrorRow] {
    rows::ROWS
}

/// The code by which the AccessDenied of the exchange itself is known.
pub(crate) fn is_exchange_denial(row: &ErrorRow) -> bool {
    row.words == DENIED
}

/// Words of the denial of the exchange itself.
const DENIED: &[&str] = &[
    "not authorized to perform sts:assumerolewithwebidentity",
    "not authorized to perform stsassumerolewithwebidentity",
];
