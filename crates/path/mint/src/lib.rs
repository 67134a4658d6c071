//! Attributes and a token config become claims, claims become a signed token. Pure.
