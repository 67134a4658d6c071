//! The backend: keys made, used and scheduled for deletion by ARN.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_types::region::Region as SdkRegion;
use aws_types::service_config::ServiceConfigKey;
use rolecall_jose::{Algorithm, Jwk};
use rolecall_names::Region;
use rolecall_signing_keys::{Backend, BackendError, HeldKey, Pending, WantedKey};
use tokio::sync::Semaphore;

use crate::calling::Calling;
use crate::messages;

/// Where keys are made, and how they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsSettings {
    /// The region that keys are made in; `None` for the one of the environment.
    pub region: Option<Region>,
    /// Another address than AWS's own, such as an interface endpoint of a VPC; `None` for what the
    /// environment says (`AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`) or AWS's own.
    pub endpoint: Option<String>,
    /// Days between the end of a key and its deletion, 7 to 30.
    pub deletion_window_days: u32,
}

/// Keys in one region of one account. The reference of a key is its ARN.
#[derive(Debug)]
pub struct KmsBackend {
    calling: Calling,
    deletion_window_days: u32,
}

impl KmsBackend {
    /// With the credentials that the AWS tools would take from environment and profile. Nothing is
    /// asked of KMS yet.
    ///
    /// # Errors
    /// `Configuration` if there is no region, no chain of credentials, or a setting is impossible.
    pub async fn from_environment(settings: KmsSettings) -> Result<Self, BackendError> {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        if let Some(region) = &settings.region {
            loader = loader.region(SdkRegion::new(region.as_str().to_owned()));
        }
        let config = loader.load().await;
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| wrong("there are no AWS credentials to ask KMS with".to_owned()))?;
        let region = match &settings.region {
            Some(region) => region.clone(),
            None => config
                .region()
                .ok_or_else(|| {
                    wrong("no region is set for KMS; set `region` of the backend".to_owned())
                })?
                .as_ref()
                .parse()
                .map_err(|error| {
                    wrong(format!("the region of the environment is wrong: {error}"))
                })?,
        };
        let endpoint = settings.endpoint.clone().or_else(|| endpoint(&config));
        Self::new(credentials, region, endpoint, settings.deletion_window_days)
    }

    /// With these credentials.
    ///
    /// # Errors
    /// `Configuration` for an endpoint that is no URL and a deletion window that KMS does not know.
    pub fn new(
        credentials: SharedCredentialsProvider,
        region: Region,
        endpoint: Option<String>,
        deletion_window_days: u32,
    ) -> Result<Self, BackendError> {
        if !(7..=30).contains(&deletion_window_days) {
            return Err(wrong(format!(
                "KMS deletes keys after 7 to 30 days, not after {deletion_window_days}"
            )));
        }
        let endpoint = endpoint.unwrap_or_else(|| {
            let suffix = region.partition().dns_suffix();
            format!("https://kms.{}.{suffix}/", region.as_str())
        });
        let fits = reqwest::Url::parse(&endpoint)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !fits {
            return Err(wrong(format!(
                "the address of KMS, `{endpoint}`, is no http or https URL"
            )));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // An answer of AWS never sends elsewhere, and a signature is for one host.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("rolecall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(format!("the HTTP client cannot be made: {error}")))?;
        Ok(Self {
            calling: Calling {
                http,
                credentials,
                region: region.as_str().to_owned(),
                endpoint,
                places: Semaphore::new(AT_ONCE),
            },
            deletion_window_days,
        })
    }
}

impl KmsBackend {
    /// The public half of a key that was made just now. KMS does not know it everywhere at once.
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency>
    async fn new_public_key(&self, reference: &str) -> Result<Jwk, BackendError> {
        let question = messages::public_key(reference);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.calling.ask(&question, Some(reference)).await {
                Ok(answer) => return messages::published(&answer),
                Err(BackendError::KeyMissing { .. }) if pause <= LAST_PAUSE => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Backend for KmsBackend {
    fn make<'b>(&'b self, wanted: &'b WantedKey) -> Pending<'b, HeldKey> {
        Box::pin(async move {
            let question = messages::create_key(wanted)?;
            let answer = self.calling.ask(&question, None).await?;
            let reference = messages::created(&answer)?;
            let public = self.new_public_key(&reference).await?;
            Ok(HeldKey { reference, public })
        })
    }

    fn sign<'b>(
        &'b self,
        reference: &'b str,
        algorithm: Algorithm,
        message: &'b [u8],
    ) -> Pending<'b, Vec<u8>> {
        Box::pin(async move {
            let question = messages::sign(reference, algorithm, message)?;
            let answer = self.calling.ask(&question, Some(reference)).await?;
            messages::signature(&answer, algorithm)
        })
    }

    fn delete<'b>(&'b self, reference: &'b str) -> Pending<'b, ()> {
        Box::pin(async move {
            let question = messages::schedule_deletion(reference, self.deletion_window_days);
            match self.calling.ask(&question, Some(reference)).await {
                Ok(_) | Err(BackendError::KeyMissing { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    /// Whether there are credentials. What they may do shows when the first key is made: each
    /// operation has a permission of its own.
    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async { self.calling.credentials().await.map(drop) })
    }
}

/// The address that the environment gives for KMS, or for every service.
fn endpoint(config: &aws_types::SdkConfig) -> Option<String> {
    let of_service = config.service_config().and_then(|services| {
        let key = ServiceConfigKey::builder()
            .service_id("KMS")
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .ok()?;
        services.load_config(key)
    });
    of_service.or_else(|| config.endpoint_url().map(str::to_owned))
}

fn wrong(why: String) -> BackendError {
    BackendError::Configuration { why }
}

/// Questions at once. An answer takes some 10 ms, so these are several times what KMS lets an
/// account sign with RSA in a region.
const AT_ONCE: usize = 64;

/// Doubled each time, until a new key was waited for through six seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_millis(3200);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
