//! Answers in the shape that AWS gives them, read.

use proptest::prelude::*;
use serde_json::json;

use crate::cloudtrail::{self, Exchange, Searched};
use crate::iam;
use crate::xml::Element;

pub const ROLE: &str = r#"<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetRoleResult>
    <Role>
      <Path>/team/</Path>
      <AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Sid%22%3A%22a%2Bb%22%7D%5D%7D</AssumeRolePolicyDocument>
      <MaxSessionDuration>7200</MaxSessionDuration>
      <RoleId>AROADBQP57FF2AEXAMPLE</RoleId>
      <RoleLastUsed><LastUsedDate>2026-11-23T08:01:22Z</LastUsedDate><Region>us-east-1</Region></RoleLastUsed>
      <RoleName>Deploy</RoleName>
      <Arn>arn:aws:iam::123456789012:role/team/Deploy</Arn>
      <CreateDate>2026-05-08T23:34:01Z</CreateDate>
      <PermissionsBoundary>
        <PermissionsBoundaryType>Policy</PermissionsBoundaryType>
        <PermissionsBoundaryArn>arn:aws:iam::123456789012:policy/Edge</PermissionsBoundaryArn>
      </PermissionsBoundary>
      <Tags><member><Key>team</Key><Value>R&amp;D &#x3c;1&gt;</Value></member></Tags>
    </Role>
  </GetRoleResult>
  <ResponseMetadata><RequestId>df37e965-9967-11e1-a4c3-270EXAMPLE04</RequestId></ResponseMetadata>
</GetRoleResponse>"#;

#[test]
fn a_role_is_read_with_its_policy_decoded() {
    let role = iam::role(ROLE).unwrap();
    assert_eq!(role.arn, "arn:aws:iam::123456789012:role/team/Deploy");
    assert_eq!(
        (role.name.as_str(), role.path.as_str()),
        ("Deploy", "/team/")
    );
    assert_eq!(
        role.trust_policy,
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"a+b"}]}"#
    );
    assert_eq!(role.max_session_duration, Some(7200));
    assert_eq!(role.tags, [("team".to_owned(), "R&D <1>".to_owned())]);
    assert_eq!(
        role.permissions_boundary.as_deref(),
        Some("arn:aws:iam::123456789012:policy/Edge")
    );
}

#[test]
fn a_plus_sign_in_a_policy_is_no_blank() {
    let text = ROLE.replace("a%2Bb", "a+b");
    assert!(iam::role(&text).unwrap().trust_policy.contains("a+b"));
}

#[test]
fn a_page_says_whether_another_follows() {
    let page = |more: &str| {
        format!(
            "<ListRolesResponse><ListRolesResult>{more}<Roles><member><RoleName>A</RoleName>\
             <Arn>arn:aws:iam::1:role/A</Arn><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument>\
             </member></Roles></ListRolesResult></ListRolesResponse>"
        )
    };
    let last = iam::roles(&page("<IsTruncated>false</IsTruncated>")).unwrap();
    assert_eq!((last.items.len(), last.marker), (1, None));
    let first = iam::roles(&page("<IsTruncated>true</IsTruncated><Marker>m==</Marker>")).unwrap();
    assert_eq!(first.marker.as_deref(), Some("m=="));
    let error = iam::roles(&page("<IsTruncated>true</IsTruncated>")).unwrap_err();
    assert_eq!(error, "it has no `Marker`");
}

#[test]
fn a_provider_is_read_and_empty_lists_stay_empty() {
    let text = "<GetOpenIDConnectProviderResponse><GetOpenIDConnectProviderResult>\
        <Url>token.actions.githubusercontent.com</Url>\
        <ClientIDList><member>sts.amazonaws.com</member></ClientIDList><ThumbprintList/>\
        <CreateDate>2026-05-08T23:34:01Z</CreateDate>\
        </GetOpenIDConnectProviderResult></GetOpenIDConnectProviderResponse>";
    let provider = iam::provider("arn:p", text).unwrap();
    assert_eq!(provider.url, "token.actions.githubusercontent.com");
    assert_eq!(provider.client_ids, ["sts.amazonaws.com"]);
    assert!(provider.thumbprints.is_empty());
}

