//! IAM as Terraform and the aws CLI call it.

use serde_json::json;

use crate::lab::{ACCOUNT, Issuer, Lab, Refusal, tag};
use crate::signing::call;

/// A signed IAM call by the first account's admin.
async fn iam(lab: &Lab, action: &str, more: &[(&str, &str)]) -> Result<String, Refusal> {
    let mut form = vec![("Action", action), ("Version", "2010-05-08")];
    form.extend(more);
    call(lab, "iam", &lab.admin(ACCOUNT), &form).await
}

const THUMBPRINT: &str = "ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD";

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}"#;

#[tokio::test]
async fn a_provider_from_creation_to_deletion() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    let created = iam(
        &lab,
        "CreateOpenIDConnectProvider",
        &[
            ("Url", "https://acme.example.com:443/Jobs/"),
            ("ClientIDList.member.1", "<a&>"),
            ("ClientIDList.member.2", "b"),
            ("ClientIDList.member.3", "<a&>"),
            ("ThumbprintList.member.1", THUMBPRINT),
            ("Tags.member.1.Key", "z"),
            ("Tags.member.1.Value", "1"),
        ],
    )
    .await
    .unwrap();
    let arn = tag(&created, "OpenIDConnectProviderArn");
    assert_eq!(
        arn,
        "arn:aws:iam::123456789012:oidc-provider/acme.example.com/Jobs/"
    );
    let named = [("OpenIDConnectProviderArn", arn.as_str())];
    let known = iam(&lab, "GetOpenIDConnectProvider", &named).await.unwrap();
    assert_eq!(tag(&known, "Url"), "acme.example.com/Jobs/");
    assert!(known.contains(
        "<ClientIDList><member>&lt;a&amp;&gt;</member><member>b</member></ClientIDList>"
    ));
    assert!(known.contains(&THUMBPRINT.to_lowercase()));

    let again = [
        ("Url", "https://acme.example.com/Jobs/"),
        ("ThumbprintList.member.1", THUMBPRINT),
    ];
    let refusal = iam(&lab, "CreateOpenIDConnectProvider", &again)
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (409, "EntityAlreadyExists")
    );

    for id in ["c", "c"] {
        let add = [named[0], ("ClientID", id)];
        iam(&lab, "AddClientIDToOpenIDConnectProvider", &add)
            .await
            .unwrap();
    }
    let remove = [named[0], ("ClientID", "<a&>")];
    iam(&lab, "RemoveClientIDFromOpenIDConnectProvider", &remove)
        .await
        .unwrap();
    let tags = [named[0], ("TagKeys.member.1", "z")];
    iam(&lab, "UntagOpenIDConnectProvider", &tags)
        .await
        .unwrap();
    let known = iam(&lab, "GetOpenIDConnectProvider", &named).await.unwrap();
    assert!(known.contains("<ClientIDList><member>b</member><member>c</member></ClientIDList>"));
    assert!(known.contains("<Tags></Tags>"));

    iam(&lab, "DeleteOpenIDConnectProvider", &named)
        .await
        .unwrap();
    let refusal = iam(&lab, "GetOpenIDConnectProvider", &named)
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (404, "NoSuchEntity")
    );
    assert_eq!(
        refusal.message,
        format!("OpenIDConnect Provider not found for arn {arn}")
    );
}

#[tokio::test]
async fn urls_that_are_none() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    for url in [
        "http://acme.example.com",
        "https://acme.example.com:8443",
        "https://acme.example.com?x=1",
        "acme.example.com",
    ] {
        let form = [("Url", url), ("ThumbprintList.member.1", THUMBPRINT)];
        let refusal = iam(&lab, "CreateOpenIDConnectProvider", &form)
            .await
            .unwrap_err();
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, "InvalidInput"),
            "{url}"
        );
    }
}

#[tokio::test]
async fn without_a_thumbprint_the_issuer_is_contacted() {
    let issuer = Issuer::start().await;
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    iam(&lab, "CreateOpenIDConnectProvider", &[("Url", &issuer.url)])
        .await
        .unwrap();
    let silent = Issuer::start().await;
    silent.publish_discovery(json!(null));
    let refusal = iam(&lab, "CreateOpenIDConnectProvider", &[("Url", &silent.url)])
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (400, "OpenIdIdpCommunicationError")
    );
}

