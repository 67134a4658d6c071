//! Commands that ask a server's admin API.

mod applying;
mod enrolling;
mod exporting;
mod keys;
mod piece;
mod signing_in;
mod tenant;
mod trail;
mod user;

pub use applying::apply;
pub use enrolling::{enrol, join_token};
pub use exporting::export;
pub use keys::{keys, order};
pub use piece::{TokenConfigs, TrustSubscriptions, TrustedIssuers, Workloads, run as piece};
pub use signing_in::{login, logout, whoami};
pub use tenant::run as tenant;
pub use trail::trail;
pub use user::run as user;

use std::io::IsTerminal as _;

use crate::failure::{Exit, Failure};

/// Asks whether to go on. In a pipe nobody can answer: then `--yes` has to say so.
fn agreed(question: &str, yes: bool) -> Result<bool, Failure> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "nobody is there to be asked, so nothing was changed",
        )
        .hint("Say --yes to go on without being asked"));
    }
    anstream::eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::Local, format_args!("cannot read it: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// What was decided against.
fn left_alone() -> Failure {
    Failure::new(Exit::Negative, "nothing was changed")
}

/// Columns, each as wide as its widest cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (cell, width) in cells.zip(&widths) {
            text.push_str(&format!("{cell:<width$}  "));
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut head.iter().copied())];
    for row in rows {
        lines.push(line(&mut row.iter().map(String::as_str)));
    }
    lines.join("\n")
}
