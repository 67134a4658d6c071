//! Calls against a service that answers as it is told.

use jiff::Timestamp;
use serde_json::json;

use super::parsing::{ROLE, denied};
use super::scripted::{Scripted, reader_at};
use crate::{Addresses, Retry, Service, ServiceError, Window};

fn denied_by_iam(action: &str) -> String {
    format!(
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::123456789012:user/ci \
         is not authorized to perform: {action}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    )
}

fn throttled() -> String {
    "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>".to_owned()
}

fn caller(account: &str) -> String {
    format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::{account}:user/ci</Arn>\
         <UserId>AIDA</UserId><Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
}

#[tokio::test]
async fn a_role_is_asked_for_by_name_with_a_signature_for_the_global_region() {
    let (service, reader) = Scripted::start(&[(200, ROLE)]).await;
    let arn = "arn:aws:iam::123456789012:role/team/Deploy"
        .parse()
        .unwrap();
    assert_eq!(reader.role_of_arn(&arn).await.unwrap().name, "Deploy");
    let [asked] = &service.asked()[..] else {
        panic!("asked {} times", service.asked().len())
    };
    assert_eq!(
        asked.body,
        "Action=GetRole&Version=2010-05-08&RoleName=Deploy"
    );
    assert!(asked.authorization.contains("/us-east-1/iam/aws4_request"));
    assert!(
        asked
            .authorization
            .contains("content-type;host;x-amz-date;x-amz-security-token")
    );
}

#[tokio::test]
async fn throttling_is_waited_out_and_said_when_it_stays() {
    let busy = throttled();
    let (service, reader) = Scripted::start(&[(400, &busy), (503, ""), (200, ROLE)]).await;
    reader.role("Deploy").await.unwrap();
    assert_eq!(service.asked().len(), 3);
    let (service, reader) = Scripted::start(&[(400, &busy)]).await;
    let error = reader.role("Deploy").await.unwrap_err();
    insta::assert_snapshot!(error, @"GetRole is throttled, tried 5 times: Throttling: Rate exceeded (HTTP 400)");
    assert_eq!(service.asked().len(), 5);
}

#[tokio::test]
async fn a_missing_permission_is_named_and_not_asked_for_twice() {
    let answer = denied_by_iam("iam:GetRole");
    let (service, reader) = Scripted::start(&[(403, &answer)]).await;
    let error = reader.role("Deploy").await.unwrap_err();
    assert_eq!(service.asked().len(), 1);
    insta::assert_snapshot!(error, @"these credentials may not iam:GetRole: AccessDenied: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:GetRole (HTTP 403, request r-1)");
    insta::assert_snapshot!(error.hint().unwrap(), @"Allow iam:GetRole to them; docs/live.md has the least policy that is needed");
}

