//! Role chains: both sides' policies, external IDs, tags and identities on the way.

use aws_sdk_sts::types::Tag;
use serde_json::{Value, json};

use crate::lab::{ACCOUNT, Issuer, Lab, OTHER, code, job_seed};

const READER: &str = "arn:aws:iam::222222222222:role/Reader";
const TEAM: &str = "arn:aws:iam::222222222222:role/Team";

/// `job` in the first account; in the second `Reader` (wants an external ID) and `Team` (wants the
/// tag team=data and the source identity ada).
fn seed(issuer: &Issuer) -> Value {
    let trust = |actions: Value, principal: &str, condition: Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions, "Condition": condition}],
        })
    };
    let job = "arn:aws:iam::123456789012:role/team/job";
    let mut seed = job_seed(issuer, &["sts:TagSession", "sts:SetSourceIdentity"]);
    seed["accounts"][OTHER] = json!({"roles": [
        {
            "name": "Reader",
            "max_session_duration": 43200,
            "trust_policy": trust(json!("sts:AssumeRole"), job, json!({"StringEquals": {"sts:ExternalId": "superset-1"}})),
        },
        {
            "name": "Team",
            "trust_policy": trust(
                json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]),
                ACCOUNT,
                json!({"StringEquals": {"aws:RequestTag/team": "data", "sts:SourceIdentity": "ada"}}),
            ),
        },
        {
            "name": "Last",
            "trust_policy": trust(
                json!(["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]),
                "arn:aws:iam::222222222222:role/Team",
                json!({"StringEquals": {"aws:PrincipalTag/team": "data", "aws:SourceIdentity": "ada"}, "Null": {"aws:RequestTag/stage": "true"}}),
            ),
        },
    ]});
    seed
}

fn tagged(issuer: &Issuer) -> String {
    issuer.token(json!({
        "https://aws.amazon.com/tags": {
            "principal_tags": {"team": ["data"], "stage": ["production"]},
            "transitive_tag_keys": ["team"],
        },
        "https://aws.amazon.com/source_identity": "ada",
    }))
}

#[tokio::test]
async fn an_external_id_opens_the_second_account() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(seed(&issuer), |_| {}).await;
    let sts = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let ask = || sts.assume_role().role_arn(READER).role_session_name("hop");
    let given = ask().external_id("superset-1").send().await.unwrap();
    assert_eq!(
        given.assumed_role_user().unwrap().arn(),
        "arn:aws:sts::222222222222:assumed-role/Reader/hop"
    );
    for request in [ask(), ask().external_id("superset-2")] {
        let denied = request.send().await.unwrap_err();
        assert_eq!(
            code(&denied),
            (
                "AccessDenied".to_owned(),
                format!(
                    "User: arn:aws:sts::123456789012:assumed-role/job/session-1 is not authorized to perform: sts:AssumeRole on resource: {READER}"
                )
            )
        );
    }
    let trail = lab.emulator.trail();
    let shared: Vec<_> = trail
        .iter()
        .filter(|record| record["eventName"] == "AssumeRole" && record["errorCode"].is_null())
        .collect();
    assert_eq!(shared.len(), 2);
    assert_eq!(shared[0]["sharedEventID"], shared[1]["sharedEventID"]);
    assert_eq!(shared[0]["requestParameters"]["externalId"], "superset-1");
    assert_ne!(shared[0]["eventID"], shared[1]["eventID"]);
    assert_eq!(shared[0]["recipientAccountId"], "222222222222");
    assert_eq!(shared[0]["userIdentity"]["type"], "AWSAccount");
    assert_eq!(shared[0]["userIdentity"]["accountId"], "123456789012");
    assert!(shared[0]["userIdentity"]["arn"].is_null());
    assert_eq!(shared[1]["recipientAccountId"], "123456789012");
    let caller = &shared[1]["userIdentity"];
    assert_eq!(caller["type"], "AssumedRole");
    assert_eq!(
        caller["sessionContext"]["sessionIssuer"]["arn"],
        "arn:aws:iam::123456789012:role/team/job"
    );
    let federation = &caller["sessionContext"]["webIdFederationData"];
    let subject = format!("{}:sub", issuer.url.split_once("://").unwrap().1);
    assert_eq!(federation["attributes"][&subject], "job:42");
    sts.get_caller_identity().send().await.unwrap();
    let last = lab.emulator.trail().pop().unwrap();
    assert_eq!(last["eventName"], "GetCallerIdentity");
    assert!(last["requestParameters"].is_null());
}

#[tokio::test]
async fn a_missing_role_and_a_closed_one_read_the_same() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(seed(&issuer), |_| {}).await;
    let sts = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let mut words = Vec::new();
    for arn in [READER, "arn:aws:iam::222222222222:role/Missing"] {
        let denied = sts
            .assume_role()
            .role_arn(arn)
            .role_session_name("hop")
            .send()
            .await
            .unwrap_err();
        words.push(code(&denied).1.replace(arn, "ROLE"));
    }
    assert_eq!(words[0], words[1]);
}

