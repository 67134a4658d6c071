//! The token formats of systems that people already have trust policies for: what to write in a
//! token config so that those policies go on to work. Names are those of `rolecall trust generate`.

use std::collections::BTreeMap;

use crate::MintError;
use crate::declared::{AttributeText, DeclaredAttributes, Derived};
use crate::error::nearest;
use crate::form::Form;
use crate::literals::Literals;

mod ci;
mod cube;
mod platforms;
pub mod pulumi;
mod spacelift;

/// A documented format.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name by which it is chosen.
    pub name: &'static str,
    /// What it reproduces.
    pub about: &'static str,
    /// The issuer's URL in that system; `{…}` is the customer's own part. Yours differs.
    pub issuer: &'static str,
    /// The audience; one with `{…}` must be written in the token config.
    pub audience: &'static str,
    /// The subject format.
    pub subject: &'static str,
    /// How long its tokens live, in seconds.
    pub lifetime_seconds: u32,
    /// How far `nbf` lies before `iat`, in seconds.
    pub backdate_seconds: u32,
    /// The characters that a subject format of one's own may have outside placeholders.
    pub literals: Literals,
    /// The attributes that it knows.
    pub attributes: &'static [PresetAttribute],
    /// The claims that it adds.
    pub claims: &'static [PresetClaim],
    /// Beginnings of claim names that it reserves.
    pub reserved_claims: &'static [&'static str],
    /// Where its facts are from.
    pub source: &'static str,
}

/// An attribute that a preset declares.
#[derive(Clone, Copy, Debug)]
pub struct PresetAttribute {
    /// Its name.
    pub name: &'static str,
    /// What it says about a workload.
    pub description: &'static str,
    /// A value that one could have.
    pub example: &'static str,
    /// The form of its values.
    pub form: Form,
    /// The values that it may have; any of its form where there are none.
    pub values: &'static [&'static str],
    /// Values that it must not have.
    pub not: &'static [&'static str],
    /// What stands for it where it is missing.
    pub stand_in: Option<&'static str>,
    /// Whether its values keep their separators.
    pub plain: bool,
    /// How it is computed.
    pub derived: Option<Derived>,
}

/// A claim that a preset adds to its tokens.
#[derive(Clone, Copy, Debug)]
pub struct PresetClaim {
    /// Its name.
    pub name: &'static str,
    /// Its value, with placeholders.
    pub value: &'static str,
    /// When it is there.
    pub when: When,
}

/// When a preset's claim is in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Always.
    Always,
    /// Where the workload has its attributes.
    Known,
    /// Where the subject format has this placeholder.
    InSubject(&'static str),
}

impl Preset {
    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        [
            cube::PRESETS,
            spacelift::PRESETS,
            platforms::PRESETS,
            pulumi::PRESETS,
            ci::PRESETS,
        ]
        .into_iter()
        .flatten()
    }

    /// The preset of a name.
    ///
    /// # Errors
    /// `UnknownPreset` with the nearest.
    pub fn named(name: &str) -> Result<&'static Self, MintError> {
        Self::all()
            .find(|preset| preset.name == name)
            .ok_or_else(|| MintError::UnknownPreset {
                name: crate::error::shown(name),
                nearest: nearest(name, Self::all().map(|preset| preset.name)),
            })
    }

    /// Its attributes, as a tenant would declare them.
    ///
    /// # Errors
    /// None for the presets here; a test reads each.
    pub fn declared(&self) -> Result<DeclaredAttributes, MintError> {
        let texts: BTreeMap<String, AttributeText> = self
            .attributes
            .iter()
            .map(|attribute| (attribute.name.to_owned(), attribute.text()))
            .collect();
        DeclaredAttributes::read(&texts)
    }

    /// A text of it, its issuer's URL for instance, with the `{…}` filled in by `value` or else by
    /// the examples.
    #[must_use]
    pub fn filled<'v>(&self, text: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, tail) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(before);
            let example = self.attributes.iter().find(|one| one.name == name);
            out.push_str(
                value(name)
                    .or_else(|| example.map(|one| one.example))
                    .unwrap_or("acme"),
            );
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

impl PresetAttribute {
    /// As a tenant would declare it.
    #[must_use]
    pub fn text(&self) -> AttributeText {
        AttributeText {
            description: self.description.to_owned(),
            example: self.derived.is_none().then(|| self.example.to_owned()),
            values: self.values.iter().map(|&value| value.to_owned()).collect(),
            not: self.not.iter().map(|&value| value.to_owned()).collect(),
            form: self.form,
            stand_in: self.stand_in.map(str::to_owned),
            plain: self.plain,
            derived: self.derived,
        }
    }

    const fn form(self, form: Form) -> Self {
        Self { form, ..self }
    }

    const fn values(self, values: &'static [&'static str]) -> Self {
        Self { values, ..self }
    }

    const fn not(self, not: &'static [&'static str]) -> Self {
        Self { not, ..self }
    }

    const fn stand_in(self, text: &'static str) -> Self {
        Self {
            stand_in: Some(text),
            ..self
        }
    }

    const fn plain(self) -> Self {
        Self {
            plain: true,
            ..self
        }
    }

    const fn derived(self, derived: Derived) -> Self {
        Self {
            derived: Some(derived),
            form: Form::Any,
            ..self
        }
    }
}

/// An attribute of names.
const fn attribute(
    name: &'static str,
    description: &'static str,
    example: &'static str,
) -> PresetAttribute {
    PresetAttribute {
        name,
        description,
        example,
        form: Form::Name,
        values: &[],
        not: &[],
        stand_in: None,
        plain: false,
        derived: None,
    }
}

const fn claim(name: &'static str, value: &'static str, when: When) -> PresetClaim {
    PresetClaim { name, value, when }
}

/// One hour, AWS's audience, no claims.
const PLAIN: Preset = Preset {
    name: "",
    about: "",
    issuer: "",
    audience: "sts.amazonaws.com",
    subject: "",
    lifetime_seconds: 3600,
    backdate_seconds: 0,
    literals: Literals::Usual,
    attributes: &[],
    claims: &[],
    reserved_claims: &[],
    source: "",
};
