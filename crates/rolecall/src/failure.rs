//! The edge of the program: what went wrong, why, and what to do next, with an exit code.

use std::fmt;

/// What an exit code tells the caller. The numbers are documented in `docs/exit-codes.md` and do
/// not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// A fault of Rolecall's own.
    Unexpected = 1,
    /// A wrong flag or argument.
    Usage = 2,
    /// The configuration file is missing, malformed or contradicts itself.
    Configuration = 3,
    /// The issuer refused to attest the workload or to mint the token.
    RefusedByIssuer = 4,
    /// AWS denied a step.
    DeniedByAws = 5,
    /// Issuer or STS could not be reached, or did not answer in time.
    Unreachable = 6,
    /// A local file, port or state folder cannot be used.
    Local = 7,
    /// A token is not valid.
    TokenNotValid = 8,
    /// A server's admin API does not know the asker, or the asker may not.
    RefusedByServer = 10,
    /// The answer is no: a policy denies, findings are there, two policies differ.
    Negative = 9,
}

impl Exit {
    /// The code that the word means.
    pub fn named(word: &str) -> Option<Self> {
        ALL.into_iter().find(|exit| exit.code_word() == word)
    }

    /// The code as a word, for programs that read messages rather than exit codes.
    pub fn code_word(self) -> &'static str {
        match self {
            Self::Unexpected => "Unexpected",
            Self::Usage => "Usage",
            Self::Configuration => "Configuration",
            Self::RefusedByIssuer => "RefusedByIssuer",
            Self::DeniedByAws => "DeniedByAws",
            Self::Unreachable => "Unreachable",
            Self::Local => "Local",
            Self::TokenNotValid => "TokenNotValid",
            Self::RefusedByServer => "RefusedByServer",
            Self::Negative => "Negative",
        }
    }
}

const ALL: [Exit; 10] = [
    Exit::Unexpected,
    Exit::Usage,
    Exit::Configuration,
    Exit::RefusedByIssuer,
    Exit::DeniedByAws,
    Exit::Unreachable,
    Exit::Local,
    Exit::TokenNotValid,
    Exit::RefusedByServer,
    Exit::Negative,
];

/// An error as a person reads it.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    what: String,
    notes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// `what` happened, in lower case and without a full stop.
    pub fn new(exit: Exit, what: impl fmt::Display) -> Self {
        Self {
            exit,
            what: what.to_string(),
            notes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds lines that tell why: the causes below the error, or what was seen.
    #[must_use]
    pub fn note(mut self, note: impl fmt::Display) -> Self {
        self.notes.push(note.to_string());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Takes an error with all its causes; each cause is a note, unless the error's own text
    /// already tells it.
    pub fn from_error(exit: Exit, error: &dyn std::error::Error) -> Self {
        let mut failure = Self::new(exit, error);
        let mut told = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !told.contains(&text) {
                told.push_str(&text);
                failure = failure.note(text);
            }
            cause = error.source();
        }
        failure
    }

    /// What happened, without the notes.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What was seen, and the causes below the error.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What to do next.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// What happened, why, and what to do next, without the word in front.
    pub fn told(&self) -> String {
        let quiet = crate::style::QUIET;
        let mut text = self.what.clone();
        for note in &self.notes {
            text.push('\n');
            text.push_str(&indented(note));
        }
        for hint in &self.hints {
            text.push_str(&format!(
                "\n{quiet}hint:{quiet:#} {}",
                indented(hint).trim_start()
            ));
        }
        text
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Prints to stderr. `broken pipe` is the reader's business, not ours.
    pub fn report(&self) {
        use std::io::Write as _;
        let mut stderr = anstream::stderr().lock();
        let _ = writeln!(stderr, "{self}");
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bad = crate::style::BAD;
        write!(formatter, "{bad}error:{bad:#} {}", self.told())
    }
}

impl std::error::Error for Failure {}

fn indented(text: &str) -> String {
    let mut lines = String::new();
    for line in text.lines() {
        if !lines.is_empty() {
            lines.push('\n');
        }
        if !line.is_empty() {
            lines.push_str("  ");
            lines.push_str(line);
        }
    }
    lines
}
