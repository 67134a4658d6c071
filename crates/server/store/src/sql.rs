//! Statements as data, in words that SQLite and PostgreSQL both read. What is to be written is
//! decided once, by pure functions; each backend only carries it out.
//!
//! Placeholders are `$1`, `$2`, …, bound by their names.

use crate::StoreError;

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A statement that reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
}

/// A statement that writes, and how many rows it must have changed for the rest to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) text: &'static str,
    pub(crate) values: Vec<Value>,
    /// The number of rows, and what it means if it is another.
    pub(crate) expected: Option<(u64, StoreError)>,
}

impl Query {
    pub(crate) fn new(text: &'static str, values: impl Into<Vec<Value>>) -> Self {
        Self {
            text,
            values: values.into(),
        }
    }
}

impl Step {
    pub(crate) fn new(text: &'static str, values: impl Into<Vec<Value>>) -> Self {
        Self {
            text,
            values: values.into(),
            expected: None,
        }
    }

    /// The same, refused with `otherwise` unless it changed exactly one row.
    pub(crate) fn or(mut self, otherwise: StoreError) -> Self {
        self.expected = Some((1, otherwise));
        self
    }

    /// Whether `changed` rows are what was expected.
    pub(crate) fn judge(&self, changed: u64) -> Result<(), StoreError> {
        match &self.expected {
            Some((wanted, otherwise)) if *wanted != changed => Err(otherwise.clone()),
            _ => Ok(()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row that was read, taken apart column by column.
#[derive(Debug)]
pub(crate) struct Row {
    values: std::vec::IntoIter<Value>,
    column: usize,
}

impl Row {
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self {
            values: values.into_iter(),
            column: 0,
        }
    }

    /// What is left of it.
    pub(crate) fn into_values(self) -> Vec<Value> {
        self.values.collect()
    }

    fn next(&mut self) -> Value {
        self.column += 1;
        self.values.next().unwrap_or(Value::Null)
    }

    fn odd(&self, wanted: &str) -> StoreError {
        StoreError::Odd {
            detail: format!("column {} of a row is not {wanted}", self.column),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        match self.next() {
            Value::Text(text) => Ok(text),
            _ => Err(self.odd("a text")),
        }
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(self.odd("a text")),
        }
    }

    pub(crate) fn integer(&mut self) -> Result<i64, StoreError> {
        match self.next() {
            Value::Integer(number) => Ok(number),
            _ => Err(self.odd("a number")),
        }
    }

    pub(crate) fn optional_integer(&mut self) -> Result<Option<i64>, StoreError> {
        match self.next() {
            Value::Null => Ok(None),
            Value::Integer(number) => Ok(Some(number)),
            _ => Err(self.odd("a number")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        match self.next() {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.odd("bytes")),
        }
    }

    /// A word that stands for one of a few values.
    pub(crate) fn word<T>(&mut self, read: fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let word = self.text()?;
        read(&word).ok_or_else(|| StoreError::Odd {
            detail: format!("`{word}` in column {} has no meaning here", self.column),
        })
    }
}
