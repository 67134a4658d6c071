//! One error in the words of many clients.

use rolecall_source::SourceText;

use crate::diagnose::seen::errors_in;

fn seen(text: &str) -> Vec<String> {
    errors_in(&SourceText::new("paste", text))
        .iter()
        .map(|error| {
            let operation = error.operation.as_deref().unwrap_or("?");
            format!("{} {operation}, {}", error.row.code, error.wrapping)
        })
        .collect()
}

#[test]
fn a_denial_of_the_exchange() {
    let exchange = "AccessDenied AssumeRoleWithWebIdentity";
    let cases = [
        (
            "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "aws CLI or boto3",
        ),
        (
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "boto3",
        ),
        (
            "╷\n│ Error: Cannot assume IAM Role\n│ \n│ IAM Role (arn:aws:iam::123456789012:role/x) cannot be assumed.\n│ \n│ Error: operation error STS: AssumeRoleWithWebIdentity, https response error\n│ StatusCode: 403, RequestID: 0a-1b, api error AccessDenied: Not authorized to\n│ perform sts:AssumeRoleWithWebIdentity\n╵",
            "Terraform",
        ),
        (
            "failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: x, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "Go SDK or Terraform",
        ),
        (
            "Error: Could not assume role with OIDC: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "the GitHub action",
        ),
        (
            "WebIdentityErr: failed to retrieve credentials\ncaused by: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity\n\tstatus code: 403, request id: x",
            "Go SDK or Terraform",
        ),
        (
            "com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: x; Proxy: null)",
            "Java SDK",
        ),
        (
            "software.amazon.awssdk.services.sts.model.StsException: Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: Sts, Status Code: 403, Request ID: x)",
            "Java SDK",
        ),
        (
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error><RequestId>x</RequestId></ErrorResponse>",
            "STS itself",
        ),
        (
            "error: the connection `c` failed at the exchange: AssumeRoleWithWebIdentity was denied: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "rolecall",
        ),
        (
            "AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity\n    at throwDefaultError (/app/node_modules/@aws-sdk/client-sts/dist.js:1)",
            "JavaScript SDK",
        ),
    ];
    for (text, wrapping) in cases {
        assert_eq!(seen(text), [format!("{exchange}, {wrapping}")], "{text}");
    }
}

#[test]
fn codes_without_words_that_are_known() {
    let unknown = "An error occurred (IDPCommunicationError) when calling the AssumeRoleWithWebIdentity operation (reached max retries: 4): nobody there";
    assert_eq!(
        seen(unknown),
        ["IDPCommunicationError AssumeRoleWithWebIdentity, aws CLI or boto3"]
    );
    let typed = "operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 400, RequestID: x, ExpiredTokenException: Token expired: current date/time 2 must be before the expiration date/time 1";
    assert_eq!(
        seen(typed),
        ["ExpiredTokenException AssumeRoleWithWebIdentity, Go SDK or Terraform"]
    );
    let class = "botocore.errorfactory.InvalidIdentityTokenException: An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: No OpenIDConnect provider found in your account for https://x.example";
    assert_eq!(
        seen(class),
        ["InvalidIdentityToken AssumeRoleWithWebIdentity, boto3"]
    );
    assert_eq!(seen("all is well"), Vec::<String>::new());
}

#[test]
fn other_calls_are_not_the_exchange() {
    let hop = "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:sts::123456789012:assumed-role/a/b is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/c";
    assert_eq!(seen(hop), ["AccessDenied AssumeRole, aws CLI or boto3"]);
    assert!(!errors_in(&SourceText::new("paste", hop))[0].is_exchange_denial());
}
