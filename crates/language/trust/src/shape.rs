//! The forms in which known issuers write subjects: which part names the tenant, which a phase,
//! which differs from run to run. Issuers change their forms, so each row has its source and date.

mod table;

pub use table::SHAPES;

/// What is known of an issuer's subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuerShape {
    /// The issuer's name, as people call it.
    pub name: &'static str,
    /// Its URLs without their scheme; `*` stands for one or more characters other than `/`.
    pub issuers: &'static [&'static str],
    /// Whether tenants who do not know each other share it.
    pub shared: bool,
    /// Subjects: literal text with `{placeholders}`.
    pub templates: &'static [&'static str],
    /// Placeholders that name the tenant.
    pub tenant: &'static [&'static str],
    /// Placeholders that tell what is about to happen: a branch, a phase, an environment.
    pub phase: &'static [&'static str],
    /// Placeholders that differ from run to run.
    pub per_run: &'static [&'static str],
    /// A template that names by identifiers what others name by names that can change.
    pub immutable: Option<&'static str>,
    /// Where the form is described.
    pub source: &'static str,
    /// Year and month of the source.
    pub date: &'static str,
}

/// What is known of an issuer, named by its URL without the scheme.
pub fn shapes(issuer: &str) -> impl Iterator<Item = &'static IssuerShape> {
    SHAPES
        .iter()
        .filter(move |shape| shape.issuers.iter().any(|pattern| covers(pattern, issuer)))
}

/// Whether a URL fits a pattern in which `*` is one or more characters other than `/`.
fn covers(pattern: &str, url: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| url.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    for (index, piece) in pieces.iter().enumerate() {
        let end = match index + 1 == pieces.len() {
            true => rest
                .len()
                .checked_sub(piece.len())
                .filter(|end| rest.get(*end..) == Some(piece)),
            false => rest.find(piece),
        };
        match end {
            Some(end) if end > 0 && !rest[..end].contains('/') => rest = &rest[end + piece.len()..],
            _ => return false,
        }
    }
    rest.is_empty()
}

/// A subject's form, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectTemplate {
    parts: Vec<Part>,
}

/// A part of a subject's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that is always the same.
    Literal(String),
    /// A value, by the placeholder's name.
    Placeholder(String),
}

/// Why a text is no subject format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A `{` without its `}`, or the other way round.
    #[error("a brace at character {0} has no partner")]
    Brace(usize),
    /// A placeholder that is no name.
    #[error("`{{{0}}}` is no placeholder: its name is letters, digits, `_`, `.` and `-`")]
    Name(String),
    /// Two placeholders with nothing between them: nobody could tell where one ends.
    #[error("`{{{0}}}` follows another placeholder without anything between them")]
    Adjacent(String),
}

impl SubjectTemplate {
    /// Reads literal text with `{placeholders}`.
    ///
    /// # Errors
    /// [`TemplateError`] where a brace or a name is wrong.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        let at = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
        while let Some(open) = rest.find(['{', '}']) {
            if rest[open..].starts_with('}') {
                return Err(TemplateError::Brace(at(&rest[open..])));
            }
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            let inside = &rest[open + 1..];
            let Some(close) = inside.find('}') else {
                return Err(TemplateError::Brace(at(&rest[open..])));
            };
            let name = &inside[..close];
            let fits = |one: char| one.is_ascii_alphanumeric() || "_.-".contains(one);
            if name.is_empty() || !name.chars().all(fits) {
                return Err(TemplateError::Name(name.to_owned()));
            }
            if matches!(parts.last(), Some(Part::Placeholder(_))) {
                return Err(TemplateError::Adjacent(name.to_owned()));
            }
            parts.push(Part::Placeholder(name.to_owned()));
            rest = &inside[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self { parts })
    }

    /// The parts in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The placeholders' names in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// The values that a subject has for the placeholders, or `None` where it has another form. A
    /// value is not empty, and has neither `:` nor the character that follows it in the form,
    /// unless it is the last.
    pub fn values<'s>(&self, subject: &'s str) -> Option<Vec<(&str, &'s str)>> {
        let (mut values, mut rest) = (Vec::new(), subject);
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Placeholder(name) => {
                    let end = match self.parts.get(index + 1) {
                        Some(Part::Literal(next)) => {
                            let stop = next.chars().next()?;
                            let end = rest.find([stop, ':'])?;
                            rest[end..].starts_with(next.as_str()).then_some(end)?
                        }
                        _ => rest.find(':').unwrap_or(rest.len()),
                    };
                    if end == 0 {
                        return None;
                    }
                    values.push((name.as_str(), &rest[..end]));
                    rest = &rest[end..];
                }
            }
        }
        rest.is_empty().then_some(values)
    }

    /// The form with values for some placeholders and `*` for the others: a pattern as
    /// `StringLike` takes it, or exact text where all have values.
    pub fn pattern<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(literal) => literal.as_str(),
                Part::Placeholder(name) => value(name).unwrap_or("*"),
            })
            .collect()
    }
}

/// Whether two `StringLike` patterns have a text in common.
pub(crate) fn meet(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    // Row by row: whether the first `i` of one and the first `j` of the other have a text.
    let mut row = vec![false; other.len() + 1];
    row[0] = true;
    for j in 0..other.len() {
        row[j + 1] = row[j] && other[j] == '*';
    }
    for &mine in &one {
        let mut next = vec![false; other.len() + 1];
        next[0] = row[0] && mine == '*';
        for (j, &theirs) in other.iter().enumerate() {
            next[j + 1] = match (mine, theirs) {
                ('*', '*') => row[j] || row[j + 1] || next[j],
                ('*', _) => row[j + 1] || next[j],
                (_, '*') => next[j] || row[j + 1],
                ('?', _) | (_, '?') => row[j],
                (mine, theirs) => row[j] && mine == theirs,
            };
        }
        row = next;
    }
    row[other.len()]
}

#[cfg(test)]
mod tests;
