//! What only the account can say about the causes: that a role or a provider is not there, and that
//! the policy which was judged is the live one.

use rolecall_names::RoleArn;
use rolecall_trust::Decision;
use rolecall_trust::diagnose::{Confidence, Diagnosis, Finding, catalogue};

use super::{Reading, Tried};

/// Brings what the account says into a diagnosis.
pub fn conclude(
    diagnosis: &mut Diagnosis,
    role: &RoleArn,
    reading: &Reading,
    tried: Option<&Tried>,
) {
    if reading.role.is_some() {
        live_policy_allows(diagnosis, tried);
    }
    unregistered(diagnosis, role, reading);
    absent(diagnosis, role, reading);
    if reading.role.is_some() || reading.absent {
        // It was asked for already.
        diagnosis.supply.retain(|line| !line.contains("get-role"));
    }
}

/// There is no such role: nothing else matters.
fn absent(diagnosis: &mut Diagnosis, role: &RoleArn, reading: &Reading) {
    if !reading.absent {
        return;
    }
    let message =
        format!("there is no role `{role}`: STS answers a call for it as one that a policy denies");
    let evidence = reading.lines.iter().take(1).cloned().collect();
    let mend = "Call the role by the ARN that IAM has for it, or make the role.";
    put_first(diagnosis, ROLE, message, Some(mend), evidence);
}

/// The token's provider is not registered, or none of those that the policy trusts: STS refuses the
/// token before it looks at the policy.
fn unregistered(diagnosis: &mut Diagnosis, role: &RoleArn, reading: &Reading) {
    let issuer = diagnosis
        .presented
        .as_ref()
        .and_then(|presented| presented.issuer.as_deref())
        .map(|issuer| issuer.strip_prefix("https://").unwrap_or(issuer));
    let missing = reading.unregistered.iter().find(|arn| match issuer {
        Some(issuer) => arn.ends_with(&format!(":oidc-provider/{issuer}")),
        // Without a token: no token can come through a policy that trusts none but these.
        None => reading.providers.is_empty(),
    });
    let Some(missing) = missing else {
        return;
    };
    let message = match issuer {
        Some(issuer) => format!(
            "no provider with the token's issuer `{issuer}` is registered in account {}",
            role.account()
        ),
        None => format!("the policy trusts `{missing}`, and no such provider is registered"),
    };
    let told = reading
        .lines
        .iter()
        .filter(|line| line.contains("provider"));
    put_first(
        diagnosis,
        NO_PROVIDER,
        message,
        None,
        told.cloned().collect(),
    );
}

/// The policy that allows the token is the live one: the role is there, and so is the policy.
fn live_policy_allows(diagnosis: &mut Diagnosis, tried: Option<&Tried>) {
    if diagnosis.decision != Some(Decision::Allow) {
        return;
    }
    diagnosis
        .findings
        .retain(|finding| finding.cause.as_str() != ROLE);
    // It was denied again and again after the policy was read.
    let stays = tried.is_some_and(|tried| tried.lines.len() > 1 && !tried.admitted);
    for finding in &mut diagnosis.findings {
        match finding.cause.as_str() {
            NOT_LIVE if finding.score < 95 => {
                finding.next.clear();
                if stays {
                    "the live policy allows this token, and STS kept denying it"
                        .clone_into(&mut finding.message);
                    score(finding, 40);
                } else {
                    "the live policy allows this token".clone_into(&mut finding.message);
                    "Exchange it again (--token FILE --retest): a change of IAM takes some seconds \
                     to be known everywhere."
                        .clone_into(&mut finding.mend);
                }
            }
            ORGANISATION if stays => score(finding, 75),
            _ => {}
        }
    }
    diagnosis
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.score));
}

fn score(finding: &mut Finding, score: u8) {
    finding.score = score;
    finding.confidence = match score {
        95.. => Confidence::Certain,
        60.. => Confidence::Likely,
        _ => Confidence::Possible,
    };
}

/// Puts first what the account itself proves.
fn put_first(
    diagnosis: &mut Diagnosis,
    cause: &str,
    message: String,
    mend: Option<&str>,
    evidence: Vec<String>,
) {
    let Some((cause, title)) = catalogue().find(|(known, _)| known.as_str() == cause) else {
        return;
    };
    diagnosis.findings.retain(|other| other.cause != cause);
    let finding = Finding {
        cause,
        title,
        message,
        evidence,
        confidence: Confidence::Certain,
        score: 100,
        place: None,
        alignment: None,
        mend: mend.unwrap_or(cause.mend()).to_owned(),
        patch: None,
        next: Vec::new(),
        policy: None,
    };
    diagnosis.findings.insert(0, finding);
}

const ROLE: &str = "C18";

const NOT_LIVE: &str = "C19";

const ORGANISATION: &str = "C21";

const NO_PROVIDER: &str = "R01";
