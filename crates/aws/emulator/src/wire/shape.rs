//! Checks of parameters against AWS's service model, with all violations in one message.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use super::{Fault, Parameters, catalogue};

/// Collects violations over the parameters of one request.
pub(crate) struct Shape<'p> {
    parameters: &'p Parameters,
    violations: Vec<String>,
}

/// A pattern of the service model: how it is written there, and what it takes.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) written: &'static str,
    pub(crate) takes: fn(char) -> bool,
}

impl<'p> Shape<'p> {
    pub(crate) fn new(parameters: &'p Parameters) -> Self {
        Self {
            parameters,
            violations: Vec::new(),
        }
    }

    /// A text that must be there.
    pub(crate) fn required(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        pattern: Option<Pattern>,
    ) -> &'p str {
        match self.parameters.text(name) {
            Some(text) => {
                self.check(&lower_camel(name), text, length, pattern, true);
                text
            }
            None => {
                self.absent(&lower_camel(name));
                ""
            }
        }
    }

    /// A secret that must be there; its value is never repeated in the message.
    pub(crate) fn required_secret(&mut self, name: &str, length: RangeInclusive<usize>) -> &'p str {
        match self.parameters.text(name) {
            Some(text) => {
                self.check(&lower_camel(name), text, length, None, false);
                text
            }
            None => {
                self.absent(&lower_camel(name));
                ""
            }
        }
    }

    pub(crate) fn optional(
        &mut self,
        name: &str,
        length: RangeInclusive<usize>,
        pattern: Option<Pattern>,
    ) -> Option<&'p str> {
        let text = self.parameters.text(name)?;
        self.check(&lower_camel(name), text, length, pattern, true);
        Some(text)
    }

    pub(crate) fn integer(
        &mut self,
        name: &str,
        range: RangeInclusive<i32>,
    ) -> Result<Option<i32>, Fault> {
        let Some(number) = self.parameters.integer(name)? else {
            return Ok(None);
        };
        self.number(&lower_camel(name), number, range);
        Ok(Some(number))
    }

    /// Checks a number that is no parameter of its own.
    pub(crate) fn number(&mut self, at: &str, number: i32, range: RangeInclusive<i32>) {
        let rule = if number < *range.start() {
            Some(("greater", range.start()))
        } else if number > *range.end() {
            Some(("less", range.end()))
        } else {
            None
        };
        if let Some((word, bound)) = rule {
            self.violations.push(format!(
                "Value '{number}' at '{at}' failed to satisfy constraint: Member must have value {word} than or equal to {bound}"
            ));
        }
    }

    /// Checks a text that is no parameter of its own, such as `tags.1.member.key`.
    pub(crate) fn member(
        &mut self,
        at: &str,
        text: &str,
        length: RangeInclusive<usize>,
        pattern: Option<Pattern>,
    ) {
        self.check(at, text, length, pattern, true);
    }

    /// As [`Shape::member`] for a secret, which the message does not repeat.
    pub(crate) fn secret_member(&mut self, at: &str, text: &str, length: RangeInclusive<usize>) {
        self.check(at, text, length, None, false);
    }

    /// Notes that a member that must be there is not.
    pub(crate) fn absent(&mut self, at: &str) {
        self.violations.push(format!(
            "Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ));
    }

    /// Notes that a list is longer than allowed.
    pub(crate) fn at_most(&mut self, at: &str, count: usize, limit: usize) {
        if count > limit {
            self.violations.push(format!(
                "Value at '{at}' failed to satisfy constraint: Member must have length less than or equal to {limit}"
            ));
        }
    }

    pub(crate) fn finish(self) -> Result<(), Fault> {
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let plural = if count == 1 { "" } else { "s" };
        let mut message = String::new();
        let _ = write!(
            message,
            "{count} validation error{plural} detected: {}",
            self.violations.join("; ")
        );
        Err(Fault::new(&catalogue::VALIDATION).with("message", message))
    }

    fn check(
        &mut self,
        at: &str,
        text: &str,
        length: RangeInclusive<usize>,
        pattern: Option<Pattern>,
        shown: bool,
    ) {
        let value = if shown {
            format!("Value '{text}'")
        } else {
            "Value".to_owned()
        };
        let mut violate = |rule: String| {
            self.violations.push(format!(
                "{value} at '{at}' failed to satisfy constraint: Member must {rule}"
            ));
        };
        let count = text.chars().count();
        if count > *length.end() {
            violate(format!(
                "have length less than or equal to {}",
                length.end()
            ));
        }
        if count < *length.start() {
            violate(format!(
                "have length greater than or equal to {}",
                length.start()
            ));
        }
        if let Some(pattern) = pattern
            && !text.chars().all(pattern.takes)
        {
            violate(format!(
                "satisfy regular expression pattern: {}",
                pattern.written
            ));
        }
    }
}

fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_ascii_lowercase().to_string() + characters.as_str()
    })
}

/// Session names, source identities and IAM names.
pub(crate) const NAME: Pattern = Pattern {
    written: r"[\w+=,.@-]*",
    takes: |character| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character),
};

pub(crate) const SERIAL_NUMBER: Pattern = Pattern {
    written: r"[\w+=/:,.@-]*",
    takes: |character| character.is_ascii_alphanumeric() || "_+=/:,.@-".contains(character),
};

pub(crate) const DIGITS: Pattern = Pattern {
    written: r"[\d]*",
    takes: |character| character.is_ascii_digit(),
};

pub(crate) const EXTERNAL_ID: Pattern = Pattern {
    written: r"[\w+=,.@:\/-]*",
    takes: |character| character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character),
};

pub(crate) const TAG: Pattern = Pattern {
    written: r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
    takes: |character| {
        character.is_alphanumeric()
            || (character.is_whitespace() && !character.is_control())
            || "_.:/=+-@".contains(character)
    },
};

pub(crate) const POLICY: Pattern = Pattern {
    written: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    takes: |character| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}'),
};
