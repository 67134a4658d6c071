//! The audit trail joined with CloudTrail: which token a session came from. Pure.
//!
//! AWS does not write a token's `jti`. It writes the provider, the subject, the audience, the role
//! and the time of an exchange (IAM User Guide, "Logging IAM and AWS STS API calls with AWS
//! CloudTrail"); a token of the trail fits where all of them do.

use std::collections::HashMap;

use jiff::Timestamp;
use rolecall_store::{AuditKind, AuditRow, Outcome};
use rolecall_trust::diagnose::SeenEvent;

/// Tokens of the trail, by their subject.
#[derive(Debug, Default)]
pub struct Minted {
    tokens: HashMap<String, Vec<Token>>,
}

/// A token that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The row of the trail.
    pub row: i64,
    /// Its `jti`.
    pub jti: String,
    /// Whose it was.
    pub workload: String,
    /// When it was made and when it ended, seconds since the epoch.
    pub life: (i64, i64),
    audience: String,
    /// The only role that it was good for.
    role: Option<String>,
}

/// What is known of an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'m> {
    /// It is not of an issuer of ours, or no exchange of a token.
    NotOurs,
    /// The tokens that it can have been, the latest first: there are several where a workload got
    /// another one while the first was good.
    Tokens(Vec<&'m Token>),
    /// None of ours: somebody else has a signing key, or the trail is not all of it.
    Unknown,
}

impl Minted {
    /// Adds a row of the trail.
    pub fn add(&mut self, row: &AuditRow) {
        let record = &row.record;
        if record.kind != AuditKind::Mint || record.outcome != Outcome::Granted {
            return;
        }
        let (Some(subject), Some(audience), Some(jti)) =
            (&record.subject, &record.audience, &record.jti)
        else {
            return;
        };
        let made = record.at.as_second();
        let of = self.tokens.entry(subject.clone());
        of.or_default().push(Token {
            audience: audience.clone(),
            row: row.id,
            jti: jti.clone(),
            workload: record.workload.clone().unwrap_or_default(),
            life: (
                made,
                made.saturating_add(record.lifetime.unwrap_or_default()),
            ),
            role: record.role.clone(),
        });
    }

    /// What is known of an event, where `issuers` are ours: hosts and paths, as in provider ARNs.
    pub fn find(&self, event: &SeenEvent, issuers: &[String]) -> Found<'_> {
        let of = event.provider.as_deref().map(|provider| {
            let behind = provider.split_once(":oidc-provider/");
            behind.map_or(provider, |(_, name)| name)
        });
        let is_ours = of.is_some_and(|name| issuers.iter().any(|issuer| issuer == name));
        if event.name != "AssumeRoleWithWebIdentity" || !is_ours {
            return Found::NotOurs;
        }
        let when = event
            .time
            .as_deref()
            .and_then(|time| time.parse::<Timestamp>().ok());
        let (Some(subject), Some(when)) = (&event.subject, when) else {
            return Found::Unknown;
        };
        let when = when.as_second();
        let fits = |token: &&Token| {
            token.life.0 - CLOCKS_DIFFER <= when
                && when <= token.life.1 + LEEWAY
                && (event.audience.as_ref()).is_none_or(|told| *told == token.audience)
                && (token.role.as_ref()).is_none_or(|role| event.role.as_ref() == Some(role))
        };
        let of_subject = self.tokens.get(subject).into_iter().flatten();
        let mut tokens: Vec<&Token> = of_subject.filter(fits).collect();
        tokens.sort_by_key(|token| std::cmp::Reverse(token.row));
        if tokens.is_empty() {
            Found::Unknown
        } else {
            Found::Tokens(tokens)
        }
    }
}

/// Seconds for which AWS takes a token after its end.
const LEEWAY: i64 = 300;
/// Seconds by which our clock and AWS's may differ.
const CLOCKS_DIFFER: i64 = 60;

#[cfg(test)]
mod tests {
    use rolecall_store::AuditRecord;

    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/a";

    fn row(id: i64, at: i64, subject: &str, role: Option<&str>) -> AuditRow {
        let at = Timestamp::from_second(at).unwrap();
        let mut record = AuditRecord::new(at, AuditKind::Mint, "acme", Outcome::Granted);
        record.subject = Some(subject.to_owned());
        record.audience = Some("sts.amazonaws.com".to_owned());
        record.jti = Some(format!("j{id}"));
        record.lifetime = Some(3_600);
        record.role = role.map(str::to_owned);
        AuditRow { id, record }
    }

    fn event(at: i64, subject: &str) -> SeenEvent {
        SeenEvent {
            name: "AssumeRoleWithWebIdentity".to_owned(),
            provider: Some("arn:aws:iam::111122223333:oidc-provider/oidc.example/acme".to_owned()),
            subject: Some(subject.to_owned()),
            audience: Some("sts.amazonaws.com".to_owned()),
            role: Some(ROLE.to_owned()),
            time: Some(Timestamp::from_second(at).unwrap().to_string()),
            ..SeenEvent::default()
        }
    }

    fn rows(found: &Found<'_>) -> Vec<i64> {
        match found {
            Found::Tokens(tokens) => tokens.iter().map(|token| token.row).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_session_is_of_the_tokens_that_were_good_then() {
        let mut minted = Minted::default();
        minted.add(&row(1, 10_000, "a", None));
        minted.add(&row(2, 11_000, "a", None));
        minted.add(&row(3, 11_000, "b", None));
        minted.add(&row(
            4,
            11_000,
            "a",
            Some("arn:aws:iam::111122223333:role/other"),
        ));
        let ours = ["oidc.example/acme".to_owned()];
        let at = |time, subject| rows(&minted.find(&event(time, subject), &ours));
        assert_eq!(at(9_941, "a"), [1]);
        assert_eq!(at(11_500, "a"), [2, 1]);
        // Five minutes after its end, and not longer.
        assert_eq!(at(13_900, "a"), [2, 1]);
        assert_eq!(at(13_901, "a"), [2]);
        assert_eq!(minted.find(&event(9_939, "a"), &ours), Found::Unknown);
        assert_eq!(minted.find(&event(11_500, "c"), &ours), Found::Unknown);
        let others = ["oidc.example/other".to_owned()];
        assert_eq!(minted.find(&event(11_500, "a"), &others), Found::NotOurs);
        let other_audience = SeenEvent {
            audience: Some("https://elsewhere".to_owned()),
            ..event(11_500, "a")
        };
        assert_eq!(minted.find(&other_audience, &ours), Found::Unknown);
    }

    #[test]
    fn what_was_refused_is_no_token() {
        let mut refused = row(1, 10_000, "a", None);
        refused.record.outcome = Outcome::Refused;
        let mut minted = Minted::default();
        minted.add(&refused);
        assert!(minted.tokens.is_empty());
    }
}