#[tokio::test]
async fn role_chaining_gives_an_hour_at_most() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(seed(&issuer), |_| {}).await;
    let sts = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let ask = |seconds| {
        sts.assume_role()
            .role_arn(READER)
            .role_session_name("hop")
            .external_id("superset-1")
            .duration_seconds(seconds)
            .send()
    };
    ask(3600).await.unwrap();
    let denied = ask(3601).await.unwrap_err();
    assert_eq!(
        code(&denied),
        (
            "ValidationError".to_owned(),
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.".to_owned()
        )
    );
}

#[tokio::test]
async fn transitive_tags_and_the_source_identity_travel_and_cannot_be_changed() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(seed(&issuer), |_| {}).await;
    let sts = lab.sts(Some(lab.job(&tagged(&issuer)).await));
    let ask = || sts.assume_role().role_arn(TEAM).role_session_name("hop");
    let given = ask().send().await.unwrap();
    assert_eq!(given.source_identity(), Some("ada"));

    let team = Tag::builder().key("TEAM").value("other").build().unwrap();
    let denied = ask().tags(team).send().await.unwrap_err();
    assert_eq!(code(&denied).0, "ValidationError");
    let denied = ask().source_identity("eve").send().await.unwrap_err();
    assert_eq!(code(&denied).0, "AccessDenied");

    let plain = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let denied = plain
        .assume_role()
        .role_arn(TEAM)
        .role_session_name("hop")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&denied).0, "AccessDenied");

    // The third hop: the same account, and the caller is named, so no policy of its own is needed.
    let keys = given.credentials().unwrap();
    let third = lab.sts(Some(aws_sdk_sts::config::Credentials::new(
        keys.access_key_id(),
        keys.secret_access_key(),
        Some(keys.session_token().to_owned()),
        None,
        "test",
    )));
    let last = "arn:aws:iam::222222222222:role/Last";
    let given = third
        .assume_role()
        .role_arn(last)
        .role_session_name("end")
        .send()
        .await
        .unwrap();
    assert_eq!(given.source_identity(), Some("ada"));
}

#[tokio::test]
async fn across_accounts_the_callers_own_policies_must_allow_too() {
    let issuer = Issuer::start().await;
    let mut seed = seed(&issuer);
    seed["accounts"][ACCOUNT]["roles"][0]["policies"] = json!({});
    let lab = Lab::start(seed, |_| {}).await;
    let sts = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let ask = || {
        sts.assume_role()
            .role_arn(READER)
            .role_session_name("hop")
            .external_id("superset-1")
    };
    let denied = ask().send().await.unwrap_err();
    assert_eq!(code(&denied).0, "AccessDenied");
    use aws_sdk_sts::operation::RequestId as _;
    let proof = lab.emulator.decision(denied.request_id().unwrap()).unwrap();
    assert_eq!(proof.checks.last().unwrap().check, "caller_policies");
    assert!(proof.mend.unwrap().contains("sts:AssumeRole"));
}

#[tokio::test]
async fn a_session_policy_narrows_what_the_role_may() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(seed(&issuer), |_| {}).await;
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    })
    .to_string();
    let answer = lab
        .exchange(&issuer.token(json!({})), &[("Policy", &policy)])
        .await
        .unwrap();
    let sts = lab.sts(Some(crate::lab::credentials(&answer)));
    let denied = sts
        .assume_role()
        .role_arn(READER)
        .role_session_name("hop")
        .external_id("superset-1")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&denied).0, "AccessDenied");
    sts.get_caller_identity().send().await.unwrap();
}

#[tokio::test]
async fn root_assumes_no_role() {
    use secrecy::ExposeSecret as _;
    let issuer = Issuer::start().await;
    let lab = Lab::start(seed(&issuer), |_| {}).await;
    let root = lab
        .emulator
        .create_root_key(&ACCOUNT.parse().unwrap())
        .unwrap()
        .unwrap();
    let keys = aws_sdk_sts::config::Credentials::new(
        root.access_key_id,
        root.secret_access_key.expose_secret(),
        None,
        None,
        "test",
    );
    let sts = lab.sts(Some(keys));
    let who = sts.get_caller_identity().send().await.unwrap();
    assert_eq!(who.arn(), Some("arn:aws:iam::123456789012:root"));
    assert_eq!(who.user_id(), Some(ACCOUNT));
    let denied = sts
        .assume_role()
        .role_arn(TEAM)
        .role_session_name("hop")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        code(&denied).1,
        "Roles may not be assumed by root accounts."
    );
}

#[tokio::test]
async fn fifty_long_tags_are_too_large_a_package() {
    let issuer = Issuer::start().await;
    let mut seed = seed(&issuer);
    seed["accounts"][OTHER]["roles"][1]["trust_policy"]["Statement"][0]
        .as_object_mut()
        .unwrap()
        .remove("Condition");
    let lab = Lab::start(seed, |_| {}).await;
    let sts = lab.sts(Some(lab.job(&issuer.token(json!({}))).await));
    let tags: Vec<Tag> = (0..50)
        .map(|number| {
            let key = format!("{number:02}{}", "k".repeat(126));
            Tag::builder()
                .key(key)
                .value("v".repeat(256))
                .build()
                .unwrap()
        })
        .collect();
    let denied = sts
        .assume_role()
        .role_arn(TEAM)
        .role_session_name("hop")
        .set_tags(Some(tags))
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&denied).0, "PackedPolicyTooLarge");
}
