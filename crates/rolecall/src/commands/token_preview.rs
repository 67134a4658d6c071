//! `rolecall token preview` and `token presets`: what tokens would say, none being made.

use std::fmt::Write as _;

use rolecall_mint::presets::{Preset, When};
use rolecall_mint::{
    Asked, Attributes, IssuerUrl, Preview, Source, TokenConfig, TokenConfigText, TrustNeed,
};
use serde_json::{Value, json};

use crate::cli::{Output, TokenPresetsArgs, TokenPreviewArgs};
use crate::config::{Loaded, Wanted, refused};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Prints subject and claims of a token, where they come from, and what trust policies need.
///
/// # Errors
/// `Configuration` for what the issuer would refuse to start with, `Usage` for what it would refuse
/// to this workload.
pub fn preview(args: &TokenPreviewArgs) -> Result<(), Failure> {
    let asked = Asked {
        now: jiff::Timestamp::now().as_second(),
        jti: "preview",
        role: None,
        lifetime: None,
    };
    let preview = match &args.preset {
        Some(name) => of_preset(name, args, asked)?,
        None => {
            let wanted = Wanted {
                tenant: args.tenant.as_deref(),
                token_config: args.token_config.as_deref(),
                workload: args.workload.as_deref(),
                subject: args.subject.as_deref(),
                attributes: &args.attributes,
            };
            Loaded::read(&args.config)?.previewed(&wanted, asked)?
        }
    };
    match args.output {
        Output::Json => printing::line(&written(&preview)?),
        Output::Text => printing::text(&described(&preview)?),
    }
}

fn of_preset(name: &str, args: &TokenPreviewArgs, asked: Asked<'_>) -> Result<Preview, Failure> {
    let preset = Preset::named(name).map_err(|error| refused(&error))?;
    let attributes: Attributes = args.attributes.iter().cloned().collect();
    let filled = |text: &str| preset.filled(text, |name| attributes.value(name));
    let audience = args
        .audience
        .clone()
        .unwrap_or_else(|| filled(preset.audience));
    let subject = args.subject.as_deref().unwrap_or_default();
    let mut text = TokenConfigText::new(name, &audience, subject);
    text.preset = Some(name.to_owned());
    text.subject_attributes.clone_from(&args.subject_attributes);
    let config = TokenConfig::read(&text).map_err(|error| refused(&error))?;
    let issuer: IssuerUrl = filled(preset.issuer)
        .parse()
        .map_err(|error| refused(&error))?;
    Preview::of(&config, &attributes, &issuer, asked).map_err(|error| {
        let failure = refused(&error);
        let known: Vec<String> = preset
            .attributes
            .iter()
            .map(|one| format!("--attribute {}={}", one.name, one.example))
            .collect();
        failure.hint(format_args!("`{name}` knows {}", known.join(" ")))
    })
}

fn described(preview: &Preview) -> Result<String, Failure> {
    let mut text = String::new();
    let claims = serde_json::to_string_pretty(&preview.claims)
        .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
    // Writing into a text cannot fail.
    let _ = writeln!(text, "{}\n  {}", preview.subject, preview.subject_format);
    let _ = writeln!(text, "\nplaceholders");
    let width = |get: fn(&rolecall_mint::Origin) -> &str| {
        let widths = preview
            .placeholders
            .iter()
            .map(|one| get(one).chars().count());
        widths.max().unwrap_or_default()
    };
    let (field, name, value) = (width(|o| &o.field), width(|o| &o.name), width(|o| &o.value));
    for origin in &preview.placeholders {
        let source = match origin.source {
            Source::Attribute => "attribute".to_owned(),
            Source::StandIn => "stand-in, since the workload does not have it".to_owned(),
            Source::Derived => {
                let from: Vec<String> = origin
                    .from
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
                    .collect();
                format!("computed from {}", from.join(" "))
            }
        };
        let _ = writeln!(
            text,
            "  {:field$}  {:name$}  {:value$}  {source}",
            origin.field, origin.name, origin.value
        );
    }
    if preview.placeholders.is_empty() {
        let _ = writeln!(text, "  none");
    }
    let _ = writeln!(text, "\nclaims");
    for line in claims.lines() {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "\nsizes");
    for size in &preview.sizes {
        let _ = writeln!(
            text,
            "  {}: {} of {} {}",
            size.of, size.size, size.limit, size.unit
        );
    }
    if !preview.trust_policy.is_empty() {
        let _ = writeln!(text, "\nwhat a role's trust policy needs");
        for need in &preview.trust_policy {
            describe_need(need, &mut text);
        }
    }
    Ok(text)
}

