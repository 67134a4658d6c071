#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use crate::{
    AccountId, Arn, ExternalId, NamesError, Partition, Region, RoleArn, RoleSessionName,
    SourceIdentity, sts_endpoint,
};

#[test]
fn an_arn_is_taken_apart() {
    let arn: Arn = "arn:aws-cn:s3:::bucket/a:b".parse().unwrap();
    assert_eq!(arn.partition(), Partition::AwsCn);
    assert_eq!((arn.service(), arn.region(), arn.account()), ("s3", "", ""));
    assert_eq!(arn.resource(), "bucket/a:b");
}

#[test]
fn a_role_keeps_path_and_name_apart() {
    let role: RoleArn = "arn:aws:iam::123456789012:role/team/data/Reader"
        .parse()
        .unwrap();
    assert_eq!(role.name(), "Reader");
    assert_eq!(role.path(), "/team/data/");
    assert_eq!(role.account().as_str(), "123456789012");
    let bare: RoleArn = "arn:aws:iam::123456789012:role/Reader".parse().unwrap();
    assert_eq!((bare.path(), bare.name()), ("/", "Reader"));
}

#[test]
fn what_is_no_role_says_why() {
    let why = |text: &str| text.parse::<RoleArn>().unwrap_err().to_string();
    assert_eq!(
        why("arn:aws:sts::123456789012:assumed-role/Reader/s"),
        "`arn:aws:sts::123456789012:assumed-role/Reader/s` is not a role ARN: it names a session \
         of a role, not the role; expected `arn:aws:iam::<account>:role/<path and name>`"
    );
    assert!(why("arnawsiam::123456789012:role/R").contains("does not begin with `arn:`"));
    assert!(why("arn:aws:iam::12345:role/R").contains("expected 12 digits"));
    assert!(why("arn:aws:iam::<account>:role/R").contains("expected 12 digits"));
    assert!(why("arn:aws:iam::123456789012:role/a//R").contains("single slashes"));
    assert!(why("arn:aws:iam::123456789012:role/").contains("1 to 64"));
    assert!(why("arn:aws:iam:eu-west-1:123456789012:role/R").contains("region stays empty"));
    assert!(why("arn:aws:iam::123456789012").contains("4 of the 5 colons"));
}

#[test]
fn endpoints_follow_the_partition() {
    let endpoint = |name: &str| sts_endpoint(&name.parse::<Region>().unwrap());
    assert_eq!(
        endpoint("eu-central-1"),
        "https://sts.eu-central-1.amazonaws.com"
    );
    assert_eq!(
        endpoint("cn-north-1"),
        "https://sts.cn-north-1.amazonaws.com.cn"
    );
    assert_eq!(
        endpoint("us-gov-west-1"),
        "https://sts.us-gov-west-1.amazonaws.com"
    );
    for wrong in [
        "",
        "eu",
        "eu-central",
        "EU-central-1",
        "eu_central_1",
        "eu-central-x",
        "a-b-c-d-1",
    ] {
        assert!(wrong.parse::<Region>().is_err(), "{wrong}");
    }
}

#[test]
fn parameters_have_sts_rules() {
    assert!("ab".parse::<RoleSessionName>().is_ok());
    assert!("a".parse::<RoleSessionName>().is_err());
    assert!("a".repeat(65).parse::<RoleSessionName>().is_err());
    assert_eq!(
        "run 1".parse::<RoleSessionName>().unwrap_err().to_string(),
        "`run 1` is not a valid role session name: ` ` is not one of letters, digits and `_+=,.@-`"
    );
    assert!("acct@int:stack/scope".parse::<ExternalId>().is_ok());
    assert!("aws:root".parse::<SourceIdentity>().is_err());
    assert!("000000000001".parse::<AccountId>().is_ok());
}

#[test]
fn documents_read_through_the_same_rules() {
    let role: Result<RoleArn, _> = serde_json_like("arn:aws:iam::123456789012:role/R");
    assert_eq!(role.unwrap().name(), "R");
    assert!(serde_json_like::<RoleArn>("arn:aws:iam::1:role/R").is_err());
}

/// Reads one text through serde without a format crate.
fn serde_json_like<'de, T: serde::Deserialize<'de>>(
    text: &'de str,
) -> Result<T, serde::de::value::Error> {
    use serde::de::IntoDeserializer;
    T::deserialize(text.into_deserializer())
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,80}") {
        let _ = text.parse::<Arn>();
        let _ = text.parse::<RoleArn>();
        let _ = text.parse::<Region>();
        let _ = text.parse::<ExternalId>();
    }

    #[test]
    fn what_is_read_is_written_back(
        account in "[0-9]{12}",
        path in "(/[a-z0-9.]{1,8}){0,3}",
        name in "[A-Za-z0-9_+=,.@-]{1,64}",
    ) {
        let text = format!("arn:aws:iam::{account}:role{path}/{name}");
        let role: RoleArn = text.parse().map_err(|error: NamesError| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(role.to_string(), text);
        prop_assert_eq!(role.name(), name);
        prop_assert_eq!(role.path(), format!("{path}/"));
    }
}
