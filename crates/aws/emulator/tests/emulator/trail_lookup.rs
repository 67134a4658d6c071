//! `LookupEvents`, asked by the reader that ships and by hand.

use rolecall_services::{AccountReader, Addresses, Retry, Service, ServiceError, Window};
use serde_json::json;

use crate::lab::{ACCOUNT, Issuer, Lab, OTHER, credentials, job_seed};

const ROLE: &str = "arn:aws:iam::123456789012:role/team/job";

fn reader(lab: &Lab, keys: aws_sdk_sts::config::Credentials, region: &str) -> AccountReader {
    let addresses = [Service::Iam, Service::Sts, Service::CloudTrail]
        .into_iter()
        .try_fold(
            Addresses::of(region.parse().unwrap()),
            |addresses, service| addresses.with(service, &lab.url),
        )
        .unwrap();
    let provider = aws_sdk_sts::config::SharedCredentialsProvider::new(keys);
    let retry = Retry {
        lookup_pause: std::time::Duration::ZERO,
        ..Retry::default()
    };
    AccountReader::new(provider, addresses, retry).unwrap()
}

/// The last ninety minutes.
fn window(lab: &Lab) -> Window {
    let until = jiff::Timestamp::from_second(lab.clock.seconds()).unwrap();
    Window {
        since: until - jiff::SignedDuration::from_mins(90),
        until,
    }
}

#[tokio::test]
async fn a_denied_exchange_is_found_and_an_unverified_token_is_not() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    lab.exchange(&issuer.token(json!({"aud": "other"})), &[])
        .await
        .unwrap_err();
    lab.exchange(&issuer.token(json!({"sub": "job:41"})), &[])
        .await
        .unwrap_err();
    lab.exchange(&issuer.token(json!({})), &[]).await.unwrap();
    let reader = reader(&lab, lab.admin(ACCOUNT), "us-east-1");
    let searched = reader
        .exchanges(ROLE, window(&lab), &mut |_| {})
        .await
        .unwrap();
    assert_eq!(searched.looked_at, 2);
    let denied = searched.newest_denied(None).unwrap();
    assert_eq!(denied.subject.as_deref(), Some("job:41"));
    assert_eq!(denied.audience.as_deref(), Some("sts.amazonaws.com"));
    assert_eq!(denied.record["errorMessage"], "An unknown error occurred");
    assert!(
        !searched
            .exchanges
            .iter()
            .any(|exchange| exchange.audience.as_deref() == Some("other"))
    );
}

#[tokio::test]
async fn another_region_s_reader_looks_where_the_global_endpoint_records() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    lab.exchange(&issuer.token(json!({"sub": "job:41"})), &[])
        .await
        .unwrap_err();
    let reader = reader(&lab, lab.admin(ACCOUNT), "eu-west-1");
    let searched = reader
        .exchanges(ROLE, window(&lab), &mut |_| {})
        .await
        .unwrap();
    assert_eq!(searched.regions, ["eu-west-1", "us-east-1"]);
    assert!(searched.newest_denied(None).is_some());
}

#[tokio::test]
async fn events_outside_the_window_and_of_other_accounts_are_not_told() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    lab.exchange(&issuer.token(json!({"sub": "job:41"})), &[])
        .await
        .unwrap_err();
    let other = reader(&lab, lab.admin(OTHER), "us-east-1");
    let searched = other
        .exchanges(ROLE, window(&lab), &mut |_| {})
        .await
        .unwrap();
    assert_eq!(searched.looked_at, 0);
    lab.clock.advance(91 * 60);
    // The signatures of the reader are of now, so the window moves and not the caller's clock.
    let late = window(&lab);
    lab.clock.advance(-91 * 60);
    let searched = reader(&lab, lab.admin(ACCOUNT), "us-east-1")
        .exchanges(ROLE, late, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(searched.looked_at, 0);
}

#[tokio::test]
async fn pages_follow_one_another_without_loss() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    for job in 100..220 {
        lab.exchange(&issuer.token(json!({"sub": format!("job:{job}")})), &[])
            .await
            .unwrap_err();
    }
    let mut seen = Vec::new();
    let searched = reader(&lab, lab.admin(ACCOUNT), "us-east-1")
        .exchanges(ROLE, window(&lab), &mut |count| seen.push(count))
        .await
        .unwrap();
    assert_eq!(seen, [50, 100, 120]);
    let mut subjects: Vec<_> = searched
        .exchanges
        .iter()
        .map(|exchange| exchange.subject.clone().unwrap())
        .collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 120);
}

#[tokio::test]
async fn a_session_without_the_permission_is_refused_by_name() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    let session = lab.exchange(&issuer.token(json!({})), &[]).await.unwrap();
    let reader = reader(&lab, credentials(&session), "us-east-1");
    let error = reader
        .exchanges(ROLE, window(&lab), &mut |_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ServiceError::Forbidden { permission, .. } if permission == "cloudtrail:LookupEvents"),
        "{error}"
    );
    let error = reader.role("job").await.unwrap_err();
    assert!(
        matches!(&error, ServiceError::Forbidden { permission, .. } if permission == "iam:GetRole"),
        "{error}"
    );
}

#[tokio::test]
async fn roles_and_providers_are_read_and_250_roles_come_in_pages() {
    let issuer = Issuer::start().await;
    let mut seed = job_seed(&issuer, &[]);
    let roles = seed["accounts"][ACCOUNT]["roles"].as_array_mut().unwrap();
    for number in 0..249 {
        let mut role = roles[0].clone();
        role["name"] = format!("job-{number}").into();
        roles.push(role);
    }
    let lab = Lab::start(seed, |_| {}).await;
    let reader = reader(&lab, lab.admin(ACCOUNT), "us-east-1");
    let mut seen = Vec::new();
    let roles = reader.roles(&mut |count| seen.push(count)).await.unwrap();
    assert_eq!(seen, [100, 200, 250]);
    assert_eq!(roles.len(), 250);
    let role = reader.role_of_arn(&ROLE.parse().unwrap()).await.unwrap();
    assert_eq!(role.max_session_duration, Some(7200));
    assert!(role.trust_policy.contains("job:42"));
    let arns = reader.provider_arns().await.unwrap();
    let provider = reader.provider(&arns[0]).await.unwrap();
    assert_eq!(provider.client_ids, ["sts.amazonaws.com"]);
    let absent = reader.role("nobody").await.unwrap_err();
    assert!(matches!(absent, ServiceError::NotFound { .. }), "{absent}");
}
