//! What is left when a denial is all that is known: nothing speaks for these, nothing rules them
//! out.

use super::catalogue as c;
use super::finding::Finding;

/// Causes that nothing speaks for and nothing rules out.
pub(crate) fn unproven(findings: &mut Vec<Finding>, token: bool, policy: bool) {
    let sure = findings.iter().any(|finding| finding.score >= 60);
    let list: &[(c::CauseId, u8, &str)] = match (policy, token) {
        (true, true) => &[],
        (true, false) => &[
            (
                c::SEGMENT,
                55,
                "the subject that the token really has cannot be known from here, and a segment may differ from the policy's",
            ),
            (
                c::EXTRA_TAIL,
                40,
                "the token's subject may go on where the policy's value ends",
            ),
            (
                c::AUDIENCE,
                35,
                "the token's audience may be another than the policy wants",
            ),
            (
                c::PROVIDER,
                30,
                "the provider that the policy trusts may be in another account, or of another path, than the one registered",
            ),
            (c::ROLE, 28, "the call may name another role"),
            (c::NOT_LIVE, 26, "the policy that is live may be another"),
        ],
        (false, _) => &[
            (
                c::SEGMENT,
                50,
                "the policy's value for the subject may differ from the token's",
            ),
            (
                c::WILDCARD_UNDER_EQUALS,
                44,
                "the policy may have a wildcard under `StringEquals`",
            ),
            (
                c::KEY_PREFIX,
                42,
                "a condition key may not begin with the provider's URL",
            ),
            (c::AUDIENCE, 38, "the policy may want another audience"),
            (
                c::PROVIDER,
                36,
                "the policy may trust another provider, or one in another account",
            ),
            (
                c::ACTION,
                30,
                "the policy may allow `sts:AssumeRole` in the place of `sts:AssumeRoleWithWebIdentity`",
            ),
            (
                c::ABSENT_KEY,
                28,
                "the policy may ask for an external ID or another key that is never there",
            ),
            (
                c::ROLE,
                26,
                "the role may not exist under this ARN: AWS's answer is the same",
            ),
            (
                c::SESSION_TAGS,
                20,
                "the token may carry session tags, and the policy not allow `sts:TagSession`",
            ),
            (c::NOT_LIVE, 18, "a change may not have reached IAM yet"),
            (
                c::ORGANISATION,
                12,
                "a control of the organisation may refuse it",
            ),
        ],
    };
    for (cause, score, message) in list {
        let score = if sure { score / 2 } else { *score };
        findings.push(Finding::new(*cause, score, *message, cause.mend()));
    }
}
