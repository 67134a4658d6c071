//! What a signer may do by its own policies.

use rolecall_trust::{Context, Decision, Request};

use crate::account::Account;
use crate::caller::{Caller, CallerKind};
use crate::policy::Policies;
use crate::session::SessionOf;
use crate::wire::{Fault, catalogue};
use crate::world::World;

/// Decides an action of `caller` by its identity policies, narrowed by session policies.
pub(crate) fn decide(
    world: &World,
    policies: &Policies,
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &Context,
) -> Decision {
    if caller.is_root() {
        return Decision::Allow;
    }
    let request = Request {
        principal: caller.principal(),
        action: action.to_owned(),
        resource: Some(resource.to_owned()),
        context: context.clone(),
    };
    let Some(account) = world.account(&caller.account) else {
        return Decision::ImplicitDeny;
    };
    let own = any(identity_policies(account, caller)
        .into_iter()
        .map(|text| policies.decide(text, &request)));
    let narrowed = narrowed(policies, caller, &request);
    let bounded =
        boundary(account, caller).map_or(Decision::Allow, |text| policies.decide(text, &request));
    [own, narrowed, bounded]
        .into_iter()
        .fold(Decision::Allow, both)
}

/// As [`decide`], with AWS's words for a refusal.
pub(crate) fn authorize(
    world: &World,
    policies: &Policies,
    caller: &Caller,
    action: &str,
    resource: &str,
    context: &Context,
) -> Result<(), Fault> {
    let saying = match decide(world, policies, caller, action, resource, context) {
        Decision::Allow => return Ok(()),
        Decision::ExplicitDeny => &catalogue::DENIED_BY,
        Decision::ImplicitDeny => &catalogue::NOT_ALLOWED_BY,
    };
    Err(Fault::new(saying)
        .with("user", caller.arn())
        .with("action", action)
        .with("resource", resource))
}

/// What the caller's session policies leave; all when it has none.
pub(crate) fn narrowed(policies: &Policies, caller: &Caller, request: &Request) -> Decision {
    match caller.session() {
        Some(session) if !session.policies.is_empty() => any(session
            .policies
            .iter()
            .map(|text| policies.decide(text, request))),
        _ => Decision::Allow,
    }
}

fn identity_policies<'w>(account: &'w Account, caller: &Caller) -> Vec<&'w str> {
    let (inline, attached) = match behind(caller) {
        Behind::User(name) => match account.user(name) {
            Some(user) => (&user.inline, &user.attached),
            None => return Vec::new(),
        },
        // A role that was deleted and made again under its name is another role.
        Behind::Role { name, id } => match account.role(name).filter(|role| role.id == id) {
            Some(role) => (&role.inline, &role.attached),
            None => return Vec::new(),
        },
        Behind::Root => return Vec::new(),
    };
    inline
        .values()
        .map(String::as_str)
        .chain(
            attached
                .iter()
                .filter_map(|arn| account.managed_document(arn)),
        )
        .collect()
}

fn boundary<'w>(account: &'w Account, caller: &Caller) -> Option<&'w str> {
    let Behind::Role { name, .. } = behind(caller) else {
        return None;
    };
    let arn = account.role(name)?.permissions_boundary.as_deref()?;
    // A boundary whose policy is gone or unknown allows nothing.
    Some(account.managed_document(arn).unwrap_or_default())
}

enum Behind<'c> {
    Root,
    User(&'c str),
    Role { name: &'c str, id: &'c str },
}

fn behind(caller: &Caller) -> Behind<'_> {
    match &caller.kind {
        CallerKind::Root => Behind::Root,
        CallerKind::User { name, .. } => Behind::User(name),
        CallerKind::Session { session, .. } => match &session.of {
            SessionOf::Role { name, id, .. } => Behind::Role { name, id },
            SessionOf::User { name } => Behind::User(name),
            SessionOf::Root => Behind::Root,
        },
    }
}

/// Several policies of one kind: any deny denies, else any allow allows.
fn any(decisions: impl Iterator<Item = Decision>) -> Decision {
    decisions.fold(Decision::ImplicitDeny, |so_far, next| {
        match (so_far, next) {
            (Decision::ExplicitDeny, _) | (_, Decision::ExplicitDeny) => Decision::ExplicitDeny,
            (Decision::Allow, _) | (_, Decision::Allow) => Decision::Allow,
            _ => Decision::ImplicitDeny,
        }
    })
}

/// Kinds of policies that must all allow.
fn both(one: Decision, other: Decision) -> Decision {
    match (one, other) {
        (Decision::ExplicitDeny, _) | (_, Decision::ExplicitDeny) => Decision::ExplicitDeny,
        (Decision::Allow, Decision::Allow) => Decision::Allow,
        _ => Decision::ImplicitDeny,
    }
}
