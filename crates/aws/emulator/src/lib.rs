//! An emulated AWS account: STS and IAM that fetch, verify and decide for real, in AWS's wire
//! format. It is meant for tests and demonstrations on one machine, never as an AWS of one's own.
//!
//! A token is verified against what its issuer publishes, trust policies are evaluated, signed
//! calls are checked with SigV4. Where AWS's behaviour is documented or was observed it is
//! followed; each error message carries where it is known from.

mod access;
mod account;
mod authentication;
mod aws_claims;
mod call;
mod caller;
mod clock;
mod cloudtrail;
mod core;
mod decision;
mod emulator;
mod error;
mod iam;
mod identifier;
mod issuer;
mod policy;
mod principals;
mod secret;
mod seed;
mod server;
mod session;
mod settings;
mod signature;
mod state_file;
mod sts;
mod token;
mod trail;
mod wire;
mod world;

pub use clock::Clock;
pub use decision::{Check, Decision, DecisionError};
pub use emulator::{AccessKeys, Emulator};
pub use error::EmulatorError;
pub use seed::Seed;
pub use settings::{Messages, Settings};
