//! GetSessionToken: temporary credentials for the user who asks.

use serde_json::json;

use super::{Journal, assume_role, credentials};
use crate::call::Call;
use crate::caller::{Caller, CallerKind};
use crate::core::Core;
use crate::session::SessionOf;
use crate::wire::{Fault, Shape, Xml, catalogue};

pub(super) fn give(
    core: &Core,
    call: &Call,
    caller: &Caller,
    journal: &mut Journal,
) -> Result<Xml, Fault> {
    let mut shape = Shape::new(&call.parameters);
    let asked = shape.integer("DurationSeconds", 900..=129_600)?;
    let with_mfa = assume_role::mfa(&mut shape);
    shape.finish()?;
    if with_mfa {
        return Err(Fault::new(&catalogue::MFA_FAILED));
    }
    let (of, seconds) = match &caller.kind {
        CallerKind::User { name, .. } => (
            SessionOf::User { name: name.clone() },
            asked.unwrap_or(DEFAULT_SECONDS),
        ),
        // Root gets an hour at most, and no error for asking more.
        CallerKind::Root => (
            SessionOf::Root,
            asked.unwrap_or(ROOT_SECONDS).min(ROOT_SECONDS),
        ),
        CallerKind::Session { .. } => {
            journal
                .proof
                .failed("caller", json!({"why": "temporary credentials"}));
            return Err(
                Fault::new(&catalogue::SESSION_CANNOT_CALL).with("operation", "GetSessionToken")
            );
        }
    };
    journal
        .proof
        .passed("duration", json!({"seconds": seconds}));
    let session = credentials::new_session(&caller.account, of, call.now, seconds)?;
    core.keeper.change(|world| {
        world.add_session(session.clone(), call.now);
        Ok(())
    })?;
    if let Some(seconds) = asked {
        journal
            .event
            .parameters
            .insert("durationSeconds".to_owned(), seconds.into());
    }
    journal.event.response = Some(json!({"credentials": credentials::record(&session)}));
    let mut xml = Xml::new();
    credentials::write(&mut xml, &session);
    Ok(xml)
}

const DEFAULT_SECONDS: i32 = 43_200;

const ROOT_SECONDS: i32 = 3600;