#[tokio::test]
async fn a_role_of_another_account_is_never_taken_for_the_one_that_is_meant() {
    let arn = "arn:aws:iam::999999999999:role/team/Deploy"
        .parse()
        .unwrap();
    let (_, reader) = Scripted::start(&[(200, ROLE)]).await;
    let error = reader.role_of_arn(&arn).await.unwrap_err();
    insta::assert_snapshot!(error, @"`arn:aws:iam::999999999999:role/team/Deploy` is in account 999999999999, and these credentials are of account 123456789012");
    let absent = "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>";
    let own = caller("123456789012");
    let (_, reader) = Scripted::start(&[(404, absent), (200, &own)]).await;
    let error = reader.role_of_arn(&arn).await.unwrap_err();
    assert!(
        matches!(error, ServiceError::OtherAccount { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_with_another_path_is_not_the_role() {
    let arn = "arn:aws:iam::123456789012:role/Deploy".parse().unwrap();
    let (_, reader) = Scripted::start(&[(200, ROLE)]).await;
    let error = reader.role_of_arn(&arn).await.unwrap_err();
    insta::assert_snapshot!(error, @"there is no role `arn:aws:iam::123456789012:role/Deploy`; the role of that name is `arn:aws:iam::123456789012:role/team/Deploy`");
}

#[tokio::test]
async fn roles_are_paged_and_pages_that_do_not_end_are_an_error() {
    let page = |name: &str, marker: &str| {
        let more = if marker.is_empty() {
            ""
        } else {
            "<IsTruncated>true</IsTruncated>"
        };
        format!(
            "<ListRolesResponse><ListRolesResult>{more}<Marker>{marker}</Marker><Roles><member><RoleName>{name}</RoleName>\
             <Arn>arn:aws:iam::1:role/{name}</Arn><AssumeRolePolicyDocument>%7B%7D</AssumeRolePolicyDocument>\
             </member></Roles></ListRolesResult></ListRolesResponse>"
        )
    };
    let (one, two) = (page("A", "after+A"), page("B", ""));
    let (service, reader) = Scripted::start(&[(200, &one), (200, &two)]).await;
    let mut seen = Vec::new();
    let roles = reader.roles(&mut |count| seen.push(count)).await.unwrap();
    assert_eq!(roles.len(), 2);
    assert_eq!(seen, [1, 2]);
    assert!(
        service.asked()[1]
            .body
            .ends_with("&MaxItems=1000&Marker=after%2BA")
    );
    let (_, reader) = Scripted::start(&[(200, &one)]).await;
    let error = reader.roles(&mut |_| {}).await.unwrap_err();
    assert!(
        error.to_string().contains("its pages do not end"),
        "{error}"
    );
}

#[tokio::test]
async fn the_trails_of_the_region_and_of_the_global_endpoint_are_searched() {
    let event = json!({"CloudTrailEvent": denied("arn:r", "job:1").to_string()});
    let first = json!({"Events": [event], "NextToken": "more"}).to_string();
    let last = json!({"Events": []}).to_string();
    let slow = json!({"__type": "ThrottlingException", "message": "Rate exceeded"}).to_string();
    let (service, reader) = Scripted::start(&[(200, &first), (400, &slow), (200, &last)]).await;
    let until: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let window = Window {
        since: "2026-11-23T08:30:00Z".parse().unwrap(),
        until,
    };
    let searched = reader
        .exchanges("arn:r", window, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(searched.regions, ["eu-central-1", "us-east-1"]);
    assert!(searched.complete);
    assert_eq!(
        searched.newest_denied(None).unwrap().subject.as_deref(),
        Some("job:1")
    );
    let asked = service.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(
        asked[0].target.as_deref(),
        Some("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")
    );
    assert!(
        asked[0]
            .authorization
            .contains("/eu-central-1/cloudtrail/aws4_request")
    );
    assert!(asked[1].body.contains(r#""NextToken":"more""#));
    assert!(
        asked[3]
            .authorization
            .contains("/us-east-1/cloudtrail/aws4_request")
    );
}

#[tokio::test]
async fn nobody_there_and_somebody_else_there_are_told_apart() {
    let unheard = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", unheard.local_addr().unwrap());
    drop(unheard);
    let error = reader_at(&url).caller().await.unwrap_err();
    assert!(
        matches!(error, ServiceError::Unreachable { attempts: 5, .. }),
        "{error}"
    );
    insta::assert_snapshot!(error.hint().unwrap(), @"Check the network, and the addresses in AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL");
    let (_, reader) = Scripted::start(&[(200, "<html>hello</html>")]).await;
    let error = reader.caller().await.unwrap_err().to_string();
    assert!(
        error.ends_with("something that is not from STS: its root is `html`"),
        "{error}"
    );
}

#[test]
fn addresses_follow_the_partition() {
    let place = |region: &str, service| {
        let place = Addresses::of(region.parse().unwrap()).place(service, None);
        format!("{} for {}", place.url, place.region)
    };
    insta::assert_snapshot!(place("eu-west-1", Service::Iam), @"https://iam.amazonaws.com/ for us-east-1");
    insta::assert_snapshot!(place("cn-northwest-1", Service::Iam), @"https://iam.cn-north-1.amazonaws.com.cn/ for cn-north-1");
    insta::assert_snapshot!(place("us-gov-east-1", Service::Iam), @"https://iam.us-gov.amazonaws.com/ for us-gov-west-1");
    insta::assert_snapshot!(place("eu-west-1", Service::CloudTrail), @"https://cloudtrail.eu-west-1.amazonaws.com/ for eu-west-1");
    insta::assert_snapshot!(place("cn-northwest-1", Service::Sts), @"https://sts.cn-northwest-1.amazonaws.com.cn/ for cn-northwest-1");
    assert!(
        Addresses::of("eu-west-1".parse().unwrap())
            .with(Service::Iam, "localhost:1")
            .is_err()
    );
    assert_eq!(Retry::default().attempts, 5);
}
