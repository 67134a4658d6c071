//! Every cause that the diagnosis tells apart, under a name that does not change.

use serde::{Serialize, Serializer};

/// A cause of a failed exchange: `C…` for those behind AccessDenied and its kin, `R…` for errors
/// that are about something other than the trust policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CauseId(&'static str);

impl CauseId {
    /// The name, such as `C01`.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// What the cause is, in one line.
    pub fn title(self) -> &'static str {
        self.row().map_or("", |(_, title, _)| title)
    }

    /// What to do about it in general, as one sentence.
    pub fn mend(self) -> &'static str {
        self.row().map_or("", |(_, _, mend)| mend)
    }

    fn row(self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        CATALOGUE.iter().find(|(id, ..)| *id == self.0)
    }
}

impl Serialize for CauseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// All causes, in order, each with what it is.
pub fn catalogue() -> impl Iterator<Item = (CauseId, &'static str)> {
    CATALOGUE.iter().map(|(id, title, _)| (CauseId(id), *title))
}

macro_rules! causes {
    ($($name:ident $id:literal $title:literal $mend:literal)*) => {
        $(pub(crate) const $name: CauseId = CauseId($id);)*
        const CATALOGUE: &[(&str, &str, &str)] = &[$(($id, $title, $mend)),*];
    };
}

causes! {
    SEGMENT "C01" "a segment of the subject differs"
        "Write the segment as the token has it, if this caller should be let in."
    MISSING_TAIL "C02" "the policy expects more of the subject than the token has"
        "End the value where the token's subject ends, or have the subject format carry the rest."
    EXTRA_TAIL "C03" "the token's subject goes on where the policy's value ends"
        "Write the subject whole, as the token has it."
    WILDCARD_UNDER_EQUALS "C04" "a wildcard under an operator that takes it literally"
        "Wildcards need `StringLike`."
    SPELLING "C05" "the same thing spelt otherwise: letter case, white space, name against ID"
        "Write the value as the token has it."
    CONTEXT "C06" "a token of another context: component, region, phase, branch"
        "Name this context in the policy too if it should be let in, or ask from the one that the policy names."
    STALE_TOKEN "C07" "tokens of two subject formats are in use"
        "Let the policy take both formats until the tokens of the old one have run out, and the caches with them."
    AUDIENCE "C08" "the policy wants another audience than the token has"
        "Name the token's audience in the policy, or have the token made for the audience that the policy wants."
    AUTHORIZED_PARTY "C09" "several audiences, or `azp` in the place of `aud`"
        "Have the issuer write one audience and no `azp`; else name the value of `azp` in the policy."
    KEY_PREFIX "C10" "a condition key that does not begin with the provider"
        "The key's prefix is the provider's URL without `https://`, path and slashes included."
    UNSUPPORTED_KEY "C11" "a condition on a claim that is no condition key"
        "Pin what becomes a key: `aud` and `sub`, and for some issuers a few claims more."
    ABSENT_KEY "C12" "a condition on something that the request never has"
        "Remove the condition: a call with a token never has it."
    PROVIDER "C13" "the policy trusts another provider"
        "Name the provider of the token's issuer, in the role's own account."
    PRINCIPAL_KIND "C14" "the policy trusts no identity provider at all"
        "Name the identity provider under `Federated`."
    ACTION "C15" "the policy does not allow the action"
        "Allow `sts:AssumeRoleWithWebIdentity`."
    SESSION_TAGS "C16" "session tags that the policy does not expect, or expects in vain"
        "Allow `sts:TagSession` beside the assume action, or have the token carry no tags."
    SOURCE_IDENTITY "C17" "a source identity that the policy does not allow to be set"
        "Allow `sts:SetSourceIdentity` beside the assume action, or have the token carry none."
    ROLE "C18" "the call names another role than the policy's"
        "Compare the role's ARN with what `aws iam get-role` prints: account, path and name."
    NOT_LIVE "C19" "the policy allows the call: what decides is another policy than this one"
        "Compare with the policy that is live: `aws iam get-role --role-name NAME`; after a change give IAM a minute."
    EXPLICIT_DENY "C20" "a statement of the policy denies the call"
        "A deny wins over every allow: narrow it or remove it."
    ORGANISATION "C21" "a control beyond the role decides: organisation, boundary"
        "Ask who keeps the organisation's resource and service control policies, or the permissions boundary that the message names."
    OTHER_CALL "C22" "the denial is of another call than the exchange"
        "Look at the call that the message names: the second role's trust policy, or the session's permissions."
    DURATION "C23" "a longer session than the role allows"
        "Ask for at most the role's MaxSessionDuration, one hour in a chain, or raise it on the role."
    REGION "C24" "STS is not active in the region, or the endpoint is another partition's"
        "Activate STS in the region (IAM, account settings), or call an endpoint of a region where it is active, in the role's partition."
    OTHER_CREDENTIALS "C25" "other credentials were used: no token was exchanged"
        "Take static keys and other credentials out of the client's surroundings, and see that the identity is attached."
    PASTE "C26" "a placeholder or paste damage was left in"
        "Write the value that belongs there."
    NO_PROVIDER "R01" "no provider with the token's issuer is registered in the account"
        "Register the issuer's URL in the role's account exactly as the token's `iss` has it, slash and letter case included."
    CLIENT_ID "R02" "the provider's client IDs lack the token's audience"
        "Add the token's audience to the provider's client IDs: `aws iam add-client-id-to-open-id-connect-provider`."
    REACHABILITY "R03" "AWS cannot fetch the issuer's keys"
        "Fetch `/.well-known/openid-configuration` below the issuer and the `jwks_uri` it names from outside, without signing in, in under five seconds."
    THUMBPRINT "R04" "the issuer's certificate does not fit the thumbprint"
        "Renew the provider's thumbprint from the top intermediate certificate of the `jwks_uri` host, or give the issuer a certificate of a public authority."
    SIGNATURE "R05" "the token is signed with a key that the issuer does not publish"
        "See that the `kid` of the token's header is in the issuer's JWKS; after a rotation ask for a new token."
    EXPIRED "R06" "the token has expired"
        "Ask for a new token right before the call; check that the token's file is still being refreshed."
    TOO_EARLY "R07" "the token is from the future: the clocks differ"
        "Compare the issuer's clock with the time; AWS allows five minutes."
    PACKED_SIZE "R08" "session policy and tags are too large together"
        "Shorten the session policy, pass fewer or shorter tags, or attach managed policies to the role."
    EXTERNAL_ID_PARAMETER "R09" "an external ID is passed to a call that has no such parameter"
        "Take the external ID out of the call: pin the token's audience and subject in its place."
    ROLES_CLAIM "R10" "the token's roles claim does not name the role"
        "Have the issuer add the role's exact ARN to the claim `https://aws.amazon.com/roles`, or leave the claim out."
    NO_TOKEN "R11" "what was sent is not a whole JWT"
        "Send the ID token whole, without a line end or quotes; an access token does not do."
    CLAIMS "R12" "the token lacks a claim, or has one in a form that STS does not take"
        "Have the issuer write `iss`, `sub`, `aud`, `iat` and `exp`, times as whole seconds, tags as lists of one text."
    REQUEST "R13" "a parameter of the request is not in the form that STS takes"
        "Correct the parameter that the message names."
    SESSION_POLICY "R14" "the session policy cannot be read"
        "Correct the policy that the message names, or leave the session policy out."
    TRANSIENT "R15" "AWS's side failed or asked to slow down"
        "Try again after a while, with growing pauses."
}
