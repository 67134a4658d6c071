//! Identity and Access Management, as far as federation needs it.

pub(crate) mod managed;
pub(crate) mod providers;
pub(crate) mod roles;
pub(crate) mod tags;
pub(crate) mod users;

use rolecall_names::AccountId;
use rolecall_trust::Context;

use crate::access;
use crate::account::Account;
use crate::authentication::authenticate;
use crate::call::Call;
use crate::caller::Caller;
use crate::core::Core;
use crate::session::SessionOf;
use crate::sts::Journal;
use crate::trail;
use crate::wire::{Fault, Parameters, Xml, catalogue};
use crate::world::World;

pub(crate) const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

pub(crate) const VERSION: &str = "2010-05-08";

/// Whether IAM has the operation.
pub(crate) fn knows(action: &str) -> bool {
    providers::ACTIONS.contains(&action)
        || roles::ACTIONS.contains(&action)
        || managed::ACTIONS.contains(&action)
        || users::ACTIONS.contains(&action)
}

/// Runs one operation that [`knows`] knows.
pub(crate) async fn run(core: &Core, call: &Call, journal: &mut Journal) -> Result<Xml, Fault> {
    let caller = core.keeper.read(|world| {
        let caller = authenticate(world, call, "iam")?;
        journal.event.identity = trail::identity(world, &caller);
        Ok::<_, Fault>(caller)
    })?;
    journal.event.recipient = Some(caller.account.clone());
    journal.event.read_only = call.action.starts_with("Get") || call.action.starts_with("List");
    journal.event.parameters = call.parameters.for_record();
    let without_mfa = caller
        .session()
        .is_some_and(|session| !matches!(session.of, SessionOf::Role { .. }));
    if without_mfa {
        // GetSessionToken's credentials reach IAM only with MFA.
        return Err(Fault::new(&catalogue::UNKNOWN_KEY));
    }
    let asked = Asked {
        core,
        call,
        account: caller.account.clone(),
        caller,
    };
    let action = call.action.as_str();
    if providers::ACTIONS.contains(&action) {
        providers::run(&asked).await
    } else if roles::ACTIONS.contains(&action) {
        roles::run(&asked)
    } else if managed::ACTIONS.contains(&action) {
        managed::run(&asked)
    } else {
        users::run(&asked)
    }
}

/// One IAM call by an authenticated caller.
pub(crate) struct Asked<'c> {
    pub(crate) core: &'c Core,
    pub(crate) call: &'c Call,
    pub(crate) caller: Caller,
    pub(crate) account: AccountId,
}

impl Asked<'_> {
    pub(crate) fn action(&self) -> &str {
        &self.call.action
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.call.parameters
    }

    /// A parameter without which there is no call.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.parameters().text(name).ok_or_else(|| {
            let mut shape = crate::wire::Shape::new(self.parameters());
            shape.required(name, 0..=usize::MAX, None);
            shape
                .finish()
                .err()
                .unwrap_or_else(|| Fault::new(&catalogue::INTERNAL))
        })
    }

    /// Whether the caller's policies allow `iam:<action>` on `resource`.
    pub(crate) fn authorize(&self, resource: &str) -> Result<(), Fault> {
        self.core.keeper.read(|world| {
            let mut context: Context = self.call.context();
            self.caller.describe(world, &mut context);
            access::authorize(
                world,
                &self.core.policies,
                &self.caller,
                &format!("iam:{}", self.call.action),
                resource,
                &context,
            )
        })
    }

    /// As [`Asked::read`], with the other accounts at hand.
    pub(crate) fn look<T>(
        &self,
        look: impl FnOnce(&World, &Account) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.core.keeper.read(|world| {
            let account = world.account(&self.account);
            look(
                world,
                account.ok_or_else(|| Fault::new(&catalogue::INTERNAL))?,
            )
        })
    }

    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&Account) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.core.keeper.read(|world| {
            world
                .account(&self.account)
                .ok_or_else(|| Fault::new(&catalogue::INTERNAL))
                .and_then(look)
        })
    }

    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Account) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.core.keeper.change(|world| {
            world
                .accounts
                .get_mut(&self.account)
                .ok_or_else(|| Fault::new(&catalogue::INTERNAL))
                .and_then(change)
        })
    }

    pub(crate) fn arn(&self, resource: &str) -> String {
        format!("arn:aws:iam::{}:{resource}", self.account)
    }
}

/// A policy as IAM sends it: percent-encoded whole (RFC 3986).
pub(crate) fn encoded(document: &str) -> String {
    percent_encoding::utf8_percent_encode(document, UNRESERVED).to_string()
}

pub(crate) fn no_such(message: String) -> Fault {
    Fault::new(&catalogue::NO_SUCH_ENTITY).with("message", message)
}

pub(crate) fn exists(message: String) -> Fault {
    Fault::new(&catalogue::ALREADY_EXISTS).with("message", message)
}

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new(&catalogue::INVALID_INPUT).with("message", message)
}

pub(crate) fn refused_policy(error: rolecall_trust::write_time::WriteError) -> Fault {
    let saying = match error.code {
        "LimitExceeded" => &catalogue::LIMIT,
        "ValidationError" => &catalogue::VALIDATION,
        _ => &catalogue::MALFORMED_POLICY,
    };
    Fault::new(saying).with("message", error.message)
}

const UNRESERVED: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');
