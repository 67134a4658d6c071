//! The audit trail as a chain: the hash of a row is over the row and the hash before it, so that
//! no row can be changed, taken out or put in between without all later hashes changing. Pure.
//!
//! `hash = SHA-256(previous hash ‖ row as JSON)`, the JSON as [`AuditRow`] serialises: members in
//! the order of the struct, absent ones left out, no spaces. The hash before the first row is 32
//! zero bytes. Whoever keeps the head's hash elsewhere also notices rows cut off at the end.

use aws_lc_rs::digest::{Context, SHA256};

use crate::{AuditRecord, AuditRow, StoreError};

/// The end of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last row's id; 0 before the first.
    pub id: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Head {
    /// Before the first row.
    pub const START: Self = Self {
        id: 0,
        hash: [0; 32],
    };

    /// From columns.
    pub(crate) fn read(id: i64, hash: &[u8]) -> Result<Self, StoreError> {
        let hash = hash.try_into().map_err(|_| StoreError::Broken {
            id,
            detail: "its hash is not 32 bytes".to_owned(),
        })?;
        Ok(Self { id, hash })
    }

    /// The row that `record` becomes after this one, and the head that it makes.
    pub(crate) fn extended(&self, record: &AuditRecord) -> Result<(AuditRow, Self), StoreError> {
        let row = AuditRow {
            id: self.id + 1,
            record: record.clone(),
        };
        let hash = hash(&self.hash, &row)?;
        let head = Self { id: row.id, hash };
        Ok((row, head))
    }

    /// The head after a row that was read, if it fits to this one.
    pub(crate) fn followed(&self, row: &AuditRow, stored: &[u8]) -> Result<Self, StoreError> {
        let broken = |detail: &str| StoreError::Broken {
            id: row.id,
            detail: detail.to_owned(),
        };
        if row.id != self.id + 1 {
            return Err(broken(&format!(
                "it follows row {}: rows are missing or were added",
                self.id
            )));
        }
        let hash = hash(&self.hash, row)?;
        if hash != stored {
            return Err(broken("its hash is not that of what it says"));
        }
        Ok(Self { id: row.id, hash })
    }

    /// The hash as hexadecimal digits.
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.hash {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

fn hash(previous: &[u8; 32], row: &AuditRow) -> Result<[u8; 32], StoreError> {
    let json = serde_json::to_vec(row).map_err(|error| StoreError::Odd {
        detail: format!("an audit row cannot be written as JSON: {error}"),
    })?;
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(&json);
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Ok(hash)
}
