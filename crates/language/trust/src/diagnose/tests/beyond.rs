//! Causes that are not the trust policy's.

use super::{CLAIMS, DENIED, POLICY, first, read};

fn cli(code: &str, message: &str) -> String {
    format!(
        "An error occurred ({code}) when calling the AssumeRoleWithWebIdentity operation: {message}"
    )
}

fn cause(texts: &[&str]) -> String {
    first(texts).0
}

#[test]
fn errors_of_both_generations_are_routed() {
    let token = "InvalidIdentityToken";
    let cases = [
        (cli(token, "No OpenIDConnect provider found in your account for https://x.example"), "R01"),
        (cli(token, "Incorrect token audience"), "R02"),
        (cli(token, "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"), "R03"),
        (cli("IDPCommunicationError", "timed out"), "R03"),
        (cli(token, "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"), "R04"),
        (cli(token, "The signature of the token is not valid"), "R05"),
        (cli("ExpiredTokenException", "Token expired: current date/time 2 must be before the expiration date/time 1"), "R06"),
        (cli(token, "Token issued in the future: 9"), "R07"),
        (cli(token, "Token not yet valid: current date/time 1 must be after or equal to the not-before date/time 2"), "R07"),
        (cli("PackedPolicyTooLarge", "Packed policy consumes 117% of allotted space, please use smaller policy."), "R08"),
        ("Parameter validation failed:\nUnknown parameter in input: \"ExternalId\", must be one of: RoleArn".to_owned(), "R09"),
        (cli(token, "The target role ARN is not present in the roles claim of the identity token"), "R10"),
        (cli(token, "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"), "R11"),
        (cli(token, "Missing a required claim: sub"), "R12"),
        (cli("ValidationError", "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"), "R13"),
        (cli("MalformedPolicyDocument", "This policy contains invalid Json"), "R14"),
        (cli("Throttling", "Rate exceeded"), "R15"),
        (cli("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."), "C23"),
        (cli("RegionDisabledException", "STS is not activated in this region for account:123456789012."), "C24"),
        (cli(token, "Token audience contains more than one audience while authorized party is not present"), "C09"),
        (
            "Error: Could not assume role with OIDC: Request ARN is invalid".to_owned(),
            "C18",
        ),
        (
            "Error: It looks like you might be trying to authenticate with OIDC. Did you mean to set the `id-token` permission?".to_owned(),
            "C25",
        ),
        (
            cli("SignatureDoesNotMatch", "The request signature we calculated does not match"),
            "C25",
        ),
    ];
    for (error, wanted) in cases {
        assert_eq!(cause(&[&error]), wanted, "{error}");
        assert_eq!(
            cause(&[&error, POLICY, CLAIMS]),
            wanted,
            "{error}, with a policy that allows"
        );
        let wrong = POLICY.replace("prefect:account", "prefect:cloud");
        assert_eq!(
            cause(&[&error, &wrong, CLAIMS]),
            wanted,
            "{error}, with a policy that does not"
        );
    }
}

