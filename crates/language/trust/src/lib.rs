//! IAM policies: read with positions, decide, explain, validate as IAM does when it stores them. Pure.
