//! A token of this file's tenants, told without an issuer that runs.

use rolecall_mint::{
    Asked, Attributes, IssuerUrl, MintError, Preview, TenantRules, TokenConfig, TokenConfigText,
};

use super::Loaded;
use super::issuer::{RegisteredWorkload, TenantSection};
use crate::failure::{Exit, Failure};

/// Whose token, and which.
pub struct Wanted<'a> {
    /// The tenant, where there are several.
    pub tenant: Option<&'a str>,
    /// The token config, where there are several.
    pub token_config: Option<&'a str>,
    /// The registered workload; without one, anybody's with these attributes.
    pub workload: Option<&'a str>,
    /// A subject format in place of the config's own.
    pub subject: Option<&'a str>,
    /// Attributes that the workload chooses or that its evidence brings.
    pub attributes: &'a [(String, String)],
}

impl Loaded {
    /// What the token would say.
    ///
    /// # Errors
    /// `Configuration` for what the issuer would refuse to start with, `Usage` for what is not
    /// there or not possible for this workload.
    pub fn previewed(&self, wanted: &Wanted<'_>, asked: Asked<'_>) -> Result<Preview, Failure> {
        let (at, tenant, workload) = self.whose(wanted)?;
        let issuer: IssuerUrl = tenant
            .issuer
            .parse()
            .map_err(|error| self.broken(&format!("tenants[{at}].issuer"), error))?;
        let config = self.wanted_config(at, tenant, workload, wanted)?;
        let attributes = attributes(workload, wanted)?;
        Preview::of(&config, &attributes, &issuer, asked)
            .map_err(|error| Failure::new(Exit::Usage, error))
    }

    fn whose(
        &self,
        wanted: &Wanted<'_>,
    ) -> Result<(usize, &TenantSection, Option<&RegisteredWorkload>), Failure> {
        let tenants = self.document.tenants.iter().enumerate();
        let mut fitting: Vec<_> = tenants
            .filter(|(_, tenant)| wanted.tenant.is_none_or(|name| name == tenant.name))
            .map(|(at, tenant)| (at, tenant, None))
            .collect();
        if fitting.is_empty() {
            let names = self.document.tenants.iter().map(|tenant| &*tenant.name);
            return Err(not_there(
                "tenant",
                wanted.tenant.unwrap_or_default(),
                names,
            ));
        }
        if let Some(name) = wanted.workload {
            let known: Vec<&str> = fitting
                .iter()
                .flat_map(|(_, tenant, _)| &tenant.workloads)
                .map(|workload| &*workload.name)
                .collect();
            if !known.contains(&name) {
                return Err(not_there("workload", name, known.into_iter()));
            }
            fitting = fitting
                .into_iter()
                .filter_map(|(at, tenant, _)| {
                    let found = tenant.workloads.iter().find(|one| one.name == name)?;
                    Some((at, tenant, Some(found)))
                })
                .collect();
        }
        match fitting.as_slice() {
            [only] => Ok(*only),
            several => Err(several_of(
                "tenant",
                several.iter().map(|(_, tenant, _)| &*tenant.name),
            )),
        }
    }

    fn wanted_config(
        &self,
        at: usize,
        tenant: &TenantSection,
        workload: Option<&RegisteredWorkload>,
        wanted: &Wanted<'_>,
    ) -> Result<TokenConfig, Failure> {
        let may_use = |name: &str| {
            workload.is_none_or(|workload| workload.token_configs.iter().any(|own| own == name))
        };
        let configs = tenant.token_configs.iter().enumerate();
        let usable: Vec<_> = configs
            .filter(|(_, config)| may_use(&config.name))
            .collect();
        let names = || usable.iter().map(|(_, config)| &*config.name);
        let fitting: Vec<_> = usable
            .iter()
            .filter(|(_, config)| wanted.token_config.is_none_or(|name| name == config.name))
            .collect();
        let (index, section) = match (fitting.as_slice(), wanted.token_config) {
            ([only], _) => only,
            ([], Some(name)) => return Err(not_there("token config", name, names())),
            ([], None) => return Err(not_there("token config", "", names())),
            _ => return Err(several_of("token config", names())),
        };
        let rules = TenantRules::read(&tenant.rules())
            .map_err(|error| self.broken(&format!("tenants[{at}]"), error))?;
        let mut text = section.declared();
        if let Some(subject) = wanted.subject {
            subject.clone_into(&mut text.subject);
            return TokenConfig::read_in(&text, &rules).map_err(|error| refused(&error));
        }
        self.read_config(at, *index, &text, &rules)
    }

