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
mod audience;
mod aws_claims;
mod claim_value;
mod claims;
mod custom_claims;
mod declared;
mod error;
mod form;
mod format_error;
mod issuer_url;
mod levers;
mod literals;
pub mod presets;
mod preview;
mod rules;
mod run_scope;
mod subject;
mod target_variable;
mod template;
mod token_config;
mod trust_needs;
mod user_token;

pub use attributes::Attributes;
pub use audience::AudienceKind;
pub use aws_claims::{AwsClaims, AwsClaimsText};
pub use claims::{Asked, Claims, LONGEST_PAYLOAD, mint, mint_asked};
pub use custom_claims::{ClaimText, CustomClaims};
pub use declared::{AttributeRule, AttributeText, DeclaredAttributes, Derived, Source};
pub use error::{Fault, MintError};
pub use form::Form;
pub use format_error::{FormatError, FormatProblem};
pub use issuer_url::IssuerUrl;
pub use levers::Lever;
pub use literals::Literals;
pub use preview::{Origin, Preview, Size};
pub use rules::{LONGEST_LIFETIME, TenantRules, TenantRulesText};
pub use run_scope::RunScope;
pub use subject::{LONGEST_SUBJECT, LONGEST_TEMPLATE, SubjectFormat};
pub use target_variable::check as check_target_variable;
pub use token_config::{TokenConfig, TokenConfigText};
pub use trust_needs::{TrustCondition, TrustNeed};
pub use user_token::{TokenSubject, UserToken, half_life, needs_renewal};
