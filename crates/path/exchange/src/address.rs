use std::fmt;

use rolecall_ask::StsEndpoint;
use rolecall_names::{Partition, Region, sts_endpoint};
use serde::Serialize;

use crate::ExchangeError;

/// What the environment says about STS, read by the caller so that nothing below looks at the
/// process.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StsEnvironment {
    region: Option<(&'static str, String)>,
    endpoint: Option<(&'static str, String)>,
}

/// Where STS is called, and what decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StsAddress {
    region: Region,
    region_from: Origin,
    endpoint: StsEndpoint,
    endpoint_from: Origin,
}

/// What decided a part of an [`StsAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The connection's own text.
    Connection,
    /// This variable of the environment.
    Environment(&'static str),
    /// The region's own endpoint, or the partition's first region.
    Default,
}

impl StsEnvironment {
    /// Takes what matters from an environment. `AWS_ENDPOINT_URL_STS` wins over
    /// `AWS_ENDPOINT_URL`, `AWS_REGION` over `AWS_DEFAULT_REGION`; empty values count as absent,
    /// and `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true` switches both endpoint variables off.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = lookup(name).filter(|value| !value.is_empty())?;
                Some((*name, value))
            })
        };
        let ignored = lookup("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Self {
            region: first(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
            endpoint: if ignored {
                None
            } else {
                first(&["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"])
            },
        }
    }
}

impl StsAddress {
    /// Decides region and endpoint for a role of `partition`: what the connection says, else the
    /// environment, else the regional endpoint. Without any region the partition's first is
    /// taken, since sessions of a regional endpoint are good in every region.
    ///
    /// # Errors
    /// A variable of the environment that cannot be used, or that names a region of another
    /// partition.
    pub fn resolve(
        region: Option<&Region>,
        endpoint: Option<&StsEndpoint>,
        partition: Partition,
        environment: &StsEnvironment,
    ) -> Result<Self, ExchangeError> {
        let (region, region_from) = match (region, &environment.region) {
            (Some(region), _) => (region.clone(), Origin::Connection),
            (None, Some((variable, text))) => (
                environment_region(variable, text, partition)?,
                Origin::Environment(variable),
            ),
            (None, None) => (first_region(partition)?, Origin::Default),
        };
        let (endpoint, endpoint_from) = match (endpoint, &environment.endpoint) {
            (Some(endpoint), _) => (endpoint.clone(), Origin::Connection),
            (None, Some((variable, text))) => (
                read_endpoint(variable, text)?,
                Origin::Environment(variable),
            ),
            (None, None) => (
                read_endpoint("the region", &sts_endpoint(&region))?,
                Origin::Default,
            ),
        };
        Ok(Self {
            region,
            region_from,
            endpoint,
            endpoint_from,
        })
    }

    /// The region that calls are signed for.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// What decided the region.
    pub fn region_from(&self) -> Origin {
        self.region_from
    }

    /// The URL that is called.
    pub fn endpoint(&self) -> &StsEndpoint {
        &self.endpoint
    }

    /// What decided the endpoint.
    pub fn endpoint_from(&self) -> Origin {
        self.endpoint_from
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => formatter.write_str("the connection"),
            Self::Environment(variable) => formatter.write_str(variable),
            Self::Default => formatter.write_str("default"),
        }
    }
}

fn environment_region(
    variable: &'static str,
    text: &str,
    partition: Partition,
) -> Result<Region, ExchangeError> {
    let wrong = |why: String| ExchangeError::Environment { variable, why };
    let region: Region = text
        .parse()
        .map_err(|error: rolecall_names::NamesError| wrong(error.to_string()))?;
    if region.partition() == partition {
        return Ok(region);
    }
    Err(wrong(format!(
        "region `{region}` is in partition `{}`, but the role is in `{partition}`; give the connection a `region` of its own",
        region.partition()
    )))
}

fn read_endpoint(variable: &'static str, text: &str) -> Result<StsEndpoint, ExchangeError> {
    text.parse()
        .map_err(|error: rolecall_ask::AskError| ExchangeError::Environment {
            variable,
            why: error.to_string(),
        })
}

fn first_region(partition: Partition) -> Result<Region, ExchangeError> {
    let name = match partition {
        Partition::Aws => "us-east-1",
        Partition::AwsCn => "cn-north-1",
        Partition::AwsUsGov => "us-gov-west-1",
    };
    name.parse().map_err(
        |error: rolecall_names::NamesError| ExchangeError::Environment {
            variable: "the default region",
            why: error.to_string(),
        },
    )
}
