use rolecall_names::{NamesError, Partition};

/// Why a connection cannot be asked for as it is written. All of these are the operator's to
/// mend, in the configuration, except [`AskError::MissingAttribute`] and
/// [`AskError::UnknownConnection`], which are the asker's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// Not a length of time at all.
    #[error(
        "`{given}` is not a duration: expected seconds such as `3600`, or hours and minutes such as `1h`, `15m` or `1h30m`"
    )]
    Duration {
        /// What was given.
        given: String,
    },
    /// A length of time that STS does not grant.
    #[error(
        "a session of {seconds} s cannot be asked for: AWS grants {least} to {most} s (15 minutes to 12 hours)"
    )]
    DurationBounds {
        /// The seconds asked for.
        seconds: i64,
        /// The fewest seconds that STS grants.
        least: u32,
        /// The most seconds that STS grants.
        most: u32,
    },
    /// More than AWS grants to a role assumed with another role's session.
    #[error(
        "a hop of {seconds} s cannot be asked for: AWS caps a role assumed through another role (role chaining) at 3600 s, whatever the role's own maximum; ask for `1h` or less, or let the workload assume this role directly"
    )]
    HopDuration {
        /// The seconds asked for.
        seconds: i64,
    },
    /// A template that cannot be read.
    #[error("`{given}` is not a template: column {column}: {why}")]
    Template {
        /// The template as written.
        given: String,
        /// Where it fails, in characters, from 1.
        column: usize,
        /// What is wrong there.
        why: String,
    },
    /// An external ID that AWS refuses.
    #[error("{error}")]
    ExternalId {
        /// Why.
        error: NamesError,
    },
    /// A value would be read as two.
    #[error(
        "`{template}` cannot take the attribute `{attribute}`: its value has a `{separator}`, which separates the values, so one asker could have the external ID of another"
    )]
    Separator {
        /// The template as written.
        template: String,
        /// The placeholder's name.
        attribute: String,
        /// The character.
        separator: char,
    },
    /// A template asks for something that the asker does not have.
    #[error(
        "`{template}` needs the attribute `{attribute}`, which workload `{workload}` does not have; it has {known}"
    )]
    MissingAttribute {
        /// The template as written.
        template: String,
        /// The placeholder's name.
        attribute: String,
        /// Who asked.
        workload: String,
        /// The attributes that would have worked, for reading.
        known: String,
    },
    /// A template rendered to a text that AWS does not take.
    #[error("`{template}` renders to something that AWS refuses: {error}")]
    Rendered {
        /// The template as written.
        template: String,
        /// What is wrong with the result.
        error: NamesError,
    },
    /// Neither or both of the two ways to say which token is presented.
    #[error("{field}: {why}; name one of `token_config` and `audience`")]
    Audience {
        /// Path of the connection in its document.
        field: String,
        /// Which of the two mistakes it is.
        why: &'static str,
    },
    /// Two names of one connection lie in different partitions.
    #[error(
        "{field}: `{given}` is in partition `{partition}`, but the connection's role is in `{expected}`; credentials never cross from one partition to another"
    )]
    Partition {
        /// Path of the later value in its document.
        field: String,
        /// The later value.
        given: String,
        /// Its partition.
        partition: Partition,
        /// The partition of the connection's first role.
        expected: Partition,
    },
    /// A chain that comes back to a role that it already went through.
    #[error(
        "{field}: `{role}` is assumed twice in one chain, first at {first}; a chain that returns to a role gains nothing and is most often a copying mistake"
    )]
    Cycle {
        /// Path of the second mention.
        field: String,
        /// The role.
        role: String,
        /// Path of the first mention.
        first: String,
    },
    /// A session policy, policy list or tag outside what AWS takes.
    #[error("{field}: {why}")]
    Field {
        /// Path of the value in its document.
        field: String,
        /// What is wrong with it and what would be right.
        why: String,
    },
    /// Not a URL that STS could be called at.
    #[error("`{given}` is not an STS endpoint: {why}")]
    Endpoint {
        /// What was given.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// No connection of that name.
    #[error("there is no connection `{given}`{}", nearest_or_known(.nearest, .known))]
    UnknownConnection {
        /// What was asked for.
        given: String,
        /// The connection that was probably meant.
        nearest: Option<String>,
        /// All connections.
        known: Vec<String>,
    },
}

impl AskError {
    /// Where in the document the mistake is, such as `connections.athena.hops[0].role`. Nothing
    /// for values that their own text condemns: those are refused while the document is read, so
    /// its reader knows their line.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Audience { field, .. }
            | Self::Partition { field, .. }
            | Self::Cycle { field, .. }
            | Self::Field { field, .. } => Some(field),
            _ => None,
        }
    }
}

fn nearest_or_known(nearest: &Option<String>, known: &[String]) -> String {
    if let Some(nearest) = nearest {
        return format!("; did you mean `{nearest}`?");
    }
    if known.is_empty() {
        return "; the configuration has no connections".to_owned();
    }
    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("; there are {}", names.join(", "))
}
