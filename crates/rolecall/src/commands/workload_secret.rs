//! `rolecall workload secret`: for programs that can prove themselves in no better way.

use rolecall_attest::{ClientSecret, SecretHash};
use rolecall_sealed::ExposeSecret as _;

use crate::cli::Output;
use crate::cli::workload::NewSecretArgs;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Makes a secret and prints it with its hash. Neither is kept anywhere.
pub fn new(args: &NewSecretArgs) -> Result<(), Failure> {
    let mut random = [0; 32];
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut random)
        .and_then(|()| aws_lc_rs::rand::fill(&mut salt))
        .map_err(|_| Failure::new(Exit::Unexpected, "the system gives no random bytes"))?;
    let secret = ClientSecret::make(&random);
    let hash = SecretHash::of(&secret, &salt)
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    match args.output {
        Output::Json => printing::line(
            &serde_json::json!({
                "workload": args.name,
                "secret": secret.expose_secret(),
                "secret_hash": hash.as_str(),
            })
            .to_string(),
        ),
        Output::Text => {
            anstream::eprintln!(
                "Give the secret to `{}`; it is not kept and cannot be shown again. Put the second line into its configuration:",
                args.name
            );
            printing::line(&format!("secret: {}", secret.expose_secret()))?;
            printing::line(&format!("secret_hashes: [\"{}\"]", hash.as_str()))
        }
    }
}