#[test]
fn answers_of_something_else_are_told_apart() {
    let told = |text: &str| iam::role(text).unwrap_err();
    insta::assert_snapshot!(told("<html><body>sign in</body></html>"), @"its root is `html`");
    insta::assert_snapshot!(told("<GetRoleResponse/>"), @"it has no `GetRoleResult`");
    insta::assert_snapshot!(told("{}"), @"not XML: there is no element in it");
    insta::assert_snapshot!(told("<a><b></a>"), @"not XML: ill-formed document: expected `</b>`, but `</a>` was found at byte 6");
    insta::assert_snapshot!(told(&"<a>".repeat(100)), @"not XML: more than 64 elements in one another");
    insta::assert_snapshot!(told("<GetRoleResponse>&secret;</GetRoleResponse>"), @"not XML: unknown entity `&secret;`");
}

#[test]
fn an_error_gives_code_message_and_request() {
    let text = r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: x is not authorized</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"#;
    let (code, message, id) = iam::error(text).unwrap();
    assert_eq!(code, "AccessDenied");
    assert_eq!(message, "User: x is not authorized");
    assert_eq!(id.as_deref(), Some("r-1"));
    let json = r#"{"__type":"com.amazonaws.cloudtrail#ThrottlingException:http://x","Message":"Rate exceeded"}"#;
    let (code, message, _) = cloudtrail::error(json).unwrap();
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ThrottlingException", "Rate exceeded")
    );
}

/// A denied exchange as CloudTrail records it.
pub fn denied(role: &str, subject: &str) -> serde_json::Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "WebIdentityUser",
            "principalId": format!("arn:aws:iam::123456789012:oidc-provider/oidc.example.com/a:https://aud:1:{subject}"),
            "userName": subject,
            "identityProvider": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/a",
        },
        "eventTime": "2026-11-23T09:58:47Z",
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRoleWithWebIdentity",
        "awsRegion": "us-east-1",
        "errorCode": "AccessDenied",
        "errorMessage": "An unknown error occurred",
        "requestParameters": {"roleArn": role, "roleSessionName": "s"},
        "responseElements": null,
        "eventID": "e-1",
        "recipientAccountId": "123456789012",
    })
}

#[test]
fn audience_and_subject_come_apart_though_both_hold_colons() {
    let exchange = Exchange::read(denied("arn:r", "cube:cloud:42")).unwrap();
    assert_eq!(exchange.audience.as_deref(), Some("https://aud:1"));
    assert_eq!(exchange.subject.as_deref(), Some("cube:cloud:42"));
    assert_eq!(
        exchange.provider.as_deref(),
        Some("arn:aws:iam::123456789012:oidc-provider/oidc.example.com/a")
    );
    assert!(exchange.is_denied());
}

#[test]
fn the_denial_of_the_token_s_own_subject_is_chosen() {
    let exchanges = ["other", "ours", "other"]
        .into_iter()
        .filter_map(|subject| Exchange::read(denied("arn:r", subject)))
        .collect();
    let searched = Searched {
        exchanges,
        ..Searched::default()
    };
    let newest = |subject| {
        let denied = searched.newest_denied(subject)?;
        denied.subject.as_deref()
    };
    assert_eq!(newest(Some("ours")), Some("ours"));
    assert_eq!(newest(Some("nobody's")), None);
    assert_eq!(newest(None), Some("other"));
    assert_eq!(searched.denied_subjects(), [("other", 2), ("ours", 1)]);
}

#[test]
fn a_page_of_events_keeps_those_of_the_role() {
    let event = |record: serde_json::Value| json!({"EventId": "e", "EventTime": 1.7, "CloudTrailEvent": record.to_string()});
    let text = json!({
        "Events": [event(denied("arn:r", "a")), event(denied("arn:other", "b"))],
        "NextToken": "n",
    });
    let page = cloudtrail::page(&text.to_string(), "arn:r").unwrap();
    assert_eq!(page.looked_at, 2);
    assert_eq!(page.exchanges.len(), 1);
    assert_eq!(page.next.as_deref(), Some("n"));
}

proptest! {
    #[test]
    fn no_text_upsets_the_readers(text in "[<>/&;a-c!\\[\\]? \"={}:,]{0,80}") {
        let _ = Element::parse(&text);
        let _ = iam::error(&text);
        let _ = cloudtrail::error(&text);
        let _ = cloudtrail::page(&text, "r");
    }

    #[test]
    fn any_text_comes_through_xml(text in "[ -~äß€\n]{0,40}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let root = Element::parse(&format!("<a><b>{escaped}</b></a>")).unwrap();
        prop_assert_eq!(root.text_of("b"), Some(text.as_str()));
    }
}
