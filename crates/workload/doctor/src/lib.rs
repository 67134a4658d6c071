//! What in a machine's AWS set-up will win, what is wrong with it, and the mend.
//!
//! A [`Machine`] is what was seen: variables, files, clock and answers, with secrets left out.
//! [`chains`] tells, for each family of SDKs, which source of credentials is used and why the
//! others are not; [`findings`] tells what is wrong, each with a stable code. What can be mended
//! without asking is told as [`Mend`].
//!
//! The order of sources is AWS's own: [standardized credential providers]. That of botocore is
//! held against the aws CLI and boto3 by tests.
//!
//! Pure: no I/O, no clock, no environment.
//!
//! [standardized credential providers]: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html

mod aws_file;
mod chain;
mod finding;
mod findings;
mod machine;
mod mend;
mod profiles;
mod token;

pub use chain::{Candidate, Chain, Family, Source, Verdict, chains};
pub use finding::{Finding, Severity};
pub use findings::findings;
pub use machine::{
    Answers, CachedLogin, FileFacts, Machine, Program, TextFile, is_secret, programs, referenced,
};
pub use mend::{Mend, with_profile_header};
pub use token::TokenFacts;

#[cfg(test)]
mod tests;
