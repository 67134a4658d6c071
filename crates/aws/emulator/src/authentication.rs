//! From a signed call to its caller.

use rolecall_names::AccountId;

use crate::call::Call;
use crate::caller::{Caller, CallerKind};
use crate::secret::Secret;
use crate::session::SessionOf;
use crate::signature::Signed;
use crate::wire::{Fault, catalogue};
use crate::world::World;

/// Finds out who signed the call, or refuses it.
pub(crate) fn authenticate(world: &World, call: &Call, service: &str) -> Result<Caller, Fault> {
    let signed = Signed::read(call)?;
    let unknown = || Fault::new(&catalogue::UNKNOWN_KEY);
    if let Some(session) = world.sessions.get(&signed.access_key_id) {
        let token = signed.session_token.as_ref().ok_or_else(unknown)?;
        if !same(token, &session.token) {
            return Err(unknown());
        }
        if call.now >= session.expires {
            return Err(Fault::new(&catalogue::CREDENTIALS_EXPIRED));
        }
        signed.verify(call, service, &session.secret)?;
        let account = world.account(&session.account).ok_or_else(unknown)?;
        let role_tags = match &session.of {
            SessionOf::Role { name, id, .. } => account
                .role(name)
                .filter(|role| role.id == *id)
                .map(|role| role.tags.clone())
                .unwrap_or_default(),
            SessionOf::User { name } => account
                .user(name)
                .map(|user| user.tags.clone())
                .unwrap_or_default(),
            SessionOf::Root => crate::account::Tags::new(),
        };
        let user = match &session.of {
            SessionOf::User { name } => account
                .user(name)
                .map(|user| (user.id.clone(), user.arn(&session.account))),
            SessionOf::Role { .. } | SessionOf::Root => None,
        };
        return Ok(Caller {
            account: session.account.clone(),
            access_key_id: signed.access_key_id,
            kind: CallerKind::Session {
                session: Box::new(session.clone()),
                role_tags,
                user,
            },
        });
    }
    let (account, secret, kind) = long_lived(world, &signed.access_key_id).ok_or_else(unknown)?;
    if signed.session_token.is_some() {
        return Err(unknown());
    }
    signed.verify(call, service, secret)?;
    Ok(Caller {
        account: account.clone(),
        access_key_id: signed.access_key_id,
        kind,
    })
}

fn long_lived<'w>(
    world: &'w World,
    access_key_id: &str,
) -> Option<(&'w AccountId, &'w Secret, CallerKind)> {
    // The key tells its account, so that no more than one account's users are looked through.
    let id = crate::identifier::account_of_key(access_key_id)?;
    let (id, account) = world.accounts.get_key_value(&id)?;
    if let Some(key) = account
        .root_keys
        .iter()
        .find(|key| key.id == access_key_id && key.active)
    {
        return Some((id, &key.secret, CallerKind::Root));
    }
    account.users.values().find_map(|user| {
        let key = user
            .keys
            .iter()
            .find(|key| key.id == access_key_id && key.active)?;
        let kind = CallerKind::User {
            name: user.name.clone(),
            id: user.id.clone(),
            arn: user.arn(id),
            tags: user.tags.clone(),
        };
        Some((id, &key.secret, kind))
    })
}

fn same(one: &Secret, other: &Secret) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(
        one.expose().as_bytes(),
        other.expose().as_bytes(),
    )
    .is_ok()
}
