//! Which cause a failing part is, and the edit that mends it.

use rolecall_documents::{Node, TreeEdit};
use rolecall_source::nearest;

use super::catalogue as c;
use super::catalogue::CauseId;
use super::paste::damaged;
use super::place::Place;
use super::subject::{Kin, kin};
use crate::provider_keys;
use crate::reason::{Cause, Miss, placeholder};
use crate::verdict::{ConditionProof, StatementProof};
use crate::web_identity::WebIdentity;
use crate::wildcard::Wildcard;

/// A cause and its mend.
#[derive(Debug, Clone)]
pub(crate) struct Mended {
    pub(crate) cause: CauseId,
    pub(crate) message: String,
    pub(crate) mend: String,
    pub(crate) edits: Vec<TreeEdit>,
}

impl Mended {
    pub(crate) fn of(cause: CauseId, miss: &Miss, edits: Vec<TreeEdit>) -> Self {
        Self {
            cause,
            message: miss.message.clone(),
            mend: miss.mend.sentence.clone(),
            edits,
        }
    }

    pub(crate) fn saying(mut self, message: impl Into<String>, mend: impl Into<String>) -> Self {
        self.message = message.into();
        self.mend = mend.into();
        self
    }
}

/// A condition that does not hold.
pub(crate) fn condition(
    tree: &Node,
    identity: &WebIdentity,
    proof: &StatementProof,
    failed: &ConditionProof,
    miss: &Miss,
) -> Mended {
    let place = Place::new(tree, proof.index, failed);
    let claim = failed
        .key
        .rsplit(':')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let own_key = |claim: &str| format!("{}:{claim}", identity.prefix);
    if let Some((index, what, clean)) = place.damaged() {
        let actual = failed.actual.as_ref().and_then(|values| values.first());
        let value = match (actual, clean) {
            (Some(actual), _) => actual.clone(),
            (None, Some(clean)) => clean,
            (None, None) => identity.subject.clone(),
        };
        let message = format!(
            "the value `{}` was damaged when it was copied: {what}",
            failed.expected[index]
        );
        return Mended::of(c::PASTE, miss, vec![place.value(index, &value)])
            .saying(message, "Write the value as the token has it.");
    }
    if let Some(what) = key_damage(&failed.key) {
        let claim = if failed.expected.contains(&identity.audience) || claim.ends_with("aud") {
            "aud"
        } else {
            "sub"
        };
        let message = format!(
            "the key `{}` was damaged when it was copied: {what}",
            failed.key
        );
        return Mended::of(c::PASTE, miss, place.renamed(&own_key(claim))).saying(
            message,
            "Write the key with the provider's URL and the claim.",
        );
    }
    match miss.cause {
        Cause::Placeholder => {
            let index = failed
                .expected
                .iter()
                .position(|text| placeholder(text).is_some());
            let edits = match (
                index,
                failed.actual.as_ref().and_then(|values| values.first()),
            ) {
                (Some(index), Some(actual)) => vec![place.value(index, actual)],
                _ => {
                    let claim = if failed.key.ends_with("aud") {
                        "aud"
                    } else {
                        "sub"
                    };
                    place.renamed(&own_key(claim))
                }
            };
            Mended::of(c::PASTE, miss, edits)
        }
        Cause::WildcardUnderEquals => wildcard(failed, miss, &place),
        Cause::KeyPrefix => Mended::of(c::KEY_PREFIX, miss, place.renamed(&own_key(&claim))),
        Cause::UnsupportedKey => unsupported(identity, failed, miss, &place, &claim),
        Cause::ExternalId => Mended::of(c::ABSENT_KEY, miss, place.removed(identity)),
        Cause::KeyAbsent => absent(identity, failed, miss, &place, &claim),
        Cause::MultivaluedKey => {
            let name = format!("ForAnyValue:{}", failed.operator);
            Mended::of(c::UNSUPPORTED_KEY, miss, place.moved_to(&name))
        }
        Cause::RefusedValue => Mended::of(c::EXPLICIT_DENY, miss, place.removed(identity)),
        _ if failed
            .key
            .to_ascii_lowercase()
            .starts_with("aws:requesttag/") =>
        {
            let value = failed
                .actual
                .as_ref()
                .and_then(|values| values.first())
                .cloned()
                .unwrap_or_default();
            Mended::of(c::SESSION_TAGS, miss, place.replaced(failed, &value))
        }
        _ if failed.key.eq_ignore_ascii_case("aws:SourceIp") => {
            let address = failed
                .actual
                .as_ref()
                .and_then(|values| values.first())
                .cloned()
                .unwrap_or_default();
            let length = if address.contains(':') { 128 } else { 32 };
            Mended::of(
                c::ABSENT_KEY,
                miss,
                vec![place.appended(&format!("{address}/{length}"))],
            )
        }
        _ if claim == "aud" => audience(identity, failed, miss, &place),
        Cause::LetterCase | Cause::Segment | Cause::ExtraTail | Cause::MissingTail => {
            subject(failed, miss, &place)
        }
        Cause::Value if claim == "sub" => subject(failed, miss, &place),
        _ => {
            let lower = failed.key.to_ascii_lowercase();
            let actual = failed.actual.as_ref().and_then(|values| values.first());
            let own = lower.contains('.') && provider_keys::known(&identity.prefix, &claim);
            match actual {
                Some(actual) if own => Mended::of(c::SEGMENT, miss, place.replaced(failed, actual)),
                Some(actual) if lower == "sts:rolesessionname" => {
                    Mended::of(c::ABSENT_KEY, miss, place.replaced(failed, actual))
                }
                _ => Mended::of(c::ABSENT_KEY, miss, place.removed(identity)),
            }
        }
    }
}

