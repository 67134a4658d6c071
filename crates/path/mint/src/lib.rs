//! Attributes and a token config become claims, claims become a signed token. Pure: the clock, the
//! token's id and the attributes are parameters.
//!
//! ```
//! use rolecall_mint::{Attributes, IssuerUrl, TokenConfig, TokenConfigText, mint};
//!
//! let issuer: IssuerUrl = "https://acme.cubecloud.dev".parse()?;
//! let config = TokenConfig::read(&TokenConfigText::new(
//!     "aws",
//!     "sts.amazonaws.com",
//!     "cube:deployment:{deployment_id}:component:{component}",
//! ))?;
//! let attributes = Attributes::from_iter([("deployment_id", "42"), ("component", "cube_api")]);
//! let claims = mint(&config, &attributes, &issuer, 1_700_000_000, "b1c7", None)?;
//! assert_eq!(claims.subject(), "cube:deployment:42:component:cube_api");
//! # Ok::<(), rolecall_mint::MintError>(())
//! ```

mod attributes;
mod aws_claims;
mod claim_value;
mod claims;
mod custom_claims;
mod error;
mod format_error;
mod issuer_url;
mod subject;
mod template;
mod token_config;

pub use attributes::Attributes;
pub use aws_claims::{AwsClaims, AwsClaimsText};
pub use claims::{Claims, mint};
pub use custom_claims::{ClaimText, CustomClaims};
pub use error::{Fault, MintError};
pub use format_error::{FormatError, FormatProblem};
pub use issuer_url::IssuerUrl;
pub use subject::SubjectFormat;
pub use token_config::{LONGEST_LIFETIME, TokenConfig, TokenConfigText};
