//! State in SQLite: tenants, sealed keys, workloads, audit. The only crate that sees SQL.
