//! The role that a call asks for.

use rolecall_names::{Partition, RoleArn};

use crate::account::Role;
use crate::core::Core;

/// Why there is no such role. AWS says nothing of it to the caller.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) why: String,
    pub(super) mend: String,
}

/// The role with exactly this ARN: name and path count with their letter case.
pub(super) fn find(core: &Core, wanted: &RoleArn) -> Result<Role, Missing> {
    let id = wanted.account();
    if wanted.partition() != Partition::Aws {
        return Err(Missing {
            why: format!(
                "emulated accounts are in the partition `aws`, and the ARN is of `{}`",
                wanted.partition()
            ),
            mend: format!(
                "ask for `arn:aws:iam::{id}:role{}{}`",
                wanted.path(),
                wanted.name()
            ),
        });
    }
    core.keeper.read(|world| {
        let Some(account) = world.account(id) else {
            return Err(Missing {
                why: format!("account {id} is not emulated"),
                mend: format!("start the emulator with the account {id}"),
            });
        };
        let create = format!(
            "create the role `{wanted}`, or ask for one that exists; name and path count with their letter case"
        );
        match account.role(wanted.name()) {
            Some(role) if role.arn(id) == wanted.as_str() => Ok(role.clone()),
            Some(role) => Err(Missing {
                why: format!("the role of this name is `{}`", role.arn(id)),
                mend: format!("ask for `{}`", role.arn(id)),
            }),
            None => Err(Missing {
                why: "there is no role with this name".to_owned(),
                mend: create,
            }),
        }
    })
}
