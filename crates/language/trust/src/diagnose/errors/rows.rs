//! The table itself.

use super::{DENIED, ErrorRow};
use crate::diagnose::catalogue as c;

const PASSED: &[&str] = &[
    "the token was read: it is a whole JWT with all the claims that STS needs",
    "its issuer is registered as a provider in the role's account",
    "its signature was verified with the issuer's published keys, which AWS could fetch",
    "its audience is among the provider's client IDs",
    "it had not expired",
];
const READ: &[&str] = &["the token was read: it is a JWT with an issuer"];
const NOTHING_OF_POLICY: &str =
    "The trust policy was not looked at yet, and may hold a second mistake.";
const REFERENCE: &str = "STS API reference; IAM user guide, OIDC federation";
const OBSERVED: &str = "observed on live AWS";
const REPORTED: &str = "issue reports";

macro_rules! row {
    ($code:literal, $words:expr, $proves:expr, $leaves:expr, $causes:expr, $source:expr, $date:literal, $confidence:literal) => {
        ErrorRow {
            code: $code,
            words: $words,
            proves: $proves,
            leaves: $leaves,
            causes: $causes,
            source: $source,
            date: $date,
            confidence: $confidence,
        }
    };
}

pub(super) const ROWS: &[ErrorRow] = &[
    row!(
        "AccessDenied",
        &["not authorized to perform: sts:assumerolewithwebidentity"],
        PASSED,
        "The message names the policy that refused it.",
        &[(c::ORGANISATION, 80), (c::EXPLICIT_DENY, 30)],
        REFERENCE,
        "2026-09",
        "documented"
    ),
    row!(
        "AccessDenied",
        DENIED,
        PASSED,
        "What remains is the role's trust policy, the role's name, or a control of the organisation.",
        &[],
        OBSERVED,
        "2026-09",
        "observed; the order of STS's checks is not documented"
    ),
    row!(
        "AccessDenied",
        &["roles may not be assumed by root accounts"],
        &["the call was signed by the root user: no token was exchanged"],
        "Root cannot assume roles.",
        &[(c::OTHER_CREDENTIALS, 97)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "AccessDenied",
        &[
            "not authorized to perform: sts:tagsession",
            "not authorized to perform: sts:setsourceidentity"
        ],
        &["the call passes session tags or a source identity"],
        "These are actions of their own, which the role's trust policy has to allow for the same caller.",
        &[(c::SESSION_TAGS, 90), (c::SOURCE_IDENTITY, 60)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "AccessDenied",
        &[
            "not authorized to perform: sts:assumerole on resource",
            "not authorized to perform: sts:assumerole with"
        ],
        &["the call was AssumeRole, signed with credentials: it is not the exchange of the token"],
        "The trust policy of the second role, or the caller's own permissions, refuse it.",
        &[(c::OTHER_CALL, 97), (c::OTHER_CREDENTIALS, 40)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "AccessDenied",
        &["is not authorized to perform: "],
        &["the caller had a session: the exchange of the token had worked"],
        "A permission is missing, not trust: the message names the action, and the kind of policy that refused it.",
        &[(c::OTHER_CALL, 97), (c::ORGANISATION, 30)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "InvalidIdentityToken",
        &["incorrect token audience"],
        &[
            "the token was read: it is a JWT with an issuer",
            "its issuer is registered as a provider in the role's account"
        ],
        "The provider's client IDs lack the token's audience. The `aud` condition of the trust policy is another matter: it gives AccessDenied.",
        &[(c::CLIENT_ID, 97)],
        REPORTED,
        "2026-06",
        "reported; the older wording"
    ),
    row!(
        "InvalidIdentityToken",
        &["no openidconnect provider found"],
        READ,
        "No provider in the role's account has the token's issuer as its URL, character by character.",
        &[(c::NO_PROVIDER, 97), (c::ROLE, 30)],
        REFERENCE,
        "2026-06",
        "documented; the older wording"
    ),
    row!(
        "InvalidIdentityToken",
        &[
            "could not be validated. see the assumerolewithwebidentity",
            "web identity token provided could not be validated"
        ],
        READ,
        "Either no provider has the token's issuer as its URL, or the provider's client IDs lack its audience: since about July 2026 both have this text.",
        &[(c::CLIENT_ID, 62), (c::NO_PROVIDER, 60)],
        OBSERVED,
        "2026-09",
        "observed for the audience, reported for the issuer"
    ),
    row!(
        "InvalidIdentityToken",
        &["retrieve verification key"],
        &[
            "the token was read: it is a JWT with an issuer",
            "its issuer is registered as a provider in the role's account"
        ],
        "The issuer's discovery document or keys cannot be fetched within about five seconds, or hold no key of the token's `kid`. Such failures are not in CloudTrail.",
        &[(c::REACHABILITY, 80), (c::SIGNATURE, 55)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "InvalidIdentityToken",
        &[
            "doesn't match configured thumbprint",
            "does not match configured thumbprint",
            "match configured thumbprint"
        ],
        &[
            "the token was read: it is a JWT with an issuer",
            "its issuer is registered as a provider in the role's account",
            "AWS reached the issuer"
        ],
        "The issuer's certificate is not from a public authority that AWS knows, and the provider's thumbprints do not fit it.",
        &[(c::THUMBPRINT, 97)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "InvalidIdentityToken",
        &[
            "signature of the token",
            "token signature invalid",
            "signature verification failed",
            "invalid signature"
        ],
        &[
            "the token was read: it is a JWT with an issuer",
            "its issuer is registered as a provider in the role's account",
            "the issuer's keys were fetched"
        ],
        "The key that signed it is not the one published under its `kid`.",
        &[(c::SIGNATURE, 95)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "InvalidIdentityToken",
        &["not present in the roles claim"],
        &[
            "the token was read and has the claim `https://aws.amazon.com/roles`",
            "its audience is among the provider's client IDs",
            "it had not expired"
        ],
        "The claim lists the roles that the token is for, and the role that was asked for is not among them.",
        &[(c::ROLES_CLAIM, 98)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "InvalidIdentityToken",
        &[
            "more than one audience while authorized party",
            "contains more than one audience"
        ],
        READ,
        "Its `aud` has several values and there is no `azp`.",
        &[(c::AUTHORIZED_PARTY, 98)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "InvalidIdentityToken",
        &[
            "missing a required claim",
            "is not allowed to be empty",
            "invalid timestamp in token claims",
            "principal_tags passed in claim is not in correct format",
            "unknown error validating third-party token"
        ],
        &["the token is a JWT"],
        "A claim is missing or has a form that STS does not take: the message names it.",
        &[(c::CLAIMS, 98)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "InvalidIdentityToken",
        &["token issued in the future", "token not yet valid"],
        READ,
        "The issuer's clock is more than five minutes ahead of AWS's.",
        &[(c::TOO_EARLY, 98)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "InvalidIdentityToken",
        &[
            "is not a valid jwt",
            "not a login with amazon token",
            "is not a valid web identity token"
        ],
        &[],
        "What was sent is no ID token: an access token, a file that was cut short, or one with an odd header.",
        &[(c::NO_TOKEN, 96)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "ExpiredTokenException",
        &[
            "token expired: current date",
            "token expired",
            "expiredtokenexception",
            "web identity token that was passed is expired"
        ],
        &["the token was read: it is a JWT with an issuer"],
        "Its `exp` is more than five minutes past: the file was not refreshed, or the token is kept too long.",
        &[(c::EXPIRED, 98)],
        OBSERVED,
        "2026-09",
        "observed"
    ),
    row!(
        "ExpiredToken",
        &[
            "security token included in the request is expired",
            "(expiredtoken)"
        ],
        &["the exchange of the token had worked: it is the session that has expired"],
        "The session's credentials are past their end: have them renewed.",
        &[(c::OTHER_CALL, 60), (c::EXPIRED, 55)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "IDPCommunicationError",
        &[],
        &[
            "the token was read: it is a JWT with an issuer",
            "its issuer is registered as a provider in the role's account"
        ],
        "AWS could not reach the issuer. Usually temporary; such failures are not in CloudTrail.",
        &[(c::REACHABILITY, 95), (c::TRANSIENT, 50)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "IDPRejectedClaim",
        &[],
        &["the token was read"],
        "The issuer rejected a claim: the token is expired or was revoked.",
        &[(c::CLAIMS, 70), (c::EXPIRED, 60)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "PackedPolicyTooLarge",
        &["packed policy consumes", "packed size of session policies"],
        &["the token was accepted"],
        "Session policy and session tags together exceed the packed size.",
        &[(c::PACKED_SIZE, 98)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "ValidationError",
        &[
            "exceeds the maxsessionduration",
            "exceeds the 1 hour session limit"
        ],
        &["the request reached the role"],
        "The session is asked for longer than the role, or a chain of roles, allows.",
        &[(c::DURATION, 98)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "RegionDisabledException",
        &["is not activated in this region", "regiondisabled"],
        &["STS answered, and looked at nothing yet"],
        "STS is switched off for the account in this region.",
        &[(c::REGION, 98)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "InvalidClientTokenId",
        &[
            "security token included in the request is invalid",
            "invalidclienttokenid"
        ],
        &["the call was signed with credentials: no token was exchanged"],
        "The credentials are not of this partition or region, or are stale.",
        &[(c::OTHER_CREDENTIALS, 75), (c::REGION, 60)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "",
        &[
            "unknown parameter in input: \"externalid\"",
            "unknown parameter in input: 'externalid'",
            "unexpected key 'externalid'",
            "unknown options: --external-id",
            "unexpected externalid",
            "\"external_id\" is not expected here",
            "got an unexpected keyword argument 'externalid'"
        ],
        &["the client refused the call before it was sent: AWS has seen nothing"],
        "AssumeRoleWithWebIdentity has no external ID; it is a parameter of AssumeRole.",
        &[(c::EXTERNAL_ID_PARAMETER, 98)],
        "botocore's service model",
        "2026-11",
        "documented"
    ),
    row!(
        "ValidationError",
        &[
            "member must have length",
            "failed to satisfy constraint",
            "member must satisfy regular expression",
            "malformedinput"
        ],
        &["STS looked at the form of the request only"],
        "A parameter is not in the form that STS takes: the message names it.",
        &[(c::REQUEST, 95)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "MalformedPolicyDocument",
        &["malformedpolicydocument"],
        &["STS looked at the session policy, or IAM at a policy that was to be stored"],
        "A policy cannot be read: the message says why.",
        &[(c::SESSION_POLICY, 95)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "ValidationError",
        &[
            "request arn is invalid",
            "invalid arn",
            "is not a valid arn"
        ],
        &["STS looked at the form of the request only"],
        "The role's ARN is not one: its account, its colons or the word `role/` are missing.",
        &[(c::ROLE, 96), (c::REQUEST, 60)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "",
        &[
            "did you mean to set the `id-token` permission",
            "did you mean to set the id-token permission",
            "actions_id_token_request_url",
            "unable to get oidc token",
        ],
        &["no call was made: the job got no token"],
        "The job has no permission to ask for a token: `permissions: id-token: write`, and forks have none.",
        &[(c::OTHER_CREDENTIALS, 96)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "SignatureDoesNotMatch",
        &[
            "(signaturedoesnotmatch)",
            "request signature we calculated does not match"
        ],
        &["the call was signed with credentials: no token was exchanged"],
        "The secret key does not belong to the access key, or the clock is wrong.",
        &[(c::OTHER_CREDENTIALS, 92)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "NoSuchEntity",
        &["the role with name"],
        &["IAM answered: the role does not exist in this account"],
        "The role's name, path or account is another.",
        &[(c::ROLE, 97)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "Throttling",
        &["rate exceeded", "internalfailure", "serviceunavailable"],
        &[],
        "AWS's side failed or asked to slow down.",
        &[(c::TRANSIENT, 95)],
        REFERENCE,
        "2026-06",
        "documented"
    ),
    row!(
        "",
        &[
            "unable to locate credentials",
            "could not load credentials from any providers",
            "no valid credential sources found",
            "nocredentialproviders"
        ],
        &["no call was made: the client found no credentials and no token"],
        NOTHING_OF_POLICY,
        &[(c::OTHER_CREDENTIALS, 90)],
        REPORTED,
        "2026-06",
        "reported"
    ),
    row!(
        "AccessDenied",
        &["could not assume role with oidc"],
        &[],
        "The message says no more than that the exchange failed.",
        &[],
        REPORTED,
        "2026-06",
        "reported"
    ),
];
