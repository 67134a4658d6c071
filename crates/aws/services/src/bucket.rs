//! Public documents put into an S3 bucket.

use std::time::SystemTime;

use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::calling::{causes, http_client};
use crate::reader::environment;
use crate::xml::Element;
use crate::{Addresses, Refusal, Retry, Service, ServiceError};

/// A bucket that documents are put into.
#[derive(Debug, Clone)]
pub struct Bucket {
    name: String,
    http: reqwest::Client,
    credentials: SharedCredentialsProvider,
    addresses: Addresses,
    retry: Retry,
}

impl Bucket {
    /// A bucket, with the credentials, region and address that the AWS tools would take from
    /// environment and profile.
    ///
    /// # Errors
    /// [`ServiceError::NoCredentials`], [`ServiceError::Environment`].
    pub async fn from_environment(name: &str, retry: Retry) -> Result<Self, ServiceError> {
        let (credentials, addresses) = environment(None).await?;
        Ok(Self {
            name: name.to_owned(),
            http: http_client()?,
            credentials,
            addresses,
            retry,
        })
    }

    /// Puts a document at `key`, in place of what is there. S3 shows the old one or the new one,
    /// never a part.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
    ///
    /// # Errors
    /// See [`ServiceError`].
    pub async fn put(
        &self,
        key: &str,
        body: &[u8],
        content_type: &str,
        cache_control: &str,
    ) -> Result<(), ServiceError> {
        let url = self.url(key);
        let late = |why| self.unreachable(&url, why);
        self.retry
            .run(late, || {
                self.once(key, &url, body, content_type, cache_control)
            })
            .await
    }

    async fn once(
        &self,
        key: &str,
        url: &str,
        body: &[u8],
        content_type: &str,
        cache_control: &str,
    ) -> Result<(), ServiceError> {
        let unsigned = |why: String| ServiceError::Environment {
            what: "the request to S3".to_owned(),
            why,
        };
        let credentials = self
            .credentials
            .provide_credentials()
            // The SDK's own trace prints keys and tokens, so it must not reach any log.
            .with_subscriber(NoSubscriber::default())
            .await
            .map_err(|error| ServiceError::NoCredentials {
                why: causes(&error),
            })?;
        let identity = credentials.into();
        // As S3 wants it: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.addresses.region().as_str())
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| unsigned(error.to_string()))?
            .into();
        let mut request = http::Request::put(url)
            .header("content-type", content_type)
            .header("cache-control", cache_control)
            .body(body.to_vec())
            .map_err(|error| unsigned(error.to_string()))?;
        let signable = SignableRequest::new(
            "PUT",
            url,
            request
                .headers()
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))),
            SignableBody::Bytes(body),
        )
        .map_err(|error| unsigned(error.to_string()))?;
        let (instructions, _) = with_default(NoSubscriber::default(), || sign(signable, &params))
            .map_err(|error| unsigned(error.to_string()))?
            .into_parts();
        instructions.apply_to_request_http1x(&mut request);
        let request: reqwest::Request = request
            .try_into()
            .map_err(|error: reqwest::Error| unsigned(error.to_string()))?;
        let response = (self.http.execute(request).await)
            .map_err(|error| self.unreachable(url, causes(&error.without_url())))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let (region, request_id) = (header("x-amz-bucket-region"), header("x-amz-request-id"));
        let text = response.text().await.unwrap_or_default();
        Err(self.refused(key, url, status.as_u16(), region, request_id, &text))
    }

    fn refused(
        &self,
        key: &str,
        url: &str,
        status: u16,
        region: Option<String>,
        request_id: Option<String>,
        text: &str,
    ) -> ServiceError {
        let error = Element::parse(text).ok();
        let said = |name: &str| {
            let error = error.as_ref()?;
            error.child(name).map(|child| child.text().to_owned())
        };
        let own = self.addresses.region().as_str();
        if let Some(region) = region.filter(|region| *region != own) {
            return ServiceError::Environment {
                what: format!("the bucket `{}`", self.name),
                why: format!(
                    "it is in the region `{region}`, and `{own}` was asked: set AWS_REGION={region}"
                ),
            };
        }
        let (Some(code), message) = (said("Code"), said("Message").unwrap_or_default()) else {
            return ServiceError::NotTheService {
                service: Service::S3,
                endpoint: url.to_owned(),
                operation: "PutObject",
                why: format!("HTTP {status} without an error code"),
            };
        };
        let refusal = Refusal {
            operation: "PutObject",
            code,
            message,
            status,
            request_id,
        };
        let what = match refusal.code.as_str() {
            "NoSuchBucket" => format!("bucket `{}`", self.name),
            _ => format!("object `{key}` in the bucket `{}`", self.name),
        };
        refusal.sorted("s3:PutObject", &what)
    }

    fn url(&self, key: &str) -> String {
        let name = &self.name;
        if let Some(endpoint) = self.addresses.given(Service::S3) {
            return format!("{}/{name}/{key}", endpoint.trim_end_matches('/'));
        }
        let region = self.addresses.region();
        let suffix = self.addresses.partition().dns_suffix();
        // A name with dots is not covered by the certificate for `*.s3.…`.
        match name.contains('.') {
            true => format!("https://s3.{region}.{suffix}/{name}/{key}"),
            false => format!("https://{name}.s3.{region}.{suffix}/{key}"),
        }
    }

    fn unreachable(&self, url: &str, why: String) -> ServiceError {
        ServiceError::Unreachable {
            service: Service::S3,
            endpoint: url.to_owned(),
            why,
            attempts: 1,
        }
    }
}
