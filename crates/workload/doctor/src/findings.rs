//! What is wrong with a machine's set-up.

pub(crate) mod endpoints;
mod environment;
mod files;
mod roles;
mod surroundings;
mod token_files;

use crate::Finding;
use crate::machine::Machine;
use crate::profiles::Profiles;

/// Everything that is wrong, the worst first.
pub fn findings(machine: &Machine) -> Vec<Finding> {
    let profiles = Profiles::of(machine);
    let mut found = Vec::new();
    environment::look(machine, &profiles, &mut found);
    files::look(machine, &profiles, &mut found);
    roles::look(machine, &profiles, &mut found);
    token_files::look(machine, &profiles, &mut found);
    endpoints::look(machine, &profiles, &mut found);
    surroundings::look(machine, &profiles, &mut found);
    found.sort_by(|one, other| {
        (one.severity, one.code, &one.place).cmp(&(other.severity, other.code, &other.place))
    });
    found
}

/// What follows a name that is none: the one that was probably meant.
fn meant<'n>(given: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    match rolecall_source::nearest(given, known) {
        Some(near) => format!("; `{near}` is near"),
        None => String::new(),
    }
}
