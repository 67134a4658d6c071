//! The issuer over HTTP: discovery, JWKS, token endpoint, health.