    fn read_config(
        &self,
        at: usize,
        index: usize,
        text: &TokenConfigText,
        rules: &TenantRules,
    ) -> Result<TokenConfig, Failure> {
        TokenConfig::read_in(text, rules).map_err(|error| {
            let field = format!("tenants[{at}].token_configs[{index}].{}", error.field());
            let field = field.trim_end_matches('.');
            match &error {
                MintError::Format(format) => {
                    self.broken_inside(field, format.text(), format.span(), &error)
                }
                _ => self.broken(field, error),
            }
        })
    }
}

/// A refusal of what came on the command line; where a format is wrong, with a caret under it.
pub fn refused(error: &MintError) -> Failure {
    let failure = Failure::new(Exit::Usage, error);
    match error {
        MintError::Format(format) if !format.text().is_empty() => {
            let before = format.text().get(..format.span().start).unwrap_or_default();
            let under = format.text().get(format.span()).unwrap_or_default();
            failure.note(format_args!(
                "| {}\n| {}{}",
                format.text(),
                " ".repeat(before.chars().count()),
                "^".repeat(under.chars().count().max(1))
            ))
        }
        _ => failure,
    }
}

/// The workload's attributes with those that were given, each of which it must be able to have.
fn attributes(
    workload: Option<&RegisteredWorkload>,
    wanted: &Wanted<'_>,
) -> Result<Attributes, Failure> {
    let mut attributes = Attributes::new();
    if let Some(workload) = workload {
        for (name, value) in &workload.attributes {
            attributes.set(name, value);
        }
        attributes.set("name", &workload.name);
    }
    for (name, value) in wanted.attributes {
        if let Some(workload) = workload {
            let allowed = workload.may_claim.get(name);
            let possible = match allowed {
                Some(values) => values.contains(value),
                // What evidence brings is not in the file.
                None => !workload.evidence.is_empty(),
            };
            if !possible {
                let told = match allowed {
                    Some(values) => format!("it may choose `{}`", values.join("`, `")),
                    None => "it may choose no such attribute".to_owned(),
                };
                return Err(Failure::new(
                    Exit::Usage,
                    format_args!(
                        "the workload `{}` cannot have the attribute `{name}` with the value `{value}`: {told}",
                        workload.name
                    ),
                )
                .hint("Leave --workload out to try any attributes"));
            }
        }
        attributes.set(name, value);
    }
    Ok(attributes)
}

fn not_there<'n>(what: &str, name: &str, names: impl Iterator<Item = &'n str>) -> Failure {
    let names: Vec<&str> = names.collect();
    let failure = if name.is_empty() {
        Failure::new(Exit::Usage, format_args!("there is no {what} to preview"))
    } else {
        Failure::new(Exit::Usage, format_args!("there is no {what} `{name}`"))
    };
    match rolecall_source::nearest(name, names.iter().copied()) {
        Some(near) => failure.hint(format_args!("Did you mean `{near}`?")),
        None if names.is_empty() => failure,
        None => failure.hint(format_args!("There is `{}`", names.join("`, `"))),
    }
}

fn several_of<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> Failure {
    let names: Vec<&str> = names.collect();
    Failure::new(
        Exit::Usage,
        format_args!("say which {what} is meant: `{}`", names.join("`, `")),
    )
    .hint(format_args!("Add --{} NAME", what.replace(' ', "-")))
}
