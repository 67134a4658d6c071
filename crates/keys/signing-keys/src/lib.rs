//! A tenant's signing keys: generated, sealed, kept parsed, and bounded so that RSA never starves the server.
