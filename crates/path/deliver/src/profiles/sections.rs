//! Section headers of AWS's shared files.

/// The line, from 1, of the first section whose header is `wanted`.
pub(super) fn line_of(file: &[u8], wanted: impl Fn(&str) -> bool) -> Option<usize> {
    let mut lines = file.split(|byte| *byte == b'\n');
    let found = lines.position(|line| headers(line).iter().any(|header| wanted(header)));
    Some(found? + 1)
}

/// Whether a line begins a section, for some reader at least.
pub(super) fn begins_section(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"[")
}

/// The profile that a header of `~/.aws/config` names. botocore splits what begins with `profile`
/// as a shell would, so quotes and backslashes say nothing.
pub(super) fn profile_of(header: &str) -> Option<String> {
    if header == "default" {
        return Some(header.to_owned());
    }
    let rest = header.strip_prefix("profile")?;
    let (_, name) = rest.split_once([' ', '\t'])?;
    Some(name.replace(['"', '\'', '\\'], "").trim().to_owned())
}

/// What a line could be the header of: up to the first bracket for most readers, up to the last
/// for botocore.
fn headers(line: &[u8]) -> Vec<String> {
    let Some(inside) = line.trim_ascii().strip_prefix(b"[") else {
        return Vec::new();
    };
    let inside = String::from_utf8_lossy(inside);
    let ends = [inside.find(']'), inside.rfind(']')];
    let mut headers: Vec<String> = ends
        .into_iter()
        .flatten()
        .map(|end| inside[..end].trim().to_owned())
        .collect();
    headers.dedup();
    headers
}
