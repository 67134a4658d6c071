//! Where the services are called, and for which region a call is signed.

use std::fmt;

use rolecall_names::{Partition, Region};

use crate::ServiceError;

/// A service that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Identity and Access Management. It is global: one place a partition.
    Iam,
    /// The Security Token Service of a region.
    Sts,
    /// CloudTrail of a region.
    CloudTrail,
    /// The Simple Storage Service of a region.
    S3,
}

impl Service {
    /// The name in the scope of a signature.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::CloudTrail => "cloudtrail",
            Self::S3 => "s3",
        }
    }

    /// The service's id in profiles' `services` sections.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Iam => "IAM",
            Self::Sts => "STS",
            Self::CloudTrail => "CloudTrail",
            Self::S3 => "S3",
        }
    }

    /// The variable that says where the service is called.
    pub fn endpoint_variable(self) -> &'static str {
        match self {
            Self::Iam => "AWS_ENDPOINT_URL_IAM",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
            Self::CloudTrail => "AWS_ENDPOINT_URL_CLOUDTRAIL",
            Self::S3 => "AWS_ENDPOINT_URL_S3",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.id())
    }
}

/// The region that is asked, and addresses that stand in for AWS's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    region: Region,
    overrides: Vec<(Service, String)>,
}

impl Addresses {
    /// AWS's own addresses, for a region and its partition.
    pub fn of(region: Region) -> Self {
        Self {
            region,
            overrides: Vec::new(),
        }
    }

    /// AWS's own addresses in a partition, for its first region.
    ///
    /// # Errors
    /// [`ServiceError::Environment`], which cannot happen as long as the names of first regions are
    /// well formed.
    pub fn first_of(partition: Partition) -> Result<Self, ServiceError> {
        Ok(Self::of(region(
            first_region(partition),
            "the default region",
        )?))
    }

    /// The same, with another address for a service.
    ///
    /// # Errors
    /// [`ServiceError::Environment`] where it is no `http` or `https` URL.
    pub fn with(mut self, service: Service, url: &str) -> Result<Self, ServiceError> {
        let fits = reqwest::Url::parse(url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            return Err(ServiceError::Environment {
                what: format!("the address of {service}"),
                why: format!("`{url}` is no http or https URL"),
            });
        }
        self.overrides.retain(|(known, _)| *known != service);
        self.overrides.push((service, url.to_owned()));
        Ok(self)
    }

    /// The address that stands in for AWS's own.
    pub(crate) fn given(&self, service: Service) -> Option<&str> {
        let given = self.overrides.iter().find(|(known, _)| *known == service);
        given.map(|(_, url)| url.as_str())
    }

    /// The region that is asked where a service has one.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.region.partition()
    }

    /// The regions in whose trails an exchange can stand: the one that is asked, and the
    /// partition's first, where calls of the global STS endpoint are recorded.
    pub fn trail_regions(&self) -> Vec<&str> {
        let mut regions = vec![self.region.as_str()];
        let first = first_region(self.partition());
        if first != self.region.as_str() {
            regions.push(first);
        }
        regions
    }

    /// Where a service is called, and the region that the call is signed for. `region` chooses
    /// another region than the one that is asked.
    pub(crate) fn place(&self, service: Service, region: Option<&str>) -> Place {
        let partition = self.partition();
        let region = match service {
            Service::Iam => first_region(partition),
            Service::Sts | Service::CloudTrail | Service::S3 => {
                region.unwrap_or(self.region.as_str())
            }
        };
        let given = self.overrides.iter().find(|(known, _)| *known == service);
        let url = match given {
            Some((_, url)) => url.clone(),
            None => {
                let suffix = partition.dns_suffix();
                match (service, partition) {
                    (Service::Iam, Partition::Aws) => "https://iam.amazonaws.com/".to_owned(),
                    // <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>
                    (Service::Iam, Partition::AwsUsGov) => {
                        "https://iam.us-gov.amazonaws.com/".to_owned()
                    }
                    _ => format!("https://{}.{region}.{suffix}/", service.signing_name()),
                }
            }
        };
        Place {
            service,
            url,
            region: region.to_owned(),
        }
    }
}

/// One place to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) service: Service,
    pub(crate) url: String,
    pub(crate) region: String,
}

/// Reads a region; `what` says where it comes from.
pub(crate) fn region(name: &str, what: &str) -> Result<Region, ServiceError> {
    name.parse().map_err(
        |error: rolecall_names::NamesError| ServiceError::Environment {
            what: what.to_owned(),
            why: error.to_string(),
        },
    )
}

fn first_region(partition: Partition) -> &'static str {
    match partition {
        Partition::Aws => "us-east-1",
        Partition::AwsCn => "cn-north-1",
        Partition::AwsUsGov => "us-gov-west-1",
    }
}