/// The patch names the one value: whether the wildcard should let in what it looks like is its
/// author's to say.
fn wildcard(failed: &ConditionProof, miss: &Miss, place: &Place<'_>) -> Mended {
    let actual = failed.actual.as_ref().and_then(|values| values.first());
    let index = failed
        .expected
        .iter()
        .position(|text| text.contains(['*', '?']))
        .unwrap_or(0);
    let edits = actual
        .map(|actual| place.value(index, actual))
        .into_iter()
        .collect();
    let message = miss.message.clone();
    let mend = format!(
        "{} The patch names this one value in its place; move the key under that operator only if everything that the wildcard covers should be let in.",
        miss.mend.sentence
    );
    Mended::of(c::WILDCARD_UNDER_EQUALS, miss, edits).saying(message, mend)
}

fn unsupported(
    identity: &WebIdentity,
    failed: &ConditionProof,
    miss: &Miss,
    place: &Place<'_>,
    claim: &str,
) -> Mended {
    // What the value is tells which claim was meant.
    let fits = |value: &str| {
        failed
            .expected
            .iter()
            .any(|text| text == value || Wildcard::new(text).matches(value))
    };
    let known = match claim {
        _ if fits(&identity.subject) => Some("sub"),
        _ if fits(&identity.audience) => Some("aud"),
        "subject" | "user" | "sub_claim" => Some("sub"),
        "audience" | "client_id" | "clientid" => Some("aud"),
        _ => nearest(claim, provider_keys::provider_keys(&identity.prefix)),
    };
    let edits = match known {
        Some(near) => place.renamed(&format!("{}:{near}", identity.prefix)),
        None => place.removed(identity),
    };
    let mended = Mended::of(c::UNSUPPORTED_KEY, miss, edits);
    match known {
        Some(near) => {
            let mend = format!("Write the key as `{}:{near}`.", identity.prefix);
            let message = mended.message.clone();
            mended.saying(message, mend)
        }
        None => mended,
    }
}

fn absent(
    identity: &WebIdentity,
    failed: &ConditionProof,
    miss: &Miss,
    place: &Place<'_>,
    claim: &str,
) -> Mended {
    let lower = failed.key.to_ascii_lowercase();
    if lower.starts_with("aws:requesttag/")
        || lower == "aws:tagkeys"
        || lower == "sts:transitivetagkeys"
    {
        return Mended::of(c::SESSION_TAGS, miss, place.removed(identity));
    }
    if lower == "sts:sourceidentity" {
        return Mended::of(c::SOURCE_IDENTITY, miss, place.removed(identity));
    }
    let aws = lower.starts_with("aws:") || lower.starts_with("sts:") || lower.starts_with("iam:");
    let meant = ["sub", "aud"].into_iter().find(|known| {
        claim == *known
            || lower.ends_with(&format!("/{known}"))
            || lower.ends_with(&format!(".{known}"))
    });
    if let Some(meant) = meant {
        let own = format!("{}:{meant}", identity.prefix);
        if lower != own.to_ascii_lowercase() && (!aws || lower.contains('.')) {
            let message = format!("the key is `{}`, and the provider's is `{own}`", failed.key);
            return Mended::of(c::KEY_PREFIX, miss, place.renamed(&own))
                .saying(message, "The key's prefix is the provider's URL without `https://`, path and slashes included.");
        }
    }
    if lower.starts_with(&format!("{}:", identity.prefix.to_ascii_lowercase())) {
        let message = format!("the token does not carry the claim `{claim}`");
        return Mended::of(c::UNSUPPORTED_KEY, miss, place.removed(identity)).saying(
            message,
            "Remove the condition, or have the token carry the claim.",
        );
    }
    let message = format!("{}, and a call with a token never has it", miss.message);
    let mended = Mended::of(c::ABSENT_KEY, miss, place.removed(identity));
    let mend = mended.mend.clone();
    mended.saying(message, mend)
}

