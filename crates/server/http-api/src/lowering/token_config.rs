//! A tenant's rules and token configs.

use std::sync::Arc;

use rolecall_jose::Algorithm;
use rolecall_mint::{DeclaredAttributes, MintError, TenantRules, TokenConfig, TokenConfigText};

use super::Place;
use crate::{InstallationError, TenantDeclaration, WorkloadDeclaration};

/// The rules of a tenant.
///
/// # Errors
/// The first rule that contradicts itself.
pub(super) fn lower_rules(
    at: &Place,
    tenant: &TenantDeclaration,
) -> Result<TenantRules, InstallationError> {
    TenantRules::read(&tenant.rules).map_err(|error| {
        let field = match &error {
            MintError::Declared { name, .. } => format!("attributes.{name}"),
            MintError::ReservedClaims { .. } => "reserved_claims".to_owned(),
            _ => "token_lifetimes".to_owned(),
        };
        at.field(&field).refuse(error.to_string())
    })
}

/// The token configs of a tenant, each in itself and all together.
///
/// # Errors
/// The first that breaks a rule.
pub(super) fn lower_token_configs(
    at: &Place,
    tenant: &TenantDeclaration,
    rules: &TenantRules,
) -> Result<Vec<Arc<TokenConfig>>, InstallationError> {
    let place = |index: usize| at.field(&format!("token_configs[{index}]"));
    let mut configs = Vec::with_capacity(tenant.token_configs.len());
    for (index, text) in tenant.token_configs.iter().enumerate() {
        configs.push(Arc::new(lower_token_config(&place(index), text, rules)?));
    }
    TenantRules::check_together(configs.iter().map(|config| &**config)).map_err(|error| {
        let MintError::Shared { index, field, .. } = error else {
            return at.refuse(error.to_string());
        };
        let at = place(index).field(field);
        match field {
            "name" => at.refuse(format!(
                "the token config `{}` is declared twice",
                tenant.token_configs[index].name
            )),
            _ => at.refuse(error.to_string()),
        }
    })?;
    Ok(configs)
}

fn lower_token_config(
    at: &Place,
    text: &TokenConfigText,
    rules: &TenantRules,
) -> Result<TokenConfig, InstallationError> {
    if !matches!(text.algorithm, Algorithm::Rs256 | Algorithm::Es256) {
        return Err(at.field("algorithm").refuse(format!(
            "a tenant has no key for {}; RS256 and ES256 are possible",
            text.algorithm
        )));
    }
    TokenConfig::read_in(text, rules)
        .map_err(|error| at.field(&error.field()).refuse(error.to_string()))
}

/// Holds a workload's attributes to what is declared of them.
///
/// # Errors
/// The first value that is not possible.
pub(super) fn check_attributes(
    at: &Place,
    declared: &WorkloadDeclaration,
    rules: &TenantRules,
) -> Result<(), InstallationError> {
    let known = rules.attributes();
    let fixed = declared
        .attributes
        .iter()
        .map(|(name, value)| (format!("attributes.{name}"), name, value));
    let chosen = declared.may_claim.iter().flat_map(|(name, values)| {
        values
            .iter()
            .enumerate()
            .map(move |(index, value)| (format!("may_claim.{name}[{index}]"), name, value))
    });
    for (field, name, value) in fixed.chain(chosen) {
        known.check_value(name, value).map_err(|why| {
            at.field(&field).refuse(format!(
                "the attribute `{name}` of the workload `{}` {why}{}",
                declared.name,
                told(known, name)
            ))
        })?;
    }
    Ok(())
}

/// What the attribute is, where its tenant says so.
fn told(known: &DeclaredAttributes, name: &str) -> String {
    let description = known
        .rule(name)
        .map(|rule| &rule.text().description)
        .filter(|description| !description.is_empty());
    match description {
        Some(description) => format!("; it is {description}"),
        None => String::new(),
    }
}
