//! `rolecall trust generate`: policies and registrations from a subject format and a choice.

use std::process::ExitCode;

use rolecall_trust::generate::{
    Choice, Chosen, Design, GenerateError, Language, PRESETS, Part, Permission, Preset, Scope,
    SubjectFormat, TARGETS,
};

use crate::cli::trust::{GenerateArgs, GeneratedLanguage, GeneratedPart};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Makes and prints what was asked for.
///
/// # Errors
/// `Usage` where the choice is not whole, `Negative` where IAM would refuse the policy.
pub fn run(args: &GenerateArgs) -> Result<ExitCode, Failure> {
    if args.presets || args.targets {
        printing::text(&lists(args))?;
        return Ok(ExitCode::SUCCESS);
    }
    let language = match args.format {
        GeneratedLanguage::Json => Language::Json,
        GeneratedLanguage::Terraform => Language::Terraform,
        GeneratedLanguage::TerraformDocument => Language::TerraformDocument,
        GeneratedLanguage::Cloudformation => Language::CloudFormation,
        GeneratedLanguage::AwsCli => Language::Command,
    };
    let design = design(args).map_err(|error| refused(&error))?;
    let parts = parts(args, language);
    let text = design
        .written(&parts, language)
        .map_err(|error| refused(&error))?;
    printing::text(&text)?;
    if parts.contains(&Part::Trust) {
        told(args, &design);
    }
    Ok(ExitCode::SUCCESS)
}

fn design(args: &GenerateArgs) -> Result<Design, GenerateError> {
    let scope = scope(args)?;
    let chosen = match (&args.preset, &args.subject) {
        (Some(name), _) => {
            Preset::named(name)?.chosen(&scope, args.issuer.as_deref(), args.audience.as_deref())?
        }
        (None, subject) => Chosen {
            issuer: args.issuer.clone().unwrap_or_default(),
            audience: args.audience.clone().unwrap_or_else(|| AUDIENCE.to_owned()),
            subjects: SubjectFormat::parse(subject.as_deref().unwrap_or_default())?
                .subjects(&scope)?,
        },
    };
    let permissions = args.permit.iter().map(|text| Permission::parse(text));
    Ok(Design {
        partition: args.partition.clone(),
        account: args.account.clone().unwrap_or_default(),
        role: args.role.clone(),
        issuer: chosen.issuer,
        audience: chosen.audience,
        subjects: chosen.subjects,
        tags: args.tags,
        source_identity: args.source_identity,
        thumbprints: args.thumbprints.clone(),
        permissions: permissions.collect::<Result<_, _>>()?,
        documented: args.preset.is_some(),
    })
}

fn scope(args: &GenerateArgs) -> Result<Scope, GenerateError> {
    let mut scope = Scope::new();
    for (name, value) in &args.with {
        match scope
            .entry(name.clone())
            .or_insert_with(|| Choice::Values(Vec::new()))
        {
            Choice::Values(values) => values.push(value.clone()),
            _ => return Err(GenerateError::Twice(name.clone())),
        }
    }
    for (name, pattern) in &args.like {
        match scope
            .entry(name.clone())
            .or_insert_with(|| Choice::Patterns(Vec::new()))
        {
            Choice::Patterns(patterns) => patterns.push(pattern.clone()),
            _ => return Err(GenerateError::Twice(name.clone())),
        }
    }
    for name in &args.any {
        if !matches!(
            scope.insert(name.clone(), Choice::Any),
            None | Some(Choice::Any)
        ) {
            return Err(GenerateError::Twice(name.clone()));
        }
    }
    Ok(scope)
}

fn parts(args: &GenerateArgs, language: Language) -> Vec<Part> {
    let mut parts: Vec<Part> = args
        .parts
        .iter()
        .map(|part| match part {
            GeneratedPart::Provider => Part::Provider,
            GeneratedPart::Trust => Part::Trust,
            GeneratedPart::Permissions => Part::Permissions,
        })
        .collect();
    if parts.is_empty() {
        parts.push(Part::Trust);
        if !args.permit.is_empty() && language != Language::Json {
            parts.push(Part::Permissions);
        }
    }
    parts
}

/// Who is let in, in words, beside the document.
fn told(args: &GenerateArgs, design: &Design) {
    for subject in &design.subjects.values {
        anstream::eprintln!("admits `{subject}` with the audience `{}`", design.audience);
    }
    for finding in design.findings() {
        let (word, code) = (finding.severity.as_str(), finding.rule.code);
        anstream::eprintln!("{word} {code}: {}", finding.message);
    }
    let open: Vec<String> = args.any.iter().map(|name| format!("`{name}`")).collect();
    if !open.is_empty() {
        anstream::eprintln!("open by choice: {}", open.join(", "));
    }
    if !args.permit.is_empty() && args.format == GeneratedLanguage::Json && args.parts.is_empty() {
        anstream::eprintln!("its permissions are a document of their own: --part permissions");
    }
}

fn refused(error: &GenerateError) -> Failure {
    let exit = match error {
        GenerateError::Refused(_) | GenerateError::Finding(_) => Exit::Negative,
        _ => Exit::Usage,
    };
    let failure = Failure::new(exit, error);
    match error {
        GenerateError::Unpinned {
            name,
            may_be_open: true,
            ..
        } => failure.hint(format_args!(
            "Pin it with --with {name}=VALUE, or let every value in with --any {name}"
        )),
        GenerateError::Unpinned { name, .. } => {
            failure.hint(format_args!("Give it with --with {name}=VALUE"))
        }
        GenerateError::TenantOpen { name, .. } | GenerateError::NotInSubject { name } => {
            failure.hint(format_args!("Pin it with --with {name}=VALUE"))
        }
        GenerateError::NothingPinned => failure.hint("Pin a part of it with --with NAME=VALUE"),
        GenerateError::UnknownPreset { .. } => failure.hint(
            "--presets lists them; for another issuer give --subject FORMAT and --issuer URL",
        ),
        GenerateError::UnknownTarget { .. } | GenerateError::MissingParameter { .. } => {
            failure.hint("--targets lists what there is and what has to be known of it")
        }
        GenerateError::Value { .. } => {
            failure.hint("Patterns are given with --like NAME=PATTERN, open parts with --any NAME")
        }
        GenerateError::Finding(finding) => failure.hint(&finding.mend),
        GenerateError::NoPermissions => {
            failure.hint("Name them with --permit; --targets lists what there is")
        }
        GenerateError::OnePart => {
            failure.hint("Ask for one --part at a time, or choose another --format")
        }
        _ => failure,
    }
}

fn lists(args: &GenerateArgs) -> String {
    let mut text = String::new();
    if args.presets {
        for preset in PRESETS {
            text.push_str(&format!("{}: {}\n", preset.name, preset.about));
            text.push_str(&format!("  issuer    {}\n", preset.issuer));
            text.push_str(&format!("  audience  {}\n", preset.audience));
            text.push_str(&format!("  subject   {}\n", preset.subject));
            for (name, meaning) in preset.names() {
                text.push_str(&format!("    {name}: {meaning}\n"));
            }
        }
    }
    if args.targets {
        for target in TARGETS {
            text.push_str(&format!("{}: {}\n", target.name, target.about));
            for parameter in target.parameters {
                let optional = if parameter.optional {
                    " (may be left out)"
                } else {
                    ""
                };
                text.push_str(&format!(
                    "    {}: {}{optional}\n",
                    parameter.name, parameter.meaning
                ));
            }
        }
    }
    text
}

/// The audience of tokens for AWS, where nothing else is said.
const AUDIENCE: &str = "sts.amazonaws.com";