#[test]
fn the_registration_decides_what_the_newer_words_leave_open() {
    let error = cli(
        "InvalidIdentityToken",
        "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.",
    );
    let registered = |url: &str, client: &str| {
        format!(r#"{{"Url": "{url}", "ClientIDList": ["{client}"], "ThumbprintList": []}}"#)
    };
    let url = "api.prefect.cloud/oidc-provider";
    assert_eq!(cause(&[&error, CLAIMS, &registered(url, "other")]), "R02");
    assert_eq!(
        cause(&[
            &error,
            CLAIMS,
            &registered("api.prefect.cloud/oidc-provider/", "prefect-cloud")
        ]),
        "R01"
    );
    assert_eq!(
        cause(&[
            &error,
            CLAIMS,
            &registered("API.prefect.cloud/oidc-provider", "prefect-cloud")
        ]),
        "R01"
    );
    let lines = "Provider URL: https://api.prefect.cloud/oidc\nAudiences: prefect-cloud\n";
    let found = read(&[&error, CLAIMS, lines]);
    assert_eq!(found.findings[0].cause.as_str(), "R01");
    assert!(
        found.findings[0]
            .message
            .ends_with("they differ by the path"),
        "{:?}",
        found.findings[0]
    );
}

#[test]
fn the_role_and_what_lies_beyond_it() {
    let role = |arn: &str| format!("role-to-assume: {arn}");
    let described = format!(
        r#"{{"Role": {{"RoleName": "deploy", "Arn": "arn:aws:iam::123456789012:role/team/deploy", "AssumeRolePolicyDocument": {POLICY}, "MaxSessionDuration": 3600}}}}"#
    );
    // C19: nothing is wrong with what was shown.
    assert_eq!(cause(&[DENIED, POLICY, CLAIMS]), "C19");
    let _ = (role, described);
    // C20
    let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "sts:*"}"#;
    let everyone = POLICY.replacen("\"Statement\": [", &format!("\"Statement\": [{deny},"), 1);
    assert_eq!(
        cause(&[DENIED, &everyone, CLAIMS]),
        "C19",
        "`*` does not cover callers with a token"
    );
    let own = everyone.replace("\"*\"", r#"{"Federated": "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider"}"#);
    assert_eq!(first(&[DENIED, &own, CLAIMS]).0, "C20");
    // C21
    let organisation = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: User: arn:aws:iam::123456789012:oidc-provider/x is not authorized to perform: sts:AssumeRoleWithWebIdentity on resource: arn:aws:iam::123456789012:role/deploy with an explicit deny in a resource control policy";
    assert_eq!(cause(&[organisation, POLICY, CLAIMS]), "C21");
    // C22
    let hop = "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:sts::123456789012:assumed-role/deploy/run is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/target";
    assert_eq!(cause(&[hop, POLICY, CLAIMS]), "C22");
    let data = "An error occurred (AccessDeniedException) when calling the GetWorkGroup operation: User: arn:aws:sts::123456789012:assumed-role/deploy/run is not authorized to perform: athena:GetWorkGroup on resource: arn:aws:athena:us-east-1:123456789012:workgroup/primary because no identity-based policy allows the athena:GetWorkGroup action";
    assert_eq!(cause(&[data]), "C22");
    // C25
    assert_eq!(
        cause(&[
            "AWS_WEB_IDENTITY_TOKEN_FILE=/run/token\nAWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n"
        ]),
        "C25"
    );
    assert_eq!(
        cause(&["botocore.exceptions.NoCredentialsError: Unable to locate credentials"]),
        "C25"
    );
    let user = r#"{"eventName": "AssumeRole", "errorCode": "AccessDenied", "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ci"}, "requestParameters": {"roleArn": "arn:aws:iam::123456789012:role/deploy"}}"#;
    assert_eq!(cause(&[user]), "C25");
}

#[test]
fn two_formats_at_once() {
    let old = CLAIMS.replace("prefect:account", "prefect:workspace");
    assert_eq!(cause(&[DENIED, POLICY, &old, CLAIMS]), "C07");
}

#[test]
fn what_the_token_brings() {
    let tags = CLAIMS.replace(
        "\"iat\"",
        "\"https://aws.amazon.com/tags/principal_tags/team\": \"data\", \"iat\"",
    );
    assert_eq!(
        first(&[DENIED, POLICY, &tags]),
        ("C16".to_owned(), 96, true)
    );
    let identity = CLAIMS.replace(
        "\"iat\"",
        "\"https://aws.amazon.com/source_identity\": \"alice\", \"iat\"",
    );
    assert_eq!(
        first(&[DENIED, POLICY, &identity]),
        ("C17".to_owned(), 96, true)
    );
    let party = CLAIMS.replace("\"iat\"", "\"azp\": \"client-7\", \"iat\"");
    assert_eq!(
        first(&[DENIED, POLICY, &party]),
        ("C09".to_owned(), 96, true)
    );
    let several = CLAIMS.replace("\"prefect-cloud\"", "[\"prefect-cloud\", \"other\"]");
    assert_eq!(cause(&[DENIED, POLICY, &several]), "C09");
    let longer = CLAIMS.replace("6f9c", "6f9c:workspace:9");
    assert_eq!(
        first(&[DENIED, POLICY, &longer]),
        ("C03".to_owned(), 96, true)
    );
}
