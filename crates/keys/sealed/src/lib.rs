//! Secrets in memory and at rest: types that cannot be printed, and envelope encryption.