#[tokio::test]
async fn a_role_from_creation_to_deletion() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    let created = iam(
        &lab,
        "CreateRole",
        &[
            ("RoleName", "Reader"),
            ("Path", "/team/"),
            ("AssumeRolePolicyDocument", TRUST),
            ("MaxSessionDuration", "7200"),
            ("Description", "first"),
        ],
    )
    .await
    .unwrap();
    assert!(!created.contains("MaxSessionDuration"));
    assert!(tag(&created, "RoleId").starts_with("AROA"));
    let named = [("RoleName", "reader")];
    let role = iam(&lab, "GetRole", &named).await.unwrap();
    assert_eq!(
        tag(&role, "Arn"),
        "arn:aws:iam::123456789012:role/team/Reader"
    );
    assert_eq!(tag(&role, "MaxSessionDuration"), "7200");
    let document = tag(&role, "AssumeRolePolicyDocument");
    assert!(document.starts_with("%7B%22Version%22"));
    assert_eq!(
        percent_encoding::percent_decode_str(&document)
            .decode_utf8()
            .unwrap(),
        TRUST
    );
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let put = [named[0], ("PolicyName", "p"), ("PolicyDocument", policy)];
    iam(&lab, "PutRolePolicy", &put).await.unwrap();
    let created = iam(&lab, "CreatePolicy", &[put[1], put[2]]).await.unwrap();
    let arn = tag(&created, "Arn");
    let attach = [named[0], ("PolicyArn", arn.as_str())];
    iam(&lab, "AttachRolePolicy", &attach).await.unwrap();
    let attached = iam(&lab, "ListAttachedRolePolicies", &named).await.unwrap();
    assert_eq!(tag(&attached, "PolicyArn"), arn);
    let refusal = iam(&lab, "DeleteRole", &named).await.unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (409, "DeleteConflict")
    );
    iam(&lab, "DetachRolePolicy", &attach).await.unwrap();
    iam(&lab, "DeletePolicy", &[attach[1]]).await.unwrap();
    iam(&lab, "DeleteRolePolicy", &[named[0], put[1]])
        .await
        .unwrap();
    let update = [
        named[0],
        ("Description", "second"),
        ("MaxSessionDuration", "3600"),
    ];
    iam(&lab, "UpdateRole", &update).await.unwrap();
    let role = iam(&lab, "GetRole", &named).await.unwrap();
    assert_eq!(
        (tag(&role, "Description"), tag(&role, "MaxSessionDuration")),
        ("second".into(), "3600".into())
    );
    iam(&lab, "DeleteRole", &named).await.unwrap();
    let refusal = iam(&lab, "GetRole", &named).await.unwrap_err();
    assert_eq!(
        refusal.message,
        "The role with name reader cannot be found."
    );
}

