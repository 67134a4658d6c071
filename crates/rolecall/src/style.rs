//! The few colours and what each means. They vanish where the output is no terminal, and no
//! meaning rests on them alone.

use anstyle::{AnsiColor, Style};

/// Something that holds.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Something that failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// A heading.
pub const HEAD: Style = Style::new().bold();
/// What may be skipped.
pub const QUIET: Style = AnsiColor::Cyan.on_default();
