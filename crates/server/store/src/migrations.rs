//! The one history of the schema, and how each backend reads it.

/// The schema version that this program reads and writes: the number of migrations.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// In order; a released one is never edited, only followed by another.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_state.sql"),
    include_str!("migrations/0002_forgotten.sql"),
];

/// A migration for SQLite: every table strict, so that no column holds what it should not.
pub(crate) fn for_sqlite(migration: &str) -> String {
    migration.replace("\n);", "\n) STRICT;")
}

/// A migration for PostgreSQL: its names of the types, and texts in the order of their bytes, as
/// SQLite has them.
pub(crate) fn for_postgres(migration: &str) -> String {
    let words = [
        (" INTEGER", " BIGINT"),
        (" BLOB", " BYTEA"),
        (" TEXT ", " TEXT COLLATE \"C\" "),
        (" TEXT,", " TEXT COLLATE \"C\","),
    ];
    let mut text = migration.to_owned();
    for (ours, theirs) in words {
        text = text.replace(ours, theirs);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_backend_reads_the_same_text() {
        let text = "CREATE TABLE a (\n    name TEXT PRIMARY KEY,\n    at INTEGER NOT NULL,\n    note TEXT,\n    b BLOB NOT NULL\n);\n";
        insta::assert_snapshot!(for_sqlite(text), @r"
        CREATE TABLE a (
            name TEXT PRIMARY KEY,
            at INTEGER NOT NULL,
            note TEXT,
            b BLOB NOT NULL
        ) STRICT;
        ");
        insta::assert_snapshot!(for_postgres(text), @r#"
        CREATE TABLE a (
            name TEXT COLLATE "C" PRIMARY KEY,
            at BIGINT NOT NULL,
            note TEXT COLLATE "C",
            b BYTEA NOT NULL
        );
        "#);
    }
}
