//! Keyless AWS access for everything you run: issuer, broker, trust engine and emulated account in one binary.
