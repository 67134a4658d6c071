//! The block and what stands around it.

use super::{Profile, sections};
use crate::{DeliverError, ProfileName};

/// A file taken apart. `before`, the block and `after` are the whole file again.
pub(super) struct Parts<'a> {
    before: &'a [u8],
    after: &'a [u8],
    block: Block,
    /// What ends our lines: as the block has it, else as the user's first line.
    end: &'static str,
    /// How many lines stand before `after`.
    lines_to_after: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// There is none yet.
    Absent,
    /// It begins on a line of its own.
    Apart,
    /// The line's end before it is ours too: the user's last line had none.
    Joined,
}

impl<'a> Parts<'a> {
    pub(super) fn split(file: &'a [u8]) -> Result<Self, DeliverError> {
        let mut at = 0;
        let mut begin: Option<(usize, usize, Block, &'static str)> = None;
        let mut end: Option<(usize, usize)> = None;
        for (index, line) in file.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = index + 1;
            let start = at;
            at += line.len();
            let text = line.trim_ascii_end();
            if let Some(kind) = begins(text) {
                if begin.is_some() {
                    return Err(markers(number, "the block begins a second time"));
                }
                begin = Some((number, start, kind, end_of(line)));
            } else if text == END.as_bytes() {
                if begin.is_none() || end.is_some() {
                    return Err(markers(number, "a block ends that did not begin"));
                }
                end = Some((number, at));
            }
        }
        match (begin, end) {
            (None, _) => Ok(Self {
                before: file,
                after: &[],
                block: Block::Absent,
                end: file
                    .split_inclusive(|byte| *byte == b'\n')
                    .next()
                    .map_or("\n", end_of),
                lines_to_after: 0,
            }),
            (Some((line, ..)), None) => {
                Err(markers(line, "the block that begins here does not end"))
            }
            (Some((_, start, block, end)), Some((lines, behind))) => {
                let parts = Self {
                    before: &file[..start],
                    after: &file[behind..],
                    block,
                    end,
                    lines_to_after: lines,
                };
                parts.refuse_loose_settings()?;
                Ok(parts)
            }
        }
    }

    /// The line at which the user has a profile of that name.
    pub(super) fn line_of_profile(&self, name: &ProfileName) -> Option<usize> {
        let is_it = |header: &str| sections::profile_of(header).as_deref() == Some(name.as_str());
        sections::line_of(self.before, is_it)
            .or_else(|| Some(self.lines_to_after + sections::line_of(self.after, is_it)?))
    }

    /// The file with these profiles in its block.
    pub(super) fn with_block(&self, profiles: &[Profile]) -> Vec<u8> {
        let mut file = self.before.to_vec();
        if profiles.is_empty() {
            if self.block == Block::Joined && self.after.is_empty() {
                let joint = file.strip_suffix(self.end.as_bytes());
                file.truncate(joint.unwrap_or(&file).len());
            }
            file.extend(self.after);
            return file;
        }
        let end = self.end;
        let block = match self.block {
            Block::Absent if !file.is_empty() && !file.ends_with(b"\n") => {
                file.extend(end.as_bytes());
                Block::Joined
            }
            Block::Absent => Block::Apart,
            block => block,
        };
        let first = if block == Block::Joined {
            BEGIN_JOINED
        } else {
            BEGIN
        };
        let sections: Vec<String> = profiles
            .iter()
            .map(|profile| profile.section(end))
            .collect();
        let text = format!("{first}{end}{}{END}{end}", sections.join(end));
        file.extend(text.as_bytes());
        file.extend(self.after);
        file
    }

    /// Settings behind the block and above the next section belong to our last profile now, and
    /// would to another section without it. Nobody meant that.
    fn refuse_loose_settings(&self) -> Result<(), DeliverError> {
        for (index, line) in self.after.split(|byte| *byte == b'\n').enumerate() {
            let text = line.trim_ascii();
            if sections::begins_section(line) {
                return Ok(());
            }
            if !text.is_empty() && !text.starts_with(b"#") && !text.starts_with(b";") {
                return Err(DeliverError::LooseSetting {
                    line: self.lines_to_after + index + 1,
                });
            }
        }
        Ok(())
    }
}

fn begins(line: &[u8]) -> Option<Block> {
    match line {
        _ if line == BEGIN.as_bytes() => Some(Block::Apart),
        _ if line == BEGIN_JOINED.as_bytes() => Some(Block::Joined),
        _ => None,
    }
}

fn end_of(line: &[u8]) -> &'static str {
    if line.ends_with(b"\r\n") {
        "\r\n"
    } else {
        "\n"
    }
}

fn markers(line: usize, why: &'static str) -> DeliverError {
    DeliverError::ProfileMarkers { line, why }
}

/// Without `:` and `=`: `aws configure set` takes a comment that has one for a setting, and puts new
/// ones of the section above behind it, into the block.
const BEGIN: &str =
    "# >>> rolecall profiles (`rolecall profiles write` replaces what stands in between) >>>";
/// Says that the line above had no end before: without the block it has none again.
const BEGIN_JOINED: &str = "# >>> rolecall profiles (`rolecall profiles write` replaces what stands in between; the line above had no end) >>>";
const END: &str = "# <<< rolecall profiles <<<";
