//! Reading an account: the calls.

use aws_config::BehaviorVersion;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use rolecall_names::{Partition, RoleArn};

use crate::address::region;
use crate::calling::{Call, Calling};
use crate::{
    Addresses, Provider, Retry, Role, Searched, Service, ServiceError, Window, cloudtrail, iam,
};

/// Reads one AWS account; writes nothing. Clones share connections.
#[derive(Debug, Clone)]
pub struct AccountReader {
    calling: Calling,
}

/// Whom AWS takes the holder of the credentials for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The ARN of the user, or of the role's session.
    pub arn: String,
    /// The account: twelve digits.
    pub account: String,
    /// `AIDA…`, or `AROA…:<session>`.
    pub user_id: String,
}

impl AccountReader {
    /// A reader with the credentials, region and addresses that the AWS tools would take from
    /// environment and profile. A partition that is asked for wins over the region that is set
    /// there. Nothing is called yet, but for what the credentials themselves need.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
    ///
    /// # Errors
    /// [`ServiceError::NoCredentials`], [`ServiceError::Environment`].
    pub async fn from_environment(
        partition: Option<Partition>,
        retry: Retry,
    ) -> Result<Self, ServiceError> {
        let (credentials, addresses) = environment(partition).await?;
        Self::new(credentials, addresses, retry)
    }

    /// A reader with these credentials.
    ///
    /// # Errors
    /// [`ServiceError::Environment`] where no HTTP client can be made.
    pub fn new(
        credentials: SharedCredentialsProvider,
        addresses: Addresses,
        retry: Retry,
    ) -> Result<Self, ServiceError> {
        Ok(Self {
            calling: Calling::new(credentials, addresses, retry)?,
        })
    }

    /// Where it reads.
    pub fn addresses(&self) -> &Addresses {
        &self.calling.addresses
    }

    /// Whose the credentials are. No policy can forbid to ask.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn caller(&self) -> Result<Caller, ServiceError> {
        let call = query(Service::Sts, "GetCallerIdentity", "caller", &[]);
        let (user_id, account, arn) = self.calling.call(&call, iam::caller_identity).await?;
        Ok(Caller {
            arn,
            account,
            user_id,
        })
    }

    /// A role by its name, in the account of the credentials.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn role(&self, name: &str) -> Result<Role, ServiceError> {
        let what = format!("role `{name}`");
        let call = query(Service::Iam, "GetRole", &what, &[("RoleName", name)]);
        self.calling.call(&call, iam::role).await
    }

    /// A role by its ARN. IAM itself takes a name only and would give a role of that name from the
    /// account of the credentials, so the answer is held against the ARN.
    ///
    /// # Errors
    /// [`ServiceError::OtherAccount`]; [`ServiceError::NotFound`] also where the role has another
    /// path; see [`ServiceError`].
    pub async fn role_of_arn(&self, arn: &RoleArn) -> Result<Role, ServiceError> {
        let found = self.role(arn.name()).await;
        let actual = match &found {
            Ok(role) if role.arn == arn.as_str() => return found,
            Ok(role) => account_of(&role.arn).to_owned(),
            // The name is not in the account of the credentials: is that the one that is meant?
            Err(ServiceError::NotFound { .. } | ServiceError::Forbidden { .. }) => {
                match self.caller().await {
                    Ok(caller) => caller.account,
                    Err(_) => return found,
                }
            }
            Err(_) => return found,
        };
        if actual != arn.account().as_str() {
            return Err(ServiceError::OtherAccount {
                asked: arn.to_string(),
                wanted: arn.account().to_string(),
                actual,
            });
        }
        // IAM finds names without regard to path, and to case.
        found.and_then(|role| {
            Err(ServiceError::OtherPath {
                asked: arn.to_string(),
                actual: role.arn,
            })
        })
    }

    /// All roles of the account, page by page; `observe` is told how many there are so far.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn roles(
        &self,
        observe: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Vec<Role>, ServiceError> {
        let mut roles = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut parameters = vec![("MaxItems", LIST_PAGE)];
            if let Some(marker) = &marker {
                parameters.push(("Marker", marker));
            }
            let call = query(Service::Iam, "ListRoles", "roles", &parameters);
            let page = self.calling.call(&call, iam::roles).await?;
            roles.extend(page.items);
            observe(roles.len());
            if page.marker.is_none() {
                return Ok(roles);
            }
            if page.marker == marker || roles.len() > MOST_ROLES {
                return Err(ServiceError::NotTheService {
                    service: Service::Iam,
                    endpoint: self.calling.addresses.place(Service::Iam, None).url,
                    operation: "ListRoles",
                    why: format!("its pages do not end, after {} roles", roles.len()),
                });
            }
            marker = page.marker;
        }
    }

    /// An OIDC provider by its ARN.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn provider(&self, arn: &str) -> Result<Provider, ServiceError> {
        let what = format!("OIDC provider `{arn}`");
        let parameters = [("OpenIDConnectProviderArn", arn)];
        let call = query(Service::Iam, "GetOpenIDConnectProvider", &what, &parameters);
        self.calling
            .call(&call, |text| iam::provider(arn, text))
            .await
    }

    /// The ARNs of the account's OIDC providers.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn provider_arns(&self) -> Result<Vec<String>, ServiceError> {
        let call = query(
            Service::Iam,
            "ListOpenIDConnectProviders",
            "OIDC providers",
            &[],
        );
        self.calling.call(&call, iam::provider_arns).await
    }

    /// The exchanges of web identities for a role that CloudTrail recorded in a window of time, the
    /// newest first. `observe` is told how many events were looked at so far. A busy account's
    /// window is searched from its end until enough was looked at.
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn exchanges(
        &self,
        role: &str,
        window: Window,
        observe: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Searched, ServiceError> {
        let mut searched = Searched {
            complete: true,
            ..Searched::default()
        };
        let mut asked = false;
        for region in self.calling.addresses.trail_regions() {
            searched.regions.push(region.to_owned());
            let mut next: Option<String> = None;
            for number in 1.. {
                if asked {
                    tokio::time::sleep(self.calling.retry.lookup_pause).await;
                }
                asked = true;
                let call = Call {
                    service: Service::CloudTrail,
                    region: Some(region.to_owned()),
                    operation: "LookupEvents",
                    what: "events".to_owned(),
                    content_type: "application/x-amz-json-1.1",
                    target: Some(LOOKUP_TARGET),
                    body: cloudtrail::lookup(window, next.as_deref()),
                };
                let page = self
                    .calling
                    .call(&call, |text| cloudtrail::page(text, role))
                    .await?;
                searched.looked_at += page.looked_at;
                searched.exchanges.extend(page.exchanges);
                observe(searched.looked_at);
                next = page.next;
                if next.is_none() {
                    break;
                }
                if number >= LOOKUP_PAGES || searched.exchanges.len() >= ENOUGH_EXCHANGES {
                    searched.complete = false;
                    break;
                }
            }
        }
        searched
            .exchanges
            .sort_by_key(|exchange| std::cmp::Reverse(exchange.time));
        Ok(searched)
    }
}

