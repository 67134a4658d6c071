use rolecall_names::Partition;

use crate::{ExchangeError, Origin, StsAddress, StsEnvironment};

fn environment(variables: &[(&str, &str)]) -> StsEnvironment {
    StsEnvironment::from_lookup(|name| {
        variables
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn resolved(
    region: Option<&str>,
    endpoint: Option<&str>,
    partition: Partition,
    variables: &[(&str, &str)],
) -> Result<StsAddress, ExchangeError> {
    StsAddress::resolve(
        region.map(|region| region.parse().unwrap()).as_ref(),
        endpoint.map(|endpoint| endpoint.parse().unwrap()).as_ref(),
        partition,
        &environment(variables),
    )
}

#[test]
fn the_nearest_word_wins() {
    let variables = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
        ("AWS_REGION", "eu-central-1"),
    ];
    let told = resolved(
        Some("us-west-2"),
        Some("http://127.0.0.1:3"),
        Partition::Aws,
        &variables,
    )
    .unwrap();
    assert_eq!(told.endpoint().as_str(), "http://127.0.0.1:3");
    assert_eq!(told.region().as_str(), "us-west-2");
    let untold = resolved(None, None, Partition::Aws, &variables).unwrap();
    assert_eq!(untold.endpoint().as_str(), "http://127.0.0.1:2");
    assert_eq!(
        untold.endpoint_from(),
        Origin::Environment("AWS_ENDPOINT_URL_STS")
    );
    assert_eq!(untold.region().as_str(), "eu-central-1");
    let general = resolved(None, None, Partition::Aws, &variables[..1]).unwrap();
    assert_eq!(general.endpoint().as_str(), "http://127.0.0.1:1");
}

#[test]
fn without_a_word_the_regional_endpoint_of_the_partition_is_called() {
    for (partition, region, endpoint) in [
        (
            Partition::Aws,
            "us-east-1",
            "https://sts.us-east-1.amazonaws.com",
        ),
        (
            Partition::AwsCn,
            "cn-north-1",
            "https://sts.cn-north-1.amazonaws.com.cn",
        ),
        (
            Partition::AwsUsGov,
            "us-gov-west-1",
            "https://sts.us-gov-west-1.amazonaws.com",
        ),
    ] {
        let address = resolved(None, None, partition, &[]).unwrap();
        assert_eq!(address.region().as_str(), region);
        assert_eq!(address.endpoint().as_str(), endpoint);
        assert_eq!(address.endpoint_from(), Origin::Default);
    }
}

#[test]
fn empty_variables_count_as_absent_and_endpoints_can_be_ignored() {
    let variables = [
        ("AWS_ENDPOINT_URL_STS", ""),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", ""),
    ];
    let address = resolved(None, None, Partition::Aws, &variables).unwrap();
    assert_eq!(address.endpoint().as_str(), "http://127.0.0.1:1");
    assert_eq!(address.region_from(), Origin::Default);
    let ignoring = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ];
    let address = resolved(None, None, Partition::Aws, &ignoring).unwrap();
    assert_eq!(address.endpoint_from(), Origin::Default);
}

#[test]
fn an_environment_that_cannot_be_meant_is_refused() {
    let message = |variables: &[(&str, &str)]| {
        resolved(None, None, Partition::AwsCn, variables)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(message(&[("AWS_REGION", "eu-west-1")]), @"AWS_REGION: region `eu-west-1` is in partition `aws`, but the role is in `aws-cn`; give the connection a `region` of its own");
    insta::assert_snapshot!(message(&[("AWS_DEFAULT_REGION", "Frankfurt")]), @"AWS_DEFAULT_REGION: `Frankfurt` is not a region: expected a name such as `eu-central-1`");
    insta::assert_snapshot!(message(&[("AWS_ENDPOINT_URL", "localhost:5000")]), @"AWS_ENDPOINT_URL: `localhost:5000` is not an STS endpoint: `localhost` is neither `http` nor `https`");
}
