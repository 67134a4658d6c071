//! `rolecall trust explain`: why an exchange failed.

use std::path::Path;
use std::process::ExitCode;

use rolecall_source::SourceText;
use rolecall_trust::diagnose::{
    Alignment, Confidence, Diagnosis, Evidence, Finding, Patch, SeenClaims, SeenProvider, diagnose,
};

use super::live::Live;
use super::reading;
use crate::cli::Output;
use crate::cli::trust::ExplainArgs;
use crate::failure::{Exit, Failure};
use crate::printing;
use crate::style::{BAD, GOOD, HEAD, QUIET};

/// Reads what is given, diagnoses and prints.
///
/// # Errors
/// `Local` for what cannot be read, `Usage` where there is nothing to explain.
pub fn run(args: ExplainArgs) -> Result<ExitCode, Failure> {
    let mut evidence = evidence(&args)?;
    let now = jiff::Timestamp::now().as_second();
    let mut live = match args.live.live {
        true => Some(Live::read(&args, &mut evidence)?),
        false => None,
    };
    let mut diagnosis = diagnose(&evidence, Some(now));
    if let Some(live) = &mut live {
        diagnosis = live.settle(&args, &mut evidence, diagnosis, now)?;
    }
    if diagnosis.read.is_empty() && diagnosis.findings.is_empty() {
        return Err(nothing(&evidence));
    }
    match args.output {
        Output::Json => printing::line(&json(&diagnosis, live.as_ref()).to_string())?,
        Output::Text => {
            let mut text = live.as_ref().map_or_else(String::new, Live::text);
            if !live.is_some_and(|live| live.admitted()) {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(told(&diagnosis, args.all).trim_start_matches('\n'));
            }
            printing::text(&text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn evidence(args: &ExplainArgs) -> Result<Evidence, Failure> {
    let mut evidence = Evidence::default();
    let flags = args.error.is_some()
        || args.token.is_some()
        || args.claims.is_some()
        || !args.policies.is_empty()
        || args.provider_url.is_some()
        || args.event.is_some()
        || args.role_arn.is_some();
    if let Some(arn) = &args.role_arn {
        evidence.add_role(arn.clone());
    }
    if let Some(error) = &args.error {
        let path = Path::new(error);
        let source = match error.len() < PATH_LIMIT && path.is_file() {
            true => reading::read(path)?,
            false => SourceText::new("the error", error.as_str()),
        };
        evidence.read_error(&source);
    }
    if let Some(path) = &args.token {
        let source = reading::read(path)?;
        let before = evidence.claims.len() + evidence.faults.len();
        evidence.read(&SourceText::new(source.name, source.text.trim()));
        if evidence.claims.len() + evidence.faults.len() == before {
            evidence
                .faults
                .push("what --token names is no JWT, or is cut short before its claims".to_owned());
        }
    }
    if let Some(claims) = reading::claims(None, args.claims.as_deref())? {
        evidence.add_claims(SeenClaims::given(claims, "the claims given"));
    }
    if let Some(url) = &args.provider_url {
        let clients = (!args.client_ids.is_empty()).then(|| args.client_ids.clone());
        evidence
            .providers
            .push(SeenProvider::new(url, clients, "--provider-url"));
    }
    if let Some(path) = &args.event {
        evidence.read(&reading::read(path)?);
    }
    if !args.policies.is_empty() {
        evidence.read_files(&reading::source_files(&args.policies)?);
    }
    if !args.files.is_empty() || !flags {
        for source in reading::source_files(&args.files)? {
            evidence.read(&source);
        }
    }
    Ok(evidence)
}

fn nothing(evidence: &Evidence) -> Failure {
    let mut failure = Failure::new(
        Exit::Usage,
        "nothing that could be explained was found in what was given",
    );
    for fault in &evidence.faults {
        failure = failure.note(fault);
    }
    failure.hint(
        "Paste what you have: the error's text, the token, the trust policy, `aws iam get-role` output, the CloudTrail event",
    )
}

/// For programs.
fn json(diagnosis: &Diagnosis, live: Option<&Live>) -> serde_json::Value {
    let mut json = serde_json::json!(diagnosis);
    if let Some(live) = live {
        json["live"] = live.json();
    }
    json
}

/// For people.
fn told(diagnosis: &Diagnosis, all: bool) -> String {
    let mut text = String::new();
    proved(&mut text, diagnosis);
    presented(&mut text, diagnosis);
    let shown = shown(&diagnosis.findings, all);
    if !shown.is_empty() {
        text.push_str(&format!("\n{HEAD}causes{HEAD:#}\n"));
    }
    for (index, finding) in shown.iter().enumerate() {
        self::finding(&mut text, index, finding);
    }
    let hidden = diagnosis.findings.len() - shown.len();
    if hidden > 0 {
        text.push_str(&format!(
            "\n{QUIET}{hidden} less likely causes are left out; --all prints them{QUIET:#}\n"
        ));
    }
    if diagnosis.findings.is_empty() {
        text.push_str("\nno cause can be told from this\n");
    }
    list(&mut text, "right, and to stay as it is", &diagnosis.kept);
    list(&mut text, "taken for granted", &diagnosis.assumptions);
    list(&mut text, "to be surer, supply", &diagnosis.supply);
    text
}

fn proved(text: &mut String, diagnosis: &Diagnosis) {
    if diagnosis.errors.is_empty() {
        list(text, "read", &diagnosis.read);
        return;
    }
    text.push_str(&format!("{HEAD}what the error already proves{HEAD:#}\n"));
    for error in &diagnosis.errors {
        let name = match error.row.code {
            "" => "an error of the client",
            code => code,
        };
        let operation = error
            .operation
            .as_ref()
            .map_or_else(String::new, |name| format!(" from {name}"));
        text.push_str(&format!(
            "  {BAD}{name}{BAD:#}{operation} (line {}, by {})\n",
            error.line, error.wrapping
        ));
        for proof in error.row.proves {
            text.push_str(&format!("  {GOOD}ok{GOOD:#} {proof}\n"));
        }
        text.push_str(&format!("  -> {}\n", error.row.leaves));
        text.push_str(&format!(
            "     {QUIET}{}, {}: {}{QUIET:#}\n",
            error.row.source, error.row.date, error.row.confidence
        ));
    }
}

fn presented(text: &mut String, diagnosis: &Diagnosis) {
    let Some(presented) = &diagnosis.presented else {
        text.push_str(
            "\npresented: not known: no token, claims or event is among what was given\n",
        );
        return;
    };
    let part = |value: &Option<String>| value.as_deref().unwrap_or("not known").to_owned();
    text.push_str(&format!(
        "\npresented: iss {}\n           aud {}\n           sub {}\n",
        part(&presented.issuer),
        part(&presented.audience),
        part(&presented.subject)
    ));
    if let Some(party) = &presented.authorized_party {
        text.push_str(&format!("           azp {party}\n"));
    }
    text.push_str(&format!(
        "           {QUIET}as in {}{QUIET:#}\n",
        presented.origin
    ));
}

/// The findings that are worth a reader's time.
fn shown(findings: &[Finding], all: bool) -> &[Finding] {
    if all {
        return findings;
    }
    let certain = findings
        .iter()
        .filter(|finding| finding.confidence == Confidence::Certain)
        .count();
    let count = match certain {
        0 => findings
            .iter()
            .filter(|finding| finding.confidence == Confidence::Likely)
            .count()
            .max(3),
        _ => certain,
    };
    &findings[..count.min(SHOWN).min(findings.len())]
}

fn finding(text: &mut String, index: usize, finding: &Finding) {
    text.push_str(&format!(
        "\n{}. {HEAD}{} {}{HEAD:#} ({}, {} of 100)\n   {}\n",
        index + 1,
        finding.cause.as_str(),
        finding.title,
        finding.confidence.as_str(),
        finding.score,
        finding.message
    ));
    if let Some(place) = &finding.place {
        text.push_str(&format!(
            "   at {}:{}:{}, {}\n",
            place.file, place.line, place.column, place.part
        ));
    }
    match &finding.alignment {
        Some(alignment) => {
            aligned(text, alignment);
            for line in finding
                .evidence
                .iter()
                .filter(|_| alignment.against == "usual")
            {
                text.push_str(&format!("     {line}\n"));
            }
        }
        None => {
            for line in &finding.evidence {
                text.push_str(&format!("     {line}\n"));
            }
        }
    }
    text.push_str(&format!("   mend: {}\n", finding.mend));
    if let Some(patch) = &finding.patch {
        self::patch(text, patch);
    }
}

/// The policy's value above the token's, with marks under what differs.
fn aligned(text: &mut String, alignment: &Alignment) {
    let mark = |(start, length): (usize, usize)| {
        format!("{}{}", " ".repeat(start), "^".repeat(length.max(1)))
    };
    text.push_str(&format!(
        "     policy  {}\n             {}\n     {:<6}  {}\n             {}\n",
        alignment.policy,
        mark(alignment.policy_mark),
        alignment.against,
        alignment.token,
        mark(alignment.token_mark)
    ));
}

fn patch(text: &mut String, patch: &Patch) {
    let word = match (patch.complete, patch.besides.is_empty()) {
        (true, true) => "patch (with it the token is allowed)".to_owned(),
        (true, false) => format!(
            "patch (with it the token is allowed; it mends beside: {})",
            patch.besides.join("; ")
        ),
        (false, _) => format!("patch (not enough by itself: {})", patch.besides.join("; ")),
    };
    let Some(diff) = &patch.diff else {
        return;
    };
    text.push_str(&format!("   {word}\n"));
    for line in diff.lines() {
        text.push_str(&format!("     {line}\n"));
    }
    if let Some(command) = &patch.apply {
        text.push_str(&format!("   {command}\n"));
    }
}

fn list(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n{HEAD}{heading}{HEAD:#}\n"));
    for line in lines {
        text.push_str(&format!("  - {line}\n"));
    }
}

/// Findings that are printed without --all.
const SHOWN: usize = 5;
/// A longer text is no path.
const PATH_LIMIT: usize = 1024;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_answer_reads_well_without_colour() {
        let policy = r#"{
  "Version": "2012-10-17",
  "Statement": {
    "Effect": "Allow",
    "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example" },
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": { "StringEquals": { "oidc.example:aud": "a", "oidc.example:sub": "job:cloud:7" } }
  }
}"#;
        let claims = r#"{"iss": "https://oidc.example", "aud": "a", "sub": "job:account:7", "iat": 1, "exp": 2}"#;
        let mut evidence = Evidence::default();
        evidence.add_role("arn:aws:iam::123456789012:role/deploy".to_owned());
        evidence.read_error(&SourceText::new(
            "error",
            "api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ));
        evidence.read(&SourceText::new("trust.json", policy));
        evidence.read(&SourceText::new("claims.json", claims));
        let told = told(&diagnose(&evidence, None), false);
        let plain = anstream::adapter::strip_str(&told).to_string();
        insta::assert_snapshot!(plain, @r#"
        what the error already proves
          AccessDenied from AssumeRoleWithWebIdentity (line 1, by Go SDK or Terraform)
          ok the token was read: it is a whole JWT with all the claims that STS needs
          ok its issuer is registered as a provider in the role's account
          ok its signature was verified with the issuer's published keys, which AWS could fetch
          ok its audience is among the provider's client IDs
          ok it had not expired
          -> What remains is the role's trust policy, the role's name, or a control of the organisation.
             observed on live AWS, 2026-09: observed; the order of STS's checks is not documented

        presented: iss https://oidc.example
                   aud a
                   sub job:account:7
                   as in the claims on line 1 of claims.json

        causes

        1. C01 a segment of the subject differs (certain, 99 of 100)
           `job:account:7` has `account` after `job`, the policy wants `cloud`
           at trust.json:7:63, statement 1, StringEquals oidc.example:sub
             policy  job:cloud:7
                         ^^^^^
             token   job:account:7
                         ^^^^^^^
           mend: Change the segment in the policy if this caller should be let in, or ask as what the policy names.
           patch (with it the token is allowed)
             --- a/trust.json
             +++ b/trust.json
             @@ -4,6 +4,6 @@
                  "Effect": "Allow",
                  "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example" },
                  "Action": "sts:AssumeRoleWithWebIdentity",
             -    "Condition": { "StringEquals": { "oidc.example:aud": "a", "oidc.example:sub": "job:cloud:7" } }
             +    "Condition": { "StringEquals": { "oidc.example:aud": "a", "oidc.example:sub": "job:account:7" } }
                }
              }
             \ No newline at end of file

        right, and to stay as it is
          - `Principal` is Federated: arn:aws:iam::123456789012:oidc-provider/oidc.example
          - `StringEquals` on `oidc.example:aud` is a

        taken for granted
          - the policy at trust.json:1:1 is the one that the role has
        "#);
    }
}
