//! What AWS says, in both generations of its messages, with where that is known from.
//!
//! Messages are not part of any AWS model and change without notice; `source`, `date` and
//! `confidence` say how far each can be relied on.

use serde::Serialize;

use super::Code;

/// One error with its words.
#[derive(Debug)]
pub(crate) struct Saying {
    pub(crate) code: Code,
    /// Wording since mid-2026, with `{name}` for what varies.
    pub(crate) newer: &'static str,
    /// Wording before, where it differs: still in regions, documents and logs.
    pub(crate) older: Option<&'static str>,
    pub(crate) source: &'static str,
    /// Year and month of the observation or document.
    pub(crate) date: &'static str,
    pub(crate) confidence: Confidence,
}

/// How sure a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Confidence {
    /// In a service model or an SDK's source.
    Model,
    /// In AWS's documentation.
    Documented,
    /// Observed on live AWS by somebody who published it.
    Observed,
    /// From an issue, a forum or another program that states it mirrors AWS.
    Reported,
    /// Inferred.
    Inferred,
}

macro_rules! sayings {
    ($($name:ident = $code:ident, $newer:literal $(, older $older:literal)?; $source:literal, $date:literal, $confidence:ident)*) => {
        $(pub(crate) static $name: Saying = Saying {
            code: Code::$code,
            newer: $newer,
            older: sayings!(@older $($older)?),
            source: $source,
            date: $date,
            confidence: Confidence::$confidence,
        };)*
    };
    (@older) => { None };
    (@older $older:literal) => { Some($older) };
}

