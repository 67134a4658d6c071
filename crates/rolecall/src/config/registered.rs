//! The tokens that the registered workloads can get: their claims, told without an issuer that
//! runs.

use rolecall_mint::{Attributes, IssuerUrl, TenantRules, TokenConfig, mint};
use serde_json::{Map, Value};

use super::Loaded;
use super::issuer::{RegisteredWorkload, TenantSection};
use crate::failure::{Exit, Failure};

impl Loaded {
    /// The claims of every token that a registered workload can ask for: one set a workload, token
    /// config, and choice of the attributes that it may choose. Times are of no meaning.
    ///
    /// # Errors
    /// `Configuration` for formats and configs that the issuer would refuse, and where there are
    /// more than 100,000 choices.
    pub fn registered_claims(&self) -> Result<Vec<Map<String, Value>>, Failure> {
        let mut all = Vec::new();
        for (at, tenant) in self.document.tenants.iter().enumerate() {
            let issuer: IssuerUrl = tenant
                .issuer
                .parse()
                .map_err(|error| self.broken(&format!("tenants[{at}].issuer"), error))?;
            let configs = self.token_configs(at, tenant)?;
            for (index, workload) in tenant.workloads.iter().enumerate() {
                let field = format!("tenants[{at}].workloads[{index}]");
                let usable = configs.iter().filter(|config| {
                    let named = &workload.token_configs;
                    named.is_empty() || named.iter().any(|name| name == config.name())
                });
                for config in usable {
                    self.of_workload(&field, workload, config, &issuer, &mut all)?;
                }
            }
        }
        Ok(all)
    }

    fn token_configs(
        &self,
        at: usize,
        tenant: &TenantSection,
    ) -> Result<Vec<TokenConfig>, Failure> {
        let rules = TenantRules::read(&tenant.rules())
            .map_err(|error| self.broken(&format!("tenants[{at}]"), error))?;
        let configs = tenant.token_configs.iter().enumerate();
        configs
            .map(|(index, config)| {
                TokenConfig::read_in(&config.declared(), &rules).map_err(|error| {
                    let field = format!("tenants[{at}].token_configs[{index}].{}", error.field());
                    self.broken(field.trim_end_matches('.'), error)
                })
            })
            .collect()
    }

    fn of_workload(
        &self,
        field: &str,
        workload: &RegisteredWorkload,
        config: &TokenConfig,
        issuer: &IssuerUrl,
        all: &mut Vec<Map<String, Value>>,
    ) -> Result<(), Failure> {
        let mut choices = vec![Attributes::new()];
        for (name, value) in &workload.attributes {
            choices[0].set(name.clone(), value.clone());
        }
        choices[0].set("name", workload.name.as_str());
        for (name, values) in &workload.may_claim {
            choices = choices
                .iter()
                .flat_map(|one| {
                    values.iter().map(|value| {
                        let mut chosen = one.clone();
                        chosen.set(name.clone(), value.clone());
                        chosen
                    })
                })
                .collect();
            if choices.len() + all.len() > MOST {
                return Err(self.broken(
                    field,
                    format_args!("the workloads may choose among more than {MOST} tokens"),
                ));
            }
        }
        for attributes in choices {
            let minted = mint(config, &attributes, issuer, 0, "preview", None)
                .map_err(|error| self.broken(field, error))?;
            let claims = serde_json::from_slice(minted.json())
                .map_err(|error| Failure::from_error(Exit::Unexpected, &error))?;
            if !all.contains(&claims) {
                all.push(claims);
            }
        }
        Ok(())
    }
}

/// Sets of claims, at most.
const MOST: usize = 100_000;
