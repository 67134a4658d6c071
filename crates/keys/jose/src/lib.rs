//! JWS and JWK (RFC 7515, 7517, 7518, 7519, 7638) as a thin layer on aws-lc-rs. Pure: no I/O, no clock.
