//! Evidence becomes an attested workload: private_key_jwt (RFC 7523), both sides. Pure.