fn audience(
    identity: &WebIdentity,
    failed: &ConditionProof,
    miss: &Miss,
    place: &Place<'_>,
) -> Mended {
    let matches_subject = failed.expected.contains(&identity.subject);
    if matches_subject {
        let message = format!(
            "the key `{}` is compared with what is the token's subject",
            failed.key
        );
        let key = format!("{}:sub", identity.prefix);
        return Mended::of(c::UNSUPPORTED_KEY, miss, place.renamed(&key))
            .saying(message, format!("Write the key as `{key}`."));
    }
    let edits = place.replaced(failed, &identity.audience);
    if identity
        .original_audience
        .as_ref()
        .is_some_and(|original| failed.expected.contains(original))
    {
        let message = format!(
            "the token has `azp`, and so its value `{}` counts in the place of `aud`",
            identity.audience
        );
        let mend = "Name the value of `azp` in the policy, or have the issuer leave `azp` out.";
        return Mended::of(c::AUTHORIZED_PARTY, miss, edits).saying(message, mend);
    }
    let spelt = failed
        .expected
        .iter()
        .any(|text| text.trim().eq_ignore_ascii_case(&identity.audience));
    Mended::of(if spelt { c::SPELLING } else { c::AUDIENCE }, miss, edits)
}

fn subject(failed: &ConditionProof, miss: &Miss, place: &Place<'_>) -> Mended {
    let value = failed
        .actual
        .as_ref()
        .and_then(|values| values.first())
        .map_or("", String::as_str);
    let pattern = match &miss.difference {
        Some(difference) => difference.pattern.clone(),
        None => failed.expected.first().cloned().unwrap_or_default(),
    };
    let index = failed
        .expected
        .iter()
        .position(|text| *text == pattern)
        .unwrap_or(0);
    let like = failed.operator.contains("Like");
    let wanted = like
        .then(|| corrected(&pattern, miss, value))
        .flatten()
        .unwrap_or_else(|| value.to_owned());
    if let Some(text) = failed.expected.iter().find(|text| text.trim() == value) {
        let message = format!("`{text}` has white space at an end, which counts");
        return Mended::of(c::SPELLING, miss, vec![place.value(index, value)])
            .saying(message, "Take the white space out.");
    }
    let relation = match (miss.cause, &miss.difference) {
        (Cause::LetterCase, _) => Kin::Spelling("in letter case only"),
        (Cause::Segment, Some(found)) => kin(found),
        _ => Kin::Other,
    };
    let single = failed.expected.len() == 1;
    // A value of a list that is another in more than one place is somebody else's.
    let places = pattern
        .split(':')
        .zip(value.split(':'))
        .filter(|(one, other)| one != other)
        .count();
    let edit = match single || places <= 1 {
        true => place.value(index, &wanted),
        false => place.appended(value),
    };
    let cause = match (miss.cause, &relation) {
        (_, Kin::Spelling(_)) => c::SPELLING,
        (Cause::ExtraTail, _) => c::EXTRA_TAIL,
        (Cause::MissingTail, _) => c::MISSING_TAIL,
        (_, Kin::Context(_)) => c::CONTEXT,
        _ => c::SEGMENT,
    };
    let edits = vec![match (cause == c::CONTEXT, single) {
        (true, false) => place.appended(value),
        _ => edit,
    }];
    let mended = Mended::of(cause, miss, edits);
    match relation {
        Kin::Spelling(how) if miss.cause != Cause::LetterCase => {
            let message = format!("{}: they differ {how}", miss.message);
            mended.saying(message, "Write it as the token has it.")
        }
        Kin::Context(what) => {
            let message = format!("{}: the token is of another {what}", miss.message);
            mended.saying(message, c::CONTEXT.mend())
        }
        _ => mended,
    }
}

/// The pattern with its wildcards, and the rest as the value has it.
fn corrected(pattern: &str, miss: &Miss, value: &str) -> Option<String> {
    let found = miss.difference.as_ref()?;
    if miss.cause != Cause::ExtraTail {
        return Some(found.mended(value, true));
    }
    let whole = pattern.split(':').any(|segment| segment == "*");
    let tail: Vec<&str> = value.split(':').skip(pattern.split(':').count()).collect();
    (!whole && !tail.is_empty()).then(|| format!("{pattern}:{}", tail.join(":")))
}

/// Damage to a key: what chat programs and web pages leave in it.
pub(crate) fn key_damage(key: &str) -> Option<String> {
    if let Some((what, _)) = damaged(key) {
        return Some(what);
    }
    // The colon between host and claim, or the one of `:sub`, eaten.
    let lower = key.to_ascii_lowercase();
    let eaten = !key.contains(':')
        && key.contains('.')
        && (lower.ends_with("sub") || lower.ends_with("aud"))
        && !lower.ends_with("/sub")
        && !lower.ends_with("/aud")
        && !lower.ends_with(".sub")
        && !lower.ends_with(".aud");
    eaten.then(|| "its colon was eaten".to_owned())
}
