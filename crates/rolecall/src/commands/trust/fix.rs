//! `rolecall trust fix`: the smallest change that admits a token.

use std::path::Path;
use std::process::ExitCode;

use rolecall_trust::mend::{Fix, FixError, Reach, Wanted, fix};
use serde_json::{Value, json};

use super::check::{context, provider};
use super::reading::{self, Policies};
use super::{answer, writing};
use crate::cli::Output;
use crate::cli::trust::FixArgs;
use crate::failure::{Exit, Failure};
use crate::printing;
use crate::style::QUIET;

/// Finds the change, and prints or writes it.
///
/// # Errors
/// What cannot be read or written. That no change admits the token is an answer: exit code 9.
pub fn run(args: &FixArgs) -> Result<ExitCode, Failure> {
    let policies = Policies::read(&args.policy)?;
    let found = policies.only()?;
    let policy = policies.parse(found)?;
    let claims = reading::claims(args.token.as_deref(), args.claims.as_deref())?
        .ok_or_else(|| Failure::new(Exit::Usage, "give --token or --claims"))?;
    let provider = provider(args.provider.as_deref(), &claims, &policy)?;
    let wanted = Wanted {
        claims: &claims,
        provider: &provider,
        context: &context(&args.context),
        keep: args.keep,
    };
    let source = &policies.files[found.file];
    match fix(&policies.files, found, &wanted) {
        Ok(fix) => {
            if args.in_place {
                if source.name == "standard input" {
                    return Err(Failure::new(
                        Exit::Usage,
                        "standard input cannot be changed in place",
                    )
                    .hint("Leave --in-place out for a diff, or name the file"));
                }
                if source.name.starts_with("arn:") {
                    let what =
                        "nothing is written to AWS: a live policy cannot be changed in place";
                    return Err(Failure::new(Exit::Usage, what)
                        .hint("Leave --in-place out for a diff of what `aws iam get-role --query \
                               Role.AssumeRolePolicyDocument` prints; docs/live.md shows how to apply it"));
                }
                writing::replace(Path::new(&source.name), &source.text, &fix.changed)?;
            }
            print(args, &source.name, &fix)?;
            Ok(answer(true))
        }
        Err(FixError::AlreadyAllowed) => {
            match args.output {
                Output::Json => {
                    printing::line(&json!({ "outcome": "alreadyAllowed" }).to_string())?
                }
                Output::Text => note("nothing to mend: the policy admits the token as it is"),
            }
            Ok(answer(true))
        }
        Err(error @ FixError::Amend(_)) => Err(Failure::from_error(Exit::Configuration, &error)),
        Err(error) => {
            match args.output {
                Output::Json => {
                    let said = json!({ "outcome": "notMended", "why": error.to_string() });
                    printing::line(&said.to_string())?;
                }
                Output::Text => note(&error.to_string()),
            }
            Ok(answer(false))
        }
    }
}

/// The diff is the data; what it means goes to stderr, so that it can be piped into `git apply`.
fn print(args: &FixArgs, name: &str, fix: &Fix) -> Result<(), Failure> {
    if args.output == Output::Json {
        let said: Value = json!({
            "outcome": "mended",
            "file": name,
            "mended": fix.mended,
            "reach": fix.reach,
            "lost": fix.lost,
            "diff": fix.diff,
            "written": args.in_place,
        });
        return printing::line(&said.to_string());
    }
    if !args.in_place {
        printing::text(&fix.diff)?;
    }
    for mended in &fix.mended {
        note(mended);
    }
    if args.in_place {
        note(&format!("changed `{name}`"));
    }
    note(&match &fix.reach {
        Reach::OnlyThisToken => {
            "proved: the change lets in this subject with this audience, and nobody else".to_owned()
        }
        Reach::More { instance } => {
            format!("the change lets in more than this token, for instance {instance}")
        }
        Reach::NotProved { why } => {
            format!("what else the change lets in could not be proved: {why}")
        }
    });
    if let Some(lost) = &fix.lost {
        note(&format!(
            "the change keeps out what the policy admitted, for instance {lost}; with --keep that stays"
        ));
    }
    Ok(())
}

fn note(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(anstream::stderr(), "{QUIET}#{QUIET:#} {text}");
}