fn describe_need(need: &TrustNeed, text: &mut String) {
    let _ = writeln!(text, "  {}; without it: {}", need.action, need.without);
    for condition in &need.conditions {
        let _ = writeln!(
            text,
            "    {} {} = {}",
            condition.operator,
            condition.key,
            condition.values.join(", ")
        );
    }
}

/// Lists the presets, or tells one in full.
///
/// # Errors
/// `Usage` for a name that no preset has.
pub fn presets(args: &TokenPresetsArgs) -> Result<(), Failure> {
    let chosen: Vec<&Preset> = match &args.name {
        Some(name) => vec![Preset::named(name).map_err(|error| refused(&error))?],
        None => Preset::all().collect(),
    };
    if args.output == Output::Json {
        let all: Vec<Value> = chosen.iter().map(|preset| as_json(preset)).collect();
        return printing::line(&written(&all)?);
    }
    let mut text = String::new();
    let width = chosen.iter().map(|preset| preset.name.len()).max();
    for preset in &chosen {
        if args.name.is_none() {
            let width = width.unwrap_or_default();
            let _ = writeln!(text, "{:width$}  {}", preset.name, preset.about);
            let _ = writeln!(text, "{:width$}  {}", "", preset.subject);
            continue;
        }
        let _ = writeln!(text, "{}: {}", preset.name, preset.about);
        let _ = writeln!(text, "  issuer    {}", preset.issuer);
        let _ = writeln!(text, "  audience  {}", preset.audience);
        let _ = writeln!(text, "  subject   {}", preset.subject);
        let _ = writeln!(text, "  lifetime  {} s", preset.lifetime_seconds);
        let _ = writeln!(text, "  source    {}", preset.source);
        let _ = writeln!(text, "attributes");
        for one in preset.attributes {
            let _ = write!(text, "  {}: {}", one.name, one.description);
            if !one.values.is_empty() {
                let _ = write!(text, "; one of {}", one.values.join(", "));
            } else if one.derived.is_none() {
                let _ = write!(text, "; such as {}", one.example);
            }
            if let Some(stand_in) = one.stand_in {
                let _ = write!(text, "; `{stand_in}` where it is missing");
            }
            let _ = writeln!(text);
        }
        if !preset.claims.is_empty() {
            let _ = writeln!(text, "claims");
        }
        for claim in preset.claims {
            let when = match claim.when {
                When::Always => String::new(),
                When::Known => ", where the workload has it".to_owned(),
                When::InSubject(name) => format!(", where the subject has {{{name}}}"),
            };
            let _ = writeln!(text, "  {}: {}{when}", claim.name, claim.value);
        }
    }
    printing::text(&text)
}

fn as_json(preset: &Preset) -> Value {
    let attributes: Vec<Value> = preset
        .attributes
        .iter()
        .map(|one| {
            json!({
                "name": one.name, "description": one.description, "example": one.example,
                "form": one.form, "values": one.values, "stand_in": one.stand_in,
                "derived": one.derived,
            })
        })
        .collect();
    let claims: Vec<Value> = preset
        .claims
        .iter()
        .map(|claim| {
            let when = match claim.when {
                When::Always => json!("always"),
                When::Known => json!("known"),
                When::InSubject(name) => json!({ "in_subject": name }),
            };
            json!({ "name": claim.name, "value": claim.value, "when": when })
        })
        .collect();
    json!({
        "name": preset.name, "about": preset.about, "issuer": preset.issuer,
        "audience": preset.audience, "subject": preset.subject,
        "lifetime_seconds": preset.lifetime_seconds, "backdate_seconds": preset.backdate_seconds,
        "attributes": attributes, "claims": claims, "source": preset.source,
    })
}

fn written<T: serde::Serialize>(data: &T) -> Result<String, Failure> {
    serde_json::to_string(data).map_err(|error| Failure::from_error(Exit::Unexpected, &error))
}
