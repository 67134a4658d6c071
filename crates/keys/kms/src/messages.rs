//! What is asked of KMS and what its answers mean: text only.
//! <https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html>

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_jose::{Algorithm, Jwk, es256_from_der};
use rolecall_signing_keys::{BackendError, RsaBits, WantedKey};
use serde::Deserialize;
use serde_json::{Value, json};

/// A question.
pub(crate) struct Question {
    pub(crate) operation: &'static str,
    pub(crate) body: Value,
    /// Whether it may be asked again when no answer came.
    pub(crate) repeatable: bool,
}

/// `CreateKey`. The tags say whose key it is, to people and to policies.
pub(crate) fn create_key(wanted: &WantedKey) -> Result<Question, BackendError> {
    let spec = match (wanted.algorithm, wanted.rsa_bits) {
        (Algorithm::Rs256, RsaBits::B2048) => "RSA_2048",
        (Algorithm::Rs256, RsaBits::B3072) => "RSA_3072",
        (Algorithm::Rs256, RsaBits::B4096) => "RSA_4096",
        (Algorithm::Es256, _) => "ECC_NIST_P256",
        (other, _) => return Err(unsupported(other)),
    };
    Ok(Question {
        operation: "CreateKey",
        body: json!({
            "KeySpec": spec,
            "KeyUsage": "SIGN_VERIFY",
            "Description": format!("Rolecall: signs {} tokens of tenant {}", wanted.algorithm, wanted.tenant),
            "Tags": [{"TagKey": TENANT_TAG, "TagValue": wanted.tenant}],
        }),
        // Asked twice, it makes two keys.
        repeatable: false,
    })
}

/// The ARN of a key that was made.
pub(crate) fn created(answer: &[u8]) -> Result<String, BackendError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        key_metadata: Metadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Metadata {
        arn: String,
    }
    read::<Answer>("CreateKey", answer).map(|answer| answer.key_metadata.arn)
}

/// `GetPublicKey`.
pub(crate) fn public_key(key: &str) -> Question {
    Question {
        operation: "GetPublicKey",
        body: json!({"KeyId": key}),
        repeatable: true,
    }
}

/// The public half as it is published.
pub(crate) fn published(answer: &[u8]) -> Result<Jwk, BackendError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        public_key: String,
    }
    let answer = read::<Answer>("GetPublicKey", answer)?;
    let spki = STANDARD
        .decode(&answer.public_key)
        .map_err(|_| unusable("GetPublicKey", "the key is not base64"))?;
    Jwk::from_spki_der(&spki).map_err(|error| unusable("GetPublicKey", &error.to_string()))
}

/// `Sign`: the message as it is, or its digest where it is longer than KMS takes.
pub(crate) fn sign(
    key: &str,
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Question, BackendError> {
    let named = match algorithm {
        Algorithm::Rs256 => "RSASSA_PKCS1_V1_5_SHA_256",
        Algorithm::Es256 => "ECDSA_SHA_256",
        other => return Err(unsupported(other)),
    };
    let (message, kind) = if message.len() <= LONGEST_MESSAGE {
        (STANDARD.encode(message), "RAW")
    } else {
        (STANDARD.encode(digest(&SHA256, message)), "DIGEST")
    };
    Ok(Question {
        operation: "Sign",
        body: json!({
            "KeyId": key,
            "Message": message,
            "MessageType": kind,
            "SigningAlgorithm": named,
        }),
        repeatable: true,
    })
}

/// The signature as a JWS carries it.
pub(crate) fn signature(answer: &[u8], algorithm: Algorithm) -> Result<Vec<u8>, BackendError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        signature: String,
    }
    let answer = read::<Answer>("Sign", answer)?;
    let signature = STANDARD
        .decode(&answer.signature)
        .map_err(|_| unusable("Sign", "the signature is not base64"))?;
    match algorithm {
        Algorithm::Es256 => {
            es256_from_der(&signature).map_err(|error| unusable("Sign", &error.to_string()))
        }
        _ => Ok(signature),
    }
}

/// `ScheduleKeyDeletion`, in so many days. By id: only a key of one's own account can be deleted,
/// and stand-ins for KMS know no other way.
pub(crate) fn schedule_deletion(key: &str, days: u32) -> Question {
    let id = key.rsplit_once(":key/").map_or(key, |(_, id)| id);
    Question {
        operation: "ScheduleKeyDeletion",
        body: json!({"KeyId": id, "PendingWindowInDays": days}),
        repeatable: true,
    }
}

/// What a refusal means. `key` is what was asked for.
pub(crate) fn refused(
    operation: &str,
    status: u16,
    answer: &[u8],
    key: Option<&str>,
) -> BackendError {
    #[derive(Deserialize, Default)]
    struct Answer {
        #[serde(rename = "__type", default)]
        code: String,
        #[serde(default, alias = "Message")]
        message: String,
    }
    let answer: Answer = serde_json::from_slice(answer).unwrap_or_default();
    let code = answer.code.rsplit('#').next().unwrap_or_default();
    let said = match (code, answer.message.as_str()) {
        ("", _) => format!("HTTP {status}"),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    match code {
        "NotFoundException" if key.is_some() => BackendError::KeyMissing {
            reference: key.unwrap_or_default().to_owned(),
        },
        "AccessDeniedException" => BackendError::Configuration {
            why: format!(
                "KMS does not allow kms:{operation} ({said}); the permissions are in docs/keys.md"
            ),
        },
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "ExpiredTokenException" => BackendError::Configuration {
            why: format!("KMS does not take the credentials ({said})"),
        },
        "LimitExceededException" => BackendError::Configuration {
            why: format!("the account may have no further KMS key ({said})"),
        },
        "DisabledException" | "KMSInvalidStateException" => BackendError::Unavailable {
            why: format!(
                "the KMS key {} is disabled or about to be deleted ({said}); enable it again",
                key.map_or_else(String::new, |key| format!("`{key}`"))
            ),
        },
        _ if is_passing(code, status) => BackendError::Unavailable {
            why: format!("KMS cannot {operation} at present ({said})"),
        },
        _ => BackendError::Unexpected {
            why: format!("KMS refused to {operation} ({said})"),
        },
    }
}

/// Whether the same question may be answered a moment later.
pub(crate) fn is_passing(code: &str, status: u16) -> bool {
    status == 429
        || status >= 500
        || matches!(
            code,
            "ThrottlingException"
                | "KMSInternalException"
                | "DependencyTimeoutException"
                | "KeyUnavailableException"
        )
}

fn read<'a, T: Deserialize<'a>>(operation: &str, answer: &'a [u8]) -> Result<T, BackendError> {
    serde_json::from_slice(answer).map_err(|error| unusable(operation, &error.to_string()))
}

fn unusable(operation: &str, why: &str) -> BackendError {
    BackendError::Unexpected {
        why: format!("what KMS answered to {operation} cannot be used: {why}"),
    }
}

fn unsupported(algorithm: Algorithm) -> BackendError {
    BackendError::Configuration {
        why: format!("tokens are signed with RS256 or ES256, not with {algorithm}"),
    }
}

/// Bytes. <https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html>
const LONGEST_MESSAGE: usize = 4096;

/// The tag that carries the tenant's name.
const TENANT_TAG: &str = "rolecall-tenant";
