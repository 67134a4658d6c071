//! `rolecall trust least`: the narrowest policy that admits given subjects.

use std::process::ExitCode;

use rolecall_trust::prove::{LeastError, Width, least};
use serde_json::{Value, json};

use super::subjects;
use crate::cli::Output;
use crate::cli::trust::LeastArgs;
use crate::failure::{Exit, Failure};
use crate::printing;

/// Makes and prints the policy; what more it admits is said on stderr.
///
/// # Errors
/// `Negative` where IAM would not take such a policy.
pub fn run(args: LeastArgs) -> Result<ExitCode, Failure> {
    if args.provider.contains("://") || args.provider.contains(":saml-provider/") {
        let what = format!("`{}` is no ARN of an OIDC provider", args.provider);
        return Err(Failure::new(Exit::Usage, what).hint(
            "Give it as arn:aws:iam::111122223333:oidc-provider/issuer.example.com, the issuer \
             without https://",
        ));
    }
    let mut wanted = Vec::new();
    for (number, line) in subjects::read(&args.subjects)?.iter().enumerate() {
        let subject = line.subject().ok_or_else(|| {
            let what = format!("the claims of subject {} have no `sub`", number + 1);
            Failure::new(Exit::Usage, what)
        })?;
        wanted.push(subject);
    }
    let width = match args.pattern {
        true => Width::Pattern,
        false => Width::Exact,
    };
    let made = least(&wanted, &args.audience, &args.provider, width, args.quota)
        .map_err(|error| refused(&error, width))?;
    let more: Option<&str> = made.admits_more.as_ref().and_then(|witness| {
        let prefix = rolecall_trust::web_identity::provider_prefix(&args.provider);
        let value = witness.request.context.value(&format!("{prefix}:sub"))?;
        value.values().first().map(String::as_str)
    });
    match args.output {
        Output::Text => printing::text(&made.text)?,
        Output::Json => {
            let policy: Value = serde_json::from_str(&made.text).unwrap_or_default();
            let report = json!({
                "policy": policy,
                "size": made.size,
                "quota": args.quota,
                "values": made.values,
                "admitsMore": more,
            });
            printing::line(&report.to_string())?;
        }
    }
    match more {
        None => anstream::eprintln!(
            "proved: no subject enters but those that were given ({} of {} characters)",
            made.size,
            args.quota
        ),
        Some(subject) => anstream::eprintln!(
            "more enters than was given, `{subject}` for instance ({} of {} characters)",
            made.size,
            args.quota
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(error: &LeastError, width: Width) -> Failure {
    let exit = match error {
        LeastError::NoSubjects => Exit::Usage,
        LeastError::TooLong { .. } | LeastError::Refused(_) => Exit::Negative,
        _ => Exit::Unexpected,
    };
    let failure = Failure::new(exit, error);
    match (error, width) {
        (LeastError::TooLong { .. }, Width::Exact) => failure.hint(
            "Use --pattern for patterns in the subjects' format, or spread the subjects over \
             several roles; AWS raises the quota to 4096 on request, for --quota",
        ),
        (LeastError::TooLong { .. }, Width::Pattern) => failure.hint(
            "Spread the subjects over several roles; AWS raises the quota to 4096 on request, \
             for --quota",
        ),
        _ => failure,
    }
}
