//! `rolecall token-config`, `trusted-issuer` and `workload`: one document at a time.

use rolecall_admin_api::wire::Declared;
use rolecall_attest::federated::TrustedIssuerText;
use rolecall_http_api::{TrustSubscriptionText, WorkloadDeclaration};
use rolecall_mint::TokenConfigText;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::tenant::{json, origin};
use super::{agreed, left_alone, table};
use crate::administering::{Client, encoded};
use crate::cli::Output;
use crate::cli::admin::{OfTenantArgs, PieceArgs, PieceCommand, PutPieceArgs, RemovePieceArgs};
use crate::config::{Loaded, Written, yaml};
use crate::failure::Failure;
use crate::printing;

/// A kind of document that a tenant declares.
pub trait Kind {
    /// One of them.
    type Document: Serialize + DeserializeOwned + Written;
    /// In the path.
    const PLACE: &'static str;
    /// In words.
    const WORD: &'static str;
    /// The columns of a list beside the name.
    const COLUMNS: &'static [&'static str];

    /// The name of one.
    fn name(document: &Self::Document) -> &str;

    /// The cells of a list beside the name.
    fn cells(document: &Self::Document) -> Vec<String>;

    /// One as it stands in a file.
    ///
    /// # Errors
    /// `Configuration` where the file does not say one.
    fn read(args: &PutPieceArgs) -> Result<Self::Document, Failure>;
}

/// Token configs.
pub struct TokenConfigs;
/// Trusted issuers.
pub struct TrustedIssuers;
/// Workloads.
pub struct Workloads;
/// Trust subscriptions.
pub struct TrustSubscriptions;

impl Kind for TokenConfigs {
    type Document = TokenConfigText;
    const PLACE: &'static str = "token-configs";
    const WORD: &'static str = "token config";
    const COLUMNS: &'static [&'static str] = &["AUDIENCE", "SUBJECT"];

    fn name(document: &TokenConfigText) -> &str {
        &document.name
    }

    fn cells(document: &TokenConfigText) -> Vec<String> {
        let audience = match (&*document.audience, &document.preset) {
            ("", _) => document.kind.as_str().to_owned(),
            (audience, _) => audience.to_owned(),
        };
        let subject = match (&*document.subject, &document.preset) {
            ("", Some(preset)) => format!("preset {preset}"),
            (subject, _) => subject.to_owned(),
        };
        vec![audience, subject]
    }

    fn read(args: &PutPieceArgs) -> Result<TokenConfigText, Failure> {
        Loaded::token_config(&args.file)
    }
}

impl Kind for TrustedIssuers {
    type Document = TrustedIssuerText;
    const PLACE: &'static str = "trusted-issuers";
    const WORD: &'static str = "trusted issuer";
    const COLUMNS: &'static [&'static str] = &["ISSUER"];

    fn name(document: &TrustedIssuerText) -> &str {
        &document.name
    }

    fn cells(document: &TrustedIssuerText) -> Vec<String> {
        vec![document.issuer.clone().unwrap_or_default()]
    }

    fn read(args: &PutPieceArgs) -> Result<TrustedIssuerText, Failure> {
        Loaded::declared_issuer(&args.file)
    }
}

impl Kind for TrustSubscriptions {
    type Document = TrustSubscriptionText;
    const PLACE: &'static str = "trust-subscriptions";
    const WORD: &'static str = "trust subscription";
    const COLUMNS: &'static [&'static str] = &["ROLE"];

    fn name(document: &TrustSubscriptionText) -> &str {
        &document.name
    }

    fn cells(document: &TrustSubscriptionText) -> Vec<String> {
        vec![document.role.clone()]
    }

    fn read(args: &PutPieceArgs) -> Result<TrustSubscriptionText, Failure> {
        Loaded::declared_subscription(&args.file)
    }
}