sayings! {
    WEB_IDENTITY_DENIED = AccessDenied, "Not authorized to perform sts:AssumeRoleWithWebIdentity"; "published probes", "2026-09", Observed
    MISSING_CLAIM = InvalidIdentityToken, "Missing a required claim: {claim}"; "published probes", "2026-09", Observed
    EMPTY_CLAIM = InvalidIdentityToken, "Claim is not allowed to be empty: {claim}"; "published probes", "2026-09", Observed
    SEVERAL_AUDIENCES = InvalidIdentityToken, "Token audience contains more than one audience while authorized party is not present"; "published probes", "2026-09", Observed
    WRONG_AUDIENCE = InvalidIdentityToken, "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.", older "Incorrect token audience"; "published probes", "2026-09", Observed
    NO_PROVIDER = InvalidIdentityToken, "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.", older "No OpenIDConnect provider found in your account for {issuer}"; "issue reports", "2026-07", Reported
    ISSUED_IN_FUTURE = InvalidIdentityToken, "Token issued in the future: {iat}"; "published probes", "2026-09", Observed
    NOT_YET_VALID = InvalidIdentityToken, "Token not yet valid: current date/time {now} must be after or equal to the not-before date/time {nbf}"; "published probes", "2026-09", Observed
    INVALID_TIMESTAMP = InvalidIdentityToken, "Invalid timestamp in token claims."; "published probes", "2026-09", Observed
    TAGS_FORMAT = InvalidIdentityToken, "principal_tags passed in claim is not in correct format."; "published probes", "2026-09", Observed
    NOT_AMAZON_LOGIN = InvalidIdentityToken, "Provided Token is not a Login With Amazon token"; "published probes", "2026-09", Observed
    NOT_A_JWT = InvalidIdentityToken, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"; "published probes", "2026-09", Observed
    NO_VERIFICATION_KEY = InvalidIdentityToken, "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"; "published probes", "2026-09", Observed
    IDP_UNREACHABLE = IdpCommunicationError, "The identity provider could not be reached to verify the incoming identity token. Try the request again."; "STS API reference, in other words", "2026-11", Inferred
    ROLE_NOT_CLAIMED = InvalidIdentityToken, "The target role ARN is not present in the roles claim of the identity token"; "published probes", "2026-09", Observed
    TOKEN_EXPIRED = ExpiredTokenException, "Token expired: current date/time {now} must be before the expiration date/time {exp}"; "published probes", "2026-09", Observed
    NULL_SUBJECT = InternalFailure, "Unknown error validating third-party token"; "published probes", "2026-09", Observed
    NOT_AUTHORIZED = AccessDenied, "User: {user} is not authorized to perform: {action} on resource: {resource}"; "other emulators and issue reports", "2026-06", Reported
    NOT_ALLOWED_BY = AccessDenied, "User: {user} is not authorized to perform: {action} on resource: {resource} because no identity-based policy allows the {action} action"; "IAM user guide, access denied messages", "2026-06", Documented
    DENIED_BY = AccessDenied, "User: {user} is not authorized to perform: {action} on resource: {resource} with an explicit deny in an identity-based policy"; "IAM user guide, access denied messages", "2026-06", Documented
    ROOT_CANNOT_ASSUME = AccessDenied, "Roles may not be assumed by root accounts."; "issue reports", "2026-06", Reported
    MFA_FAILED = AccessDenied, "MultiFactorAuthentication failed with invalid MFA one time pass code."; "issue reports", "2026-06", Reported
    SESSION_CANNOT_CALL = AccessDenied, "Cannot call {operation} with session credentials"; "issue reports", "2026-06", Reported
    DURATION_OVER_MAXIMUM = ValidationError, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."; "issue reports", "2026-06", Reported
    DURATION_OVER_CHAINING = ValidationError, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."; "issue reports", "2026-06", Reported
    PACKED_POLICY_TOO_LARGE = PackedPolicyTooLarge, "Packed policy consumes {percent}% of allotted space, please use smaller policy."; "issue reports", "2026-06", Reported
    ARN_INVALID = ValidationError, "Request ARN is invalid"; "issue reports", "2026-06", Reported
    VALIDATION = ValidationError, "{message}"; "shape of the service model", "2026-06", Reported
    TAG_KEYS_REPEATED = InvalidInput, "Duplicate tag keys found. Please note that Tag keys are case insensitive."; "issue reports", "2026-06", Reported
    TRANSITIVE_NOT_TAGGED = ValidationError, "The specified transitive tag key must be included in the requested tags."; "issue reports", "2026-06", Reported
    TRANSITIVE_TAG_OVERRIDDEN = ValidationError, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."; "issue reports", "2026-06", Reported
    MALFORMED_INPUT = MalformedInput, "{message}"; "published probes", "2026-09", Observed
    INVALID_ACTION = InvalidAction, "Could not find operation {action} for version {version}"; "STS API reference, common errors", "2026-06", Documented
    NO_ACTION = InvalidAction, "Could not find operation with no name: the Action parameter is missing"; "STS API reference, common errors", "2026-06", Inferred
    MISSING_AUTHENTICATION = MissingAuthenticationToken, "Request is missing Authentication Token"; "issue reports", "2026-06", Reported
    UNKNOWN_KEY = InvalidClientTokenId, "The security token included in the request is invalid."; "issue reports", "2026-06", Reported
    WRONG_SIGNATURE = SignatureDoesNotMatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."; "issue reports", "2026-06", Reported
    SIGNATURE_TIME = SignatureDoesNotMatch, "{message}"; "issue reports", "2026-06", Reported
    INCOMPLETE_SIGNATURE = IncompleteSignature, "{message}"; "STS API reference, common errors", "2026-06", Documented
    CREDENTIALS_EXPIRED = ExpiredToken, "The security token included in the request is expired"; "issue reports", "2026-06", Reported
    INVALID_MESSAGE = InvalidAuthorizationMessageException, "Message is not valid."; "STS service model", "2026-06", Model
    MALFORMED_POLICY = MalformedPolicyDocument, "{message}"; "other emulators", "2026-06", Reported
    NO_SUCH_ENTITY = NoSuchEntity, "{message}"; "published probes", "2026-09", Observed
    ALREADY_EXISTS = EntityAlreadyExists, "{message}"; "IAM service model", "2026-06", Model
    LIMIT = LimitExceeded, "{message}"; "issue reports", "2026-06", Reported
    INVALID_INPUT = InvalidInput, "{message}"; "published probes", "2026-09", Observed
    CONFLICT = DeleteConflict, "{message}"; "IAM service model", "2026-06", Model
    IDP_UNREACHABLE_ON_CREATE = OpenIdIdpCommunicationError, "{message}"; "IAM service model", "2026-06", Model
    NOT_ALLOWED_BY_WITHOUT_RESOURCE = AccessDenied, "User: {user} is not authorized to perform: {action} because no identity-based policy allows the {action} action"; "IAM user guide, access denied messages", "2026-06", Documented
    DENIED_BY_WITHOUT_RESOURCE = AccessDenied, "User: {user} is not authorized to perform: {action} with an explicit deny in an identity-based policy"; "IAM user guide, access denied messages", "2026-06", Documented
    UNKNOWN_OPERATION = UnknownOperationException, "The requested operation is not known to this service."; "Smithy AWS JSON 1.1 protocol", "2026-06", Inferred
    NOT_SERIALIZED = SerializationException, "{message}"; "Smithy AWS JSON 1.1 protocol", "2026-06", Inferred
    INVALID_TIME_RANGE = InvalidTimeRangeException, "The start time must be earlier than or equal to the end time."; "CloudTrail API reference, in other words", "2026-06", Inferred
    INVALID_MAX_RESULTS = InvalidMaxResultsException, "The number of results must be between 1 and 50."; "CloudTrail API reference, in other words", "2026-06", Inferred
    INVALID_NEXT_TOKEN = InvalidNextTokenException, "The token is not valid, or was given for other parameters."; "CloudTrail API reference, in other words", "2026-06", Inferred
    INVALID_LOOKUP_ATTRIBUTES = InvalidLookupAttributesException, "One lookup attribute with a known key can be given at a time."; "CloudTrail API reference, in other words", "2026-06", Inferred
    INTERNAL = InternalFailure, "The request processing has failed because of an unknown error, exception or failure."; "STS API reference, common errors", "2026-06", Documented
}
