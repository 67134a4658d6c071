//! What policies must allow for a plan to work, said before AWS can say no.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use crate::plan::{Call, Step};

/// Writes each step's needs, which depend on the steps before it.
pub(crate) fn fill(steps: &mut [Step]) {
    // Whether the chain carries, from some earlier hop, tags or a source identity that AWS
    // checks again at every later role.
    let mut carried = Carried::default();
    for at in 0..steps.len() {
        let before = at.checked_sub(1).map(|before| steps[before].clone());
        let step = &mut steps[at];
        match before {
            None => first(step),
            Some(before) => hop(step, &before, &carried),
        }
        carried.keep(step);
    }
}

#[derive(Default)]
struct Carried {
    tags: bool,
    source_identity: bool,
}

impl Carried {
    fn keep(&mut self, step: &Step) {
        if let Call::Hop {
            transitive_tag_keys,
            source_identity,
            ..
        } = &step.call
        {
            self.tags |= !transitive_tag_keys.is_empty();
            self.source_identity |= source_identity.is_some();
        }
    }
}

fn first(step: &mut Step) {
    step.trust_needs = vec![
        "allow `sts:AssumeRoleWithWebIdentity` to the identity provider of the token's issuer, with conditions that admit the token's `sub` and `aud`".to_owned(),
        format!(
            "where it has a condition on `sts:RoleSessionName`: admit `{}`",
            step.session_name
        ),
        "where the token carries session tags or a source identity: allow `sts:TagSession` or `sts:SetSourceIdentity` too, here and at every hop".to_owned(),
    ];
}

fn hop(step: &mut Step, before: &Step, carried: &Carried) {
    let Call::Hop {
        external_id,
        tags,
        source_identity,
        ..
    } = &step.call
    else {
        return;
    };
    let mut actions = vec!["`sts:AssumeRole`"];
    if !tags.is_empty() || carried.tags {
        actions.push("`sts:TagSession`");
    }
    if source_identity.is_some() || carried.source_identity {
        actions.push("`sts:SetSourceIdentity`");
    }
    let actions = actions.join(", ");
    let mut trust_needs = vec![format!(
        "allow {actions} to `{}` or its account {}",
        before.role,
        before.role.account()
    )];
    if external_id.is_some() {
        trust_needs
            .push("name this hop's `external_id` in its condition on `sts:ExternalId`".to_owned());
    } else {
        trust_needs
            .push("have no condition on `sts:ExternalId`, since this hop sends none".to_owned());
    }
    let identity_need = format!("allow {actions} on `{}`", step.role);
    let identity_needs = if before.role.account() == step.role.account() {
        vec![format!(
            "{identity_need}, unless the trust policy names the role itself (same account)"
        )]
    } else {
        vec![identity_need]
    };
    step.trust_needs = trust_needs;
    step.identity_needs = identity_needs;
}