impl Kind for Workloads {
    type Document = WorkloadDeclaration;
    const PLACE: &'static str = "workloads";
    const WORD: &'static str = "workload";
    const COLUMNS: &'static [&'static str] = &["TOKEN CONFIGS", "PROOFS"];

    fn name(document: &WorkloadDeclaration) -> &str {
        &document.name
    }

    fn cells(document: &WorkloadDeclaration) -> Vec<String> {
        let proofs = [
            (document.keys.len(), "keys"),
            (document.evidence.len(), "evidence"),
            (document.certificates.len(), "certificates"),
            (document.secret_hashes.len(), "secrets"),
        ];
        let proofs: Vec<String> = (proofs.iter())
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        vec![document.token_configs.join(","), proofs.join(", ")]
    }

    fn read(args: &PutPieceArgs) -> Result<WorkloadDeclaration, Failure> {
        Loaded::declared_workload(&args.file)
    }
}

/// Runs a command on documents of one kind.
///
/// # Errors
/// What the server says of it.
pub async fn run<K: Kind>(command: &PieceCommand) -> Result<(), Failure> {
    match command {
        PieceCommand::List(args) => list::<K>(args).await,
        PieceCommand::Show(args) => show::<K>(args).await,
        PieceCommand::Put(args) => put::<K>(args).await,
        PieceCommand::Remove(args) => remove::<K>(args).await,
    }
}

async fn list<K: Kind>(args: &OfTenantArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let path = format!("/tenants/{}/{}", encoded(&args.tenant), K::PLACE);
    let found: Vec<Declared<K::Document>> = client.all(&path).await?;
    if args.output == Output::Json {
        for one in &found {
            printing::line(&json(one)?)?;
        }
        return Ok(());
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|one| {
            let mut row = vec![K::name(&one.spec).to_owned()];
            row.extend(K::cells(&one.spec));
            row.push(origin(one).to_owned());
            row
        })
        .collect();
    let mut head = vec!["NAME"];
    head.extend(K::COLUMNS);
    head.push("DECLARED BY");
    printing::line(&table(&head, &rows))
}

async fn show<K: Kind>(args: &PieceArgs) -> Result<(), Failure> {
    let client = Client::new(&args.of.server)?;
    let (tenant, name) = (encoded(&args.of.tenant), encoded(&args.name));
    let path = format!("/tenants/{tenant}/{}/{name}", K::PLACE);
    let found: Declared<K::Document> = client.get(&path).await?.body;
    match args.of.output {
        Output::Json => printing::line(&json(&found)?),
        Output::Text => {
            anstream::eprintln!(
                "version {}, declared by the {}",
                found.version,
                origin(&found)
            );
            printing::text(&yaml(&found.spec.written())?)
        }
    }
}

async fn put<K: Kind>(args: &PutPieceArgs) -> Result<(), Failure> {
    let document = K::read(args)?;
    let client = Client::new(&args.server)?;
    let (tenant, name) = (encoded(&args.tenant), encoded(K::name(&document)));
    let path = format!("/tenants/{tenant}/{}/{name}", K::PLACE);
    let answer = client
        .put::<Declared<K::Document>>(&path, &document, args.if_version, args.force)
        .await?;
    anstream::eprintln!(
        "{}: {} {}, version {}",
        if answer.made { "made" } else { "changed" },
        K::WORD,
        K::name(&document),
        answer.body.version
    );
    Ok(())
}

async fn remove<K: Kind>(args: &RemovePieceArgs) -> Result<(), Failure> {
    let client = Client::new(&args.server)?;
    let question = format!(
        "Take the {} {} of {} away?",
        K::WORD,
        args.name,
        args.tenant
    );
    if !agreed(&question, args.yes)? {
        return Err(left_alone());
    }
    let (tenant, name) = (encoded(&args.tenant), encoded(&args.name));
    client
        .delete(&format!("/tenants/{tenant}/{}/{name}", K::PLACE))
        .await?;
    anstream::eprintln!("removed: {} {}", K::WORD, args.name);
    Ok(())
}
