//! Data on stdout. A reader that goes away (`| head`) ends the program quietly, as it does other
//! tools.

use std::io::{self, Write};

use crate::failure::{Exit, Failure};

/// Prints a text and a line's end.
///
/// # Errors
/// `Local` where stdout cannot be written, a full disk for instance. A closed pipe is none.
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    line(&text)
}

/// Prints a line on stdout.
///
/// # Errors
/// As [`text`].
pub fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    settled(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
}

/// Prints a text as it is.
///
/// # Errors
/// As [`line`].
pub fn text(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    settled(write!(stdout, "{text}").and_then(|()| stdout.flush()))
}

fn settled(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(
            Exit::Local,
            format_args!("cannot write to standard output: {error}"),
        )),
    }
}