/// Addresses as environment and profile have them.
/// Credentials and addresses of environment and profile.
pub(crate) async fn environment(
    partition: Option<Partition>,
) -> Result<(SharedCredentialsProvider, Addresses), ServiceError> {
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .load()
        .await;
    let credentials = config
        .credentials_provider()
        .ok_or_else(|| ServiceError::NoCredentials {
            why: "the chain of providers is empty".to_owned(),
        })?;
    Ok((credentials, addresses(&config, partition)?))
}

fn addresses(config: &SdkConfig, partition: Option<Partition>) -> Result<Addresses, ServiceError> {
    let named = config
        .region()
        .map(|name| region(name.as_ref(), "the region of AWS_REGION or the profile"))
        .transpose()?;
    let mut addresses = match (named, partition) {
        (Some(region), None) => Addresses::of(region),
        (Some(region), Some(partition)) if region.partition() == partition => Addresses::of(region),
        (_, partition) => Addresses::first_of(partition.unwrap_or(Partition::Aws))?,
    };
    for service in [Service::Iam, Service::Sts, Service::CloudTrail, Service::S3] {
        let key = ServiceConfigKey::builder()
            .service_id(service.id())
            .profile("endpoint_url")
            .env("AWS_ENDPOINT_URL")
            .build()
            .ok();
        let own = key.and_then(|key| config.service_config()?.load_config(key));
        if let Some(url) = own.as_deref().or_else(|| config.endpoint_url()) {
            addresses = addresses.with(service, url)?;
        }
    }
    Ok(addresses)
}

/// A call of the query protocol.
fn query(
    service: Service,
    operation: &'static str,
    what: &str,
    parameters: &[(&str, &str)],
) -> Call {
    let version = match service {
        Service::Sts => "2011-06-15",
        _ => "2010-05-08",
    };
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.append_pair("Action", operation)
        .append_pair("Version", version)
        .extend_pairs(parameters);
    Call {
        service,
        region: None,
        operation,
        what: what.to_owned(),
        content_type: "application/x-www-form-urlencoded; charset=utf-8",
        target: None,
        body: body.finish().into_bytes(),
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

const LOOKUP_TARGET: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";

/// Roles of a page: the most that IAM gives.
const LIST_PAGE: &str = "1000";

/// More than any account has; IAM's quota is 10,000 at most.
const MOST_ROLES: usize = 100_000;

/// Pages of events that are read of one region: 2,000 events in about 22 seconds.
const LOOKUP_PAGES: u32 = 40;

/// Exchanges of one role that tell enough.
const ENOUGH_EXCHANGES: usize = 200;
