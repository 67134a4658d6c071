//! What each fuzz target does with its bytes, and what must hold of any of them. A body panics where
//! something does not hold; that is what the fuzzer looks for. `./check` runs every body over its
//! seeds and over random bytes, so that no target rots between two runs of the fuzzer.

mod deciding;
mod documents;
mod evidence;
mod policies;
mod tokens;

/// A fuzz target: its name, which is also the folder of its seeds, and its body.
pub type Body = (&'static str, fn(&[u8]));

/// All targets.
pub const BODIES: [Body; 12] = [
    ("json", documents::json),
    ("yaml", documents::yaml),
    ("terraform", documents::terraform),
    ("cloudformation", documents::cloudformation),
    ("listing", documents::listing),
    ("evidence", evidence::evidence),
    ("decide", deciding::decide),
    ("wildcard", deciding::wildcard),
    ("compare", deciding::compare),
    ("fix", deciding::fix),
    ("token", tokens::token),
    ("format", tokens::format),
];

/// Runs the body of the target of that name.
///
/// # Panics
/// Where something does not hold of these bytes; where there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let body = BODIES.iter().find(|(name, _)| *name == target);
    assert!(body.is_some(), "there is no target `{target}`");
    if let Some((_, body)) = body {
        body(bytes);
    }
}

/// The bytes as text, as a file would be read.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
