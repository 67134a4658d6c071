//! Conditions on the audience.

use super::{Findings, View, known, narrows};
use crate::operator::Test;

pub(super) fn check(view: &View<'_>, findings: &mut Findings) {
    // The built-in providers of Amazon, Facebook and Google name applications by other keys.
    let oidc = view.providers.iter().any(|prefix| {
        prefix.contains('.') && !["graph.facebook.com", "www.amazon.com"].contains(prefix)
    });
    if !view.grants_to_tokens() || !oidc {
        return;
    }
    let symbolic = view.statement.conditions.iter().any(|one| one.key_symbolic);
    if !symbolic && !view.on("aud").any(narrows) {
        let message = "no condition narrows the audience";
        let prefix = view.providers[0];
        let mend = format!(
            "Add `StringEquals` on `{prefix}:aud` with the audience that tokens for AWS have."
        );
        findings.at(
            "RC1002",
            view,
            view.statement.span,
            message.to_owned(),
            mend,
        );
    }
    for condition in view
        .on("aud")
        .filter(|one| one.operator.test == Test::StringLike)
    {
        for value in known(&condition.values).filter(|one| one.text.contains(['*', '?'])) {
            let message = format!("the audience `{}` is a pattern", value.text);
            findings.at(
                "RC1011",
                view,
                value.span,
                message,
                "Use `StringEquals` with the audience.".to_owned(),
            );
        }
    }
}
