//! An error as AWS sends it.

use super::Saying;
use crate::Messages;

/// An error on its way to the caller. The words are chosen when it is rendered, because the same
/// cause reads differently in the two generations of AWS's messages.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    saying: &'static Saying,
    arguments: Vec<(&'static str, String)>,
    /// Added to the message in the emulator's log and proof only.
    note: Option<String>,
}

impl Fault {
    pub(crate) fn new(saying: &'static Saying) -> Self {
        Self {
            saying,
            arguments: Vec::new(),
            note: None,
        }
    }

    /// Fills the placeholder `{name}`.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }

    /// What the emulator knows beyond what AWS would say; never sent to the caller.
    pub(crate) fn noted(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    pub(crate) fn code(&self) -> Code {
        self.saying.code
    }

    pub(crate) fn saying(&self) -> &'static Saying {
        self.saying
    }

    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    pub(crate) fn message(&self, messages: Messages) -> String {
        let template = match messages {
            Messages::Newer => self.saying.newer,
            Messages::Older => self.saying.older.unwrap_or(self.saying.newer),
        };
        self.arguments
            .iter()
            .fold(template.to_owned(), |text, (name, value)| {
                text.replace(&format!("{{{name}}}"), value)
            })
    }
}

/// Codes as they stand on the wire, with their HTTP status. Which of them end in `Exception` is
/// irregular at AWS and copied as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    ExpiredToken,
    ExpiredTokenException,
    IdpCommunicationError,
    IncompleteSignature,
    InternalFailure,
    InvalidAction,
    InvalidAuthorizationMessageException,
    InvalidClientTokenId,
    InvalidIdentityToken,
    InvalidInput,
    InvalidLookupAttributesException,
    InvalidMaxResultsException,
    InvalidNextTokenException,
    InvalidTimeRangeException,
    LimitExceeded,
    MalformedInput,
    MalformedPolicyDocument,
    MissingAuthenticationToken,
    NoSuchEntity,
    OpenIdIdpCommunicationError,
    PackedPolicyTooLarge,
    SerializationException,
    SignatureDoesNotMatch,
    UnknownOperationException,
    ValidationError,
}

impl Code {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDenied",
            Self::DeleteConflict => "DeleteConflict",
            Self::EntityAlreadyExists => "EntityAlreadyExists",
            Self::ExpiredToken => "ExpiredToken",
            Self::ExpiredTokenException => "ExpiredTokenException",
            Self::IdpCommunicationError => "IDPCommunicationError",
            Self::IncompleteSignature => "IncompleteSignature",
            Self::InternalFailure => "InternalFailure",
            Self::InvalidAction => "InvalidAction",
            Self::InvalidAuthorizationMessageException => "InvalidAuthorizationMessageException",
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::InvalidIdentityToken => "InvalidIdentityToken",
            Self::InvalidInput => "InvalidInput",
            Self::InvalidLookupAttributesException => "InvalidLookupAttributesException",
            Self::InvalidMaxResultsException => "InvalidMaxResultsException",
            Self::InvalidNextTokenException => "InvalidNextTokenException",
            Self::InvalidTimeRangeException => "InvalidTimeRangeException",
            Self::LimitExceeded => "LimitExceeded",
            Self::MalformedInput => "MalformedInput",
            Self::MalformedPolicyDocument => "MalformedPolicyDocument",
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::NoSuchEntity => "NoSuchEntity",
            Self::OpenIdIdpCommunicationError => "OpenIdIdpCommunicationError",
            Self::PackedPolicyTooLarge => "PackedPolicyTooLarge",
            Self::SerializationException => "SerializationException",
            Self::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            Self::UnknownOperationException => "UnknownOperationException",
            Self::ValidationError => "ValidationError",
        }
    }

    pub(crate) fn status(self) -> u16 {
        match self {
            Self::AccessDenied
            | Self::ExpiredToken
            | Self::InvalidClientTokenId
            | Self::MissingAuthenticationToken
            | Self::SignatureDoesNotMatch => 403,
            Self::NoSuchEntity => 404,
            Self::DeleteConflict | Self::EntityAlreadyExists | Self::LimitExceeded => 409,
            Self::InternalFailure => 500,
            Self::ExpiredTokenException
            | Self::IdpCommunicationError
            | Self::IncompleteSignature
            | Self::InvalidAction
            | Self::InvalidAuthorizationMessageException
            | Self::InvalidIdentityToken
            | Self::InvalidInput
            | Self::InvalidLookupAttributesException
            | Self::InvalidMaxResultsException
            | Self::InvalidNextTokenException
            | Self::InvalidTimeRangeException
            | Self::SerializationException
            | Self::UnknownOperationException
            | Self::MalformedInput
            | Self::MalformedPolicyDocument
            | Self::OpenIdIdpCommunicationError
            | Self::PackedPolicyTooLarge
            | Self::ValidationError => 400,
        }
    }
}
