//! `rolecall export`: what a server declares, as files that `apply` takes.

use std::io::Write as _;
use std::path::Path;

use rolecall_admin_api::wire::{Declared, TenantSettings};
use rolecall_http_api::TenantDeclaration;
use serde_json::json;

use crate::administering::{Client, encoded};
use crate::cli::admin::ExportArgs;
use crate::config::{Written, yaml};
use crate::failure::{Exit, Failure};
use crate::printing;

/// Writes every tenant that the asker sees, or those that are named.
///
/// # Errors
/// A tenant that is not there; a file cannot be written.
pub async fn export(args: &ExportArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let names = if args.tenants.is_empty() {
        let all = client.all::<Declared<TenantSettings>>("/tenants").await?;
        all.into_iter().map(|tenant| tenant.spec.name).collect()
    } else {
        args.tenants.clone()
    };
    let mut tenants = Vec::new();
    for name in names {
        let path = format!("/tenants/{}/declaration", encoded(&name));
        tenants.push(client.get::<TenantDeclaration>(&path).await?.body);
    }
    let Some(folder) = &args.to else {
        let written: Vec<_> = tenants.iter().map(Written::written).collect();
        return printing::text(&yaml(&json!({ "tenants": written }))?);
    };
    let local = |error: std::io::Error| {
        Failure::new(
            Exit::Local,
            format_args!("cannot write into `{}`: {error}", folder.display()),
        )
    };
    std::fs::create_dir_all(folder).map_err(local)?;
    for tenant in &tenants {
        let text = yaml(&json!({ "tenants": [tenant.written()] }))?;
        write(folder, &tenant.name, &text).map_err(local)?;
    }
    anstream::eprintln!(
        "{} tenants written into `{}`",
        tenants.len(),
        folder.display()
    );
    if args.tenants.is_empty() {
        for name in strangers(folder, &tenants).map_err(local)? {
            anstream::eprintln!("`{name}` is of no tenant that there is; it was left alone");
        }
    }
    Ok(())
}

/// Replaces a tenant's file, or leaves it as it is.
fn write(folder: &Path, tenant: &str, text: &str) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(folder.join(format!("{tenant}.yaml")))
        .map_err(|error| error.error)?;
    Ok(())
}

fn strangers(folder: &Path, tenants: &[TenantDeclaration]) -> std::io::Result<Vec<String>> {
    let mut strangers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let tenant = name.strip_suffix(".yaml");
        if tenant.is_some_and(|name| tenants.iter().all(|tenant| tenant.name != name)) {
            strangers.push(name);
        }
    }
    strangers.sort();
    Ok(strangers)
}
