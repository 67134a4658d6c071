//! A request that is sent again is not carried out again (`Idempotency-Key`).
//!
//! What is kept of an answer is where to read it again, or, where it cannot be read again because it
//! holds a secret that is shown once, the answer itself, sealed under the installation's master key.
//! It is written in the same transaction as the change.

use std::future::Future;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use rolecall_sealed::ExposeSecret as _;
use rolecall_store::Answered;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::AdminApi;
use crate::asked::{Asked, Mark};
use crate::refused::Refused;
use crate::reply::Reply;

/// What is kept of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kept {
    /// There was nothing to say.
    Nothing,
    /// What is at that place.
    Place {
        tenant: String,
        kind: String,
        name: String,
    },
    /// The body, sealed.
    Sealed(String),
}

impl AdminApi {
    /// Carries out a request, unless it was carried out before; and where it is refused, because the
    /// same request is carried out at the same moment and came first, gives that answer.
    pub(crate) async fn once(
        &self,
        asked: &Asked,
        mark: Option<&Mark>,
        carried_out: impl Future<Output = Result<Reply, Refused>>,
    ) -> Result<Reply, Refused> {
        if let Some(reply) = self.replay(asked, mark).await? {
            return Ok(reply);
        }
        let refused = match carried_out.await {
            Ok(reply) => return Ok(reply),
            Err(refused) => refused,
        };
        match self.replay(asked, mark).await {
            Ok(Some(reply)) => Ok(reply),
            _ => Err(refused),
        }
    }

    /// The answer of before, if the request was carried out before.
    async fn replay(&self, asked: &Asked, mark: Option<&Mark>) -> Result<Option<Reply>, Refused> {
        let Some(mark) = mark else { return Ok(None) };
        let reader = self.installation().store().reader();
        let actor = &asked.asker.name;
        let Some(answered) = reader.answered(actor, &mark.key, self.now()).await? else {
            return Ok(None);
        };
        if answered.request != mark.request {
            return Err(Refused::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "mark_used",
                "this `Idempotency-Key` was used for another request",
            )
            .hint("Make a new key for every request; send the same one only to repeat the same request."));
        }
        let kept: Kept =
            serde_json::from_str(&answered.body).map_err(|error| Refused::ours(&error))?;
        let status =
            StatusCode::from_u16(answered.status).map_err(|error| Refused::ours(&error))?;
        let reply = match kept {
            Kept::Nothing => Reply::nothing(),
            Kept::Place { tenant, kind, name } => self.at_place(&tenant, &kind, &name).await?,
            Kept::Sealed(sealed) => {
                let sealed = STANDARD
                    .decode(sealed)
                    .map_err(|error| Refused::ours(&error))?;
                let opened = self.installation().open(&record(actor, mark), &sealed)?;
                let body: Value = serde_json::from_slice(opened.expose_secret())
                    .map_err(|error| Refused::ours(&error))?;
                Reply::ok(&body)?
            }
        };
        Ok(Some(Reply { status, ..reply }))
    }

    /// What to remember of an answer that is about to be given.
    pub(crate) fn remember(
        &self,
        asked: &Asked,
        mark: Option<&Mark>,
        status: StatusCode,
        kept: &Kept,
    ) -> Result<Option<Answered>, Refused> {
        let Some(mark) = mark else { return Ok(None) };
        Ok(Some(Answered {
            actor: asked.asker.name.clone(),
            mark: mark.key.clone(),
            request: mark.request.clone(),
            status: status.as_u16(),
            body: serde_json::to_string(kept).map_err(|error| Refused::ours(&error))?,
            expires: self.now().saturating_add(REMEMBERED),
        }))
    }

    /// An answer that cannot be read again, sealed for whoever sends the same request.
    pub(crate) fn sealed(
        &self,
        asked: &Asked,
        mark: Option<&Mark>,
        body: &Value,
    ) -> Result<Kept, Refused> {
        let Some(mark) = mark else {
            return Ok(Kept::Nothing);
        };
        let record = record(&asked.asker.name, mark);
        let sealed = (self.installation()).seal(&record, body.to_string().as_bytes())?;
        Ok(Kept::Sealed(STANDARD.encode(sealed)))
    }
}

fn record(actor: &str, mark: &Mark) -> String {
    format!("answer to {actor} marked {} of {}", mark.key, mark.request)
}

/// A day, in seconds.
const REMEMBERED: i64 = 86_400;