#[tokio::test]
async fn policies_are_validated_when_stored() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    for document in [
        "{zz",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/*"},"Action":"sts:AssumeRole"}]}"#,
    ] {
        let form = [("RoleName", "R"), ("AssumeRolePolicyDocument", document)];
        let refusal = iam(&lab, "CreateRole", &form).await.unwrap_err();
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, "MalformedPolicyDocument")
        );
    }
    let roles = iam(&lab, "ListRoles", &[]).await.unwrap();
    assert!(roles.contains("<Roles></Roles>"));
}

#[tokio::test]
async fn calls_are_authorised_by_the_callers_own_policies() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    iam(&lab, "CreateUser", &[("UserName", "ada")])
        .await
        .unwrap();
    let key = iam(&lab, "CreateAccessKey", &[("UserName", "ada")])
        .await
        .unwrap();
    let keys = aws_sdk_sts::config::Credentials::new(
        tag(&key, "AccessKeyId"),
        tag(&key, "SecretAccessKey"),
        None,
        None,
        "test",
    );
    let list = [("Action", "ListRoles"), ("Version", "2010-05-08")];
    let refusal = call(&lab, "iam", &keys, &list).await.unwrap_err();
    assert_eq!(
        refusal.message,
        "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:ListRoles on resource: arn:aws:iam::123456789012:role/ because no identity-based policy allows the iam:ListRoles action"
    );
    let attach = [
        ("UserName", "ada"),
        ("PolicyArn", "arn:aws:iam::aws:policy/IAMReadOnlyAccess"),
    ];
    iam(&lab, "AttachUserPolicy", &attach).await.unwrap();
    call(&lab, "iam", &keys, &list).await.unwrap();
    let off = [
        ("UserName", "ada"),
        ("AccessKeyId", keys.access_key_id()),
        ("Status", "Inactive"),
    ];
    iam(&lab, "UpdateAccessKey", &off).await.unwrap();
    let refusal = call(&lab, "iam", &keys, &list).await.unwrap_err();
    assert_eq!(refusal.code, "InvalidClientTokenId");
}

#[tokio::test]
async fn a_changed_trust_policy_decides_the_next_exchange() {
    let issuer = Issuer::start().await;
    let lab = Lab::with_job(&issuer).await;
    lab.exchange(&issuer.token(json!({})), &[]).await.unwrap();
    let update = [("RoleName", "job"), ("PolicyDocument", TRUST)];
    iam(&lab, "UpdateAssumeRolePolicy", &update).await.unwrap();
    let refusal = lab
        .exchange(&issuer.token(json!({})), &[])
        .await
        .unwrap_err();
    assert_eq!(refusal.code, "AccessDenied");
}

#[tokio::test]
async fn principals_are_kept_by_unique_id() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    let trusting = |principal: &str| {
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}})
            .to_string()
    };
    let shown = async |name: &str| {
        let answer = iam(&lab, "GetRole", &[("RoleName", name)]).await.unwrap();
        percent_encoding::percent_decode_str(&tag(&answer, "AssumeRolePolicyDocument"))
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    let ada = "arn:aws:iam::123456789012:user/team/ada";
    let create = async |name: &str, document: &str| {
        iam(
            &lab,
            "CreateRole",
            &[("RoleName", name), ("AssumeRolePolicyDocument", document)],
        )
        .await
    };
    // A user that is not there is no principal; neither is one of another path.
    let refusal = create("Door", &trusting(ada)).await.unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        (
            "MalformedPolicyDocument",
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/team/ada""#
        )
    );
    let user = [("UserName", "ada"), ("Path", "/team/")];
    iam(&lab, "CreateUser", &user).await.unwrap();
    let elsewhere = ada.replace("/team", "");
    assert!(create("Door", &trusting(&elsewhere)).await.is_err());
    create("Door", &trusting(ada)).await.unwrap();
    assert_eq!(shown("Door").await, trusting(ada));
    // An account is shown as its root, and accounts that are not emulated stay as written.
    create("Account", &trusting(ACCOUNT)).await.unwrap();
    let root = "arn:aws:iam::123456789012:root";
    assert_eq!(shown("Account").await, trusting(root));
    let stranger = "arn:aws:iam::999999999999:role/Stranger";
    create("Far", &trusting(stranger)).await.unwrap();
    assert_eq!(shown("Far").await, trusting(stranger));

    let enter = async || {
        let made = iam(&lab, "CreateAccessKey", &[("UserName", "ada")])
            .await
            .unwrap();
        let id = tag(&made, "AccessKeyId");
        let secret = tag(&made, "SecretAccessKey");
        let keys = aws_sdk_sts::config::Credentials::new(id.clone(), secret, None, None, "test");
        let door = lab.sts(Some(keys.clone())).assume_role();
        let door = door.role_arn("arn:aws:iam::123456789012:role/Door");
        let by_key = door.role_session_name("key").send().await.is_ok();
        let given = lab
            .sts(Some(keys))
            .get_session_token()
            .send()
            .await
            .unwrap();
        let given = given.credentials().unwrap();
        let session = aws_sdk_sts::config::Credentials::new(
            given.access_key_id(),
            given.secret_access_key(),
            Some(given.session_token().to_owned()),
            None,
            "test",
        );
        let who = lab.sts(Some(session.clone())).get_caller_identity();
        assert_eq!(who.send().await.unwrap().arn(), Some(ada));
        let door = lab.sts(Some(session)).assume_role();
        let door = door.role_arn("arn:aws:iam::123456789012:role/Door");
        let by_session = door.role_session_name("session").send().await.is_ok();
        assert_eq!(by_key, by_session);
        let key = [("UserName", "ada"), ("AccessKeyId", id.as_str())];
        iam(&lab, "DeleteAccessKey", &key).await.unwrap();
        by_key
    };
    assert!(enter().await);
    iam(&lab, "DeleteUser", &[("UserName", "ada")])
        .await
        .unwrap();
    assert!(shown("Door").await.contains("AIDA"));
    iam(&lab, "CreateUser", &user).await.unwrap();
    assert!(!enter().await, "another user of the same name");
    let again = [("RoleName", "Door"), ("PolicyDocument", &trusting(ada))];
    iam(&lab, "UpdateAssumeRolePolicy", &again).await.unwrap();
    assert!(enter().await);
}

#[tokio::test]
async fn shapes_of_the_model_are_validation_errors() {
    let lab = Lab::start(json!({"accounts": {}}), |_| {}).await;
    let long = format!("https://{}.example", "a".repeat(250));
    let provider = ("Url", "https://a.example");
    let role = ("AssumeRolePolicyDocument", TRUST);
    for (action, form, expected) in [
        (
            "CreateOpenIDConnectProvider",
            [provider, ("ThumbprintList.member.1", "abc")],
            "'thumbprintList.1.member' failed to satisfy constraint: Member must have length greater than or equal to 40",
        ),
        (
            "CreateOpenIDConnectProvider",
            [("Url", &long), ("ThumbprintList.member.1", THUMBPRINT)],
            "Member must have length less than or equal to 255",
        ),
        (
            "CreateRole",
            [role, ("MaxSessionDuration", "3599")],
            "'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600",
        ),
        (
            "CreateRole",
            [role, ("MaxSessionDuration", "43201")],
            "Member must have value less than or equal to 43200",
        ),
        (
            "CreateRole",
            [role, ("Path", "x")],
            "The specified value for path is invalid.",
        ),
    ] {
        let mut all = vec![("RoleName", "Shaped")];
        all.extend(form);
        let refusal = iam(&lab, action, &all).await.unwrap_err();
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (400, "ValidationError")
        );
        assert!(refusal.message.contains(expected), "{}", refusal.message);
    }
}
