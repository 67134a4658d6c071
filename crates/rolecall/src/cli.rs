//! The command line: arguments and their help, nothing else. What each command does is in
//! `commands`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub mod access;
pub mod admin;
pub mod agent;
pub mod connection;
pub mod doctor;
pub mod installation;
pub mod issuer;
pub mod profiles;
pub mod state;
mod token_preview;
pub mod trust;
pub mod workload;
pub use token_preview::{TokenPresetsArgs, TokenPreviewArgs};

/// Keyless AWS access for everything you run.
#[derive(Debug, Parser)]
#[command(name = "rolecall", version, about, long_about = LONG_ABOUT, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order in which a new user meets them.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole way once on loopback and show every step; with --serve, stay up to be tried
    #[command(after_help = "Example:\n  rolecall demo\n  rolecall demo --serve")]
    Demo(DemoArgs),
    /// Serve the issuer: discovery, JWKS and the token endpoint of every tenant
    #[command(after_help = "Example:\n  rolecall serve --config rolecall.yaml")]
    Serve(ServeArgs),
    /// Exchange for a connection's credentials and print them
    #[command(
        after_help = "Examples:\n  eval \"$(rolecall credentials athena --format env)\"\n  \
                      rolecall credentials athena --format fish | source\n  \
                      credential_process = rolecall credentials athena --format process"
    )]
    Credentials(CredentialsArgs),
    /// Look at the connections, and try one step by step
    #[command(subcommand)]
    Connection(connection::ConnectionCommand),
    /// Profiles for the aws CLI and the SDKs, one a connection
    #[command(subcommand)]
    Profiles(profiles::ProfilesCommand),
    /// Run a program with a connection's credentials, kept fresh for as long as it runs
    #[command(after_help = "Example:\n  rolecall exec athena -- aws sts get-caller-identity")]
    Exec(ExecArgs),
    /// Fetch credentials once for all programs of this machine, and hand them to those who may
    #[command(
        after_help = "Examples:\n  rolecall agent --config /etc/rolecall.yaml\n  rolecall agent status"
    )]
    Agent(agent::AgentArgs),
    /// What in this machine's AWS set-up wins, what is wrong with it, and the mend
    #[command(
        after_help = "Examples:\n  rolecall doctor\n  rolecall doctor --profile work\n  \
                      rolecall doctor --fix --plan"
    )]
    Doctor(doctor::DoctorArgs),
    /// Mint a token for this workload, look into one, or judge one
    #[command(subcommand)]
    Token(TokenCommand),
    /// Decide, explain, lint, prove and mend IAM trust policies
    #[command(subcommand)]
    Trust(trust::TrustCommand),
    /// Look at an issuer as AWS would
    #[command(subcommand)]
    Issuer(issuer::IssuerCommand),
    /// Set up a workload that asks for tokens
    #[command(subcommand)]
    Workload(WorkloadCommand),
    /// What was asked for, given and changed: the audit trail
    #[command(subcommand)]
    Audit(state::AuditCommand),
    /// The signing keys of the tenants, and the master key that seals them
    #[command(subcommand)]
    Key(state::KeyCommand),
    /// Make a server declare what files say, after showing what that changes
    #[command(
        after_help = "Examples:\n  rolecall apply -f tenants/ --plan\n  rolecall apply -f tenants/ --prune"
    )]
    Apply(admin::ApplyArgs),
    /// Write what a server declares as files that `apply` takes
    #[command(after_help = "Example:\n  rolecall export --to tenants/")]
    Export(admin::ExportArgs),
    /// Sign in to a server's admin API
    #[command(
        after_help = "Examples:\n  rolecall login --server https://rolecall.example.com --name alice\n  \
                      rolecall login --server https://rolecall.example.com --id-token-file token.jwt"
    )]
    Login(admin::LoginArgs),
    /// End the session of `login`
    #[command(after_help = "Example:\n  rolecall logout")]
    Logout(admin::PlainArgs),
    /// Show who you are to a server
    #[command(after_help = "Example:\n  rolecall whoami")]
    Whoami(admin::PlainArgs),
    /// Tenants, one at a time
    #[command(subcommand)]
    Tenant(admin::TenantCommand),
    /// Token configs of a tenant, one at a time
    #[command(
        subcommand,
        after_help = "Example:\n  rolecall token-config show aws --tenant acme >aws.yaml && \
                      rolecall token-config put aws.yaml --tenant acme"
    )]
    TokenConfig(admin::PieceCommand),
    /// Trusted issuers of a tenant, one at a time
    #[command(
        subcommand,
        after_help = "Example:\n  rolecall trusted-issuer list --tenant acme"
    )]
    TrustedIssuer(admin::PieceCommand),
    /// Roles that no change may lock a tenant's workloads out of, one at a time
    #[command(
        subcommand,
        after_help = "Example:\n  rolecall trust-subscription list --tenant acme"
    )]
    TrustSubscription(admin::PieceCommand),
    /// Who has access to the admin API
    #[command(subcommand)]
    User(admin::UserCommand),
    /// Let somebody in to the admin API by word of the configuration file
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Copies the state to a file, while the server goes on
    #[command(after_help = "Example:\n  rolecall backup /backups/rolecall-2026-11-23.db")]
    Backup(state::BackupArgs),
    /// Puts a backup where there is no installation yet
    #[command(after_help = "Example:\n  rolecall restore /backups/rolecall-2026-11-23.db")]
    Restore(state::RestoreArgs),
    /// Moves the state of a stopped server to another place
    #[command(
        after_help = "Example:\n  rolecall migrate --to postgres://rolecall@db.example/rolecall"
    )]
    Migrate(state::MigrateArgs),
    /// Serve an emulated AWS account: STS and IAM that verify and decide for real
    #[command(
        name = "aws-emulator",
        after_help = "Example:\n  rolecall aws-emulator --account 123456789012 --seed seed.yaml \
                      --admin-credentials ./emulator-credentials"
    )]
    AwsEmulator(AwsEmulatorArgs),
}

/// `rolecall demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Stay up and print commands for aws, boto3 and terraform to paste into another shell
    #[arg(long)]
    pub serve: bool,
}

/// `rolecall serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
    /// Take the file over even where it locks workloads out of roles that are subscribed to
    #[arg(long)]
    pub force: bool,
    /// How the ready line is printed
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// What every command needs that asks as a workload.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// The configuration file
    #[arg(
        long,
        value_name = "FILE",
        env = "ROLECALL_CONFIG",
        default_value = "rolecall.yaml"
    )]
    pub config: PathBuf,
    /// Ask the agent at this socket instead; an agent is also asked where there is no configuration
    /// file and the socket of this user's or machine's agent is there
    #[arg(
        long,
        value_name = "SOCKET",
        env = "ROLECALL_AGENT",
        conflicts_with = "config"
    )]
    pub agent: Option<PathBuf>,
    /// An attribute that the workload may choose when it asks; may be given more than once
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    pub attributes: Vec<(String, String)>,
}

/// `rolecall credentials`
#[derive(Debug, Args)]
pub struct CredentialsArgs {
    /// The connection, by its name in the configuration file
    pub connection: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub ask: AskArgs,
    /// The form to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Also give the session token as AWS_SECURITY_TOKEN, for programs that know no other name
    #[arg(long)]
    pub legacy_security_token: bool,
    /// Print what would be done, step by step, and what each step needs; no call is made
    #[arg(long)]
    pub explain_plan: bool,
    /// How --explain-plan prints
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall exec`
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// The connection, by its name in the configuration file; without one, the role in
    /// AWS_ROLE_ARN is asked of the agent
    pub connection: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub ask: AskArgs,
    /// A token of this token config too, in a file that is kept fresh and that VARIABLE names (the
    /// token config's own target variable if none is given); may be given more than once
    #[arg(long = "token-config", value_name = "NAME[=VARIABLE]")]
    pub token_configs: Vec<String>,
    /// How the program reads its credentials
    #[arg(long, value_enum, default_value_t)]
    pub via: Via,
    /// Further names for the token's file and the role, for programs that read others than AWS's
    #[arg(long, value_enum, default_value_t)]
    pub names: Names,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub program: Vec<std::ffi::OsString>,
}

/// `rolecall token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Mint a token for this workload
    #[command(
        after_help = "Examples:\n  rolecall token mint athena --to /run/token --watch\n  \
                      rolecall token mint --token-config aws"
    )]
    Mint(TokenMintArgs),
    /// The token of a person who is signed in, as their session holds it (JSON); never this workload's
    #[command(
        after_help = "Example:\n  rolecall token user --token-config people --subject-token-file id-token.jwt"
    )]
    User(TokenUserArgs),
    /// Show what a token says, without judging it
    #[command(after_help = "Example:\n  rolecall token inspect /run/token")]
    Inspect(TokenInspectArgs),
    /// Judge a token as a verifier would: discovery, JWKS, signature, times, audience
    #[command(
        after_help = "Example:\n  rolecall token verify --issuer https://oidc.example.com \
                      --audience sts.amazonaws.com /run/token"
    )]
    Verify(TokenVerifyArgs),
    /// Show what a token would say, and why; none is made
    #[command(after_help = token_preview::PREVIEW_EXAMPLES)]
    Preview(TokenPreviewArgs),
    /// List the token formats of other systems that can be chosen as a preset
    #[command(after_help = "Example:\n  rolecall token presets spacelift")]
    Presets(TokenPresetsArgs),
}

/// `rolecall token mint`
#[derive(Debug, Args)]
pub struct TokenMintArgs {
    /// The connection whose token config is meant
    #[arg(
        required_unless_present = "token_config",
        conflicts_with = "token_config"
    )]
    pub connection: Option<String>,
    /// The token config, by name
    #[arg(long, value_name = "NAME")]
    pub token_config: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub ask: AskArgs,
    /// Write the token to this file (0600, replaced atomically, no newline) instead of stdout
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Stay, and replace the file before its token ends
    #[arg(long, requires = "to")]
    pub watch: bool,
}

/// `rolecall token user`
#[derive(Debug, Args)]
pub struct TokenUserArgs {
    /// The token config, by name: one for people
    #[arg(long, value_name = "NAME")]
    pub token_config: String,
    /// The person's own token, of an issuer that ours trusts; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub subject_token_file: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub ask: AskArgs,
}

/// `rolecall token inspect`
#[derive(Debug, Args)]
pub struct TokenInspectArgs {
    /// The token's file, `-` for standard input
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall token verify`
#[derive(Debug, Args)]
pub struct TokenVerifyArgs {
    /// The issuer that the token must come from, character by character
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// The audience that the token must be for
    #[arg(long)]
    pub audience: Option<String>,
    /// Reach an issuer's origin at another address, its Host header kept
    #[arg(long, value_name = "ORIGIN=URL", value_parser = connect_to)]
    pub connect_to: Vec<(String, String)>,
    /// The token's file, `-` for standard input
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// `rolecall workload`
#[derive(Debug, Subcommand)]
pub enum WorkloadCommand {
    /// Make the key with which a workload proves itself, and print the public part to register
    #[command(after_help = "Example:\n  rolecall workload key --to cube-api.pem >cube-api.jwk")]
    Key(WorkloadKeyArgs),
    /// Client secrets, for programs that can prove themselves in no better way
    #[command(subcommand)]
    Secret(workload::SecretCommand),
    /// Make a token with which a new machine registers its key, once
    #[command(
        after_help = "Example:\n  rolecall workload join-token edge-7 --tenant acme >join-token"
    )]
    JoinToken(admin::JoinTokenArgs),
    /// On the new machine: make its key and register it with a join token
    #[command(
        after_help = "Example:\n  rolecall workload enrol --issuer https://oidc.example.com \
                      --join-token-file join-token --to edge-7.pem"
    )]
    Enrol(admin::EnrolArgs),
    /// List, show, put or remove workloads of a tenant
    #[command(flatten)]
    Piece(admin::PieceCommand),
}

/// `rolecall workload key`
#[derive(Debug, Args)]
pub struct WorkloadKeyArgs {
    /// Where the private key goes (PKCS#8 PEM, 0600); an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// The kind of key
    #[arg(long, value_enum, default_value_t)]
    pub kind: WorkloadKeyKind,
}

/// `rolecall aws-emulator`
#[derive(Debug, Args)]
pub struct AwsEmulatorArgs {
    /// Where to listen; loopback only, unless the address says otherwise
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// An account to emulate; may be given more than once
    #[arg(long = "account", value_name = "ID")]
    pub accounts: Vec<String>,
    /// Providers, roles and policies to begin with (YAML or JSON)
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// Keep the accounts' state in this file
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Which generation of AWS's error messages to speak
    #[arg(long, value_enum, default_value_t)]
    pub messages: MessageGeneration,
    /// Reach an issuer's origin at another address, its Host header kept
    #[arg(long, value_name = "ORIGIN=URL", value_parser = connect_to)]
    pub connect_to: Vec<(String, String)>,
    /// Append a CloudTrail-shaped record of each call to this file
    #[arg(long, value_name = "FILE")]
    pub trail: Option<PathBuf>,
    /// Write the accounts' admin keys to this AWS shared-credentials file (0600)
    #[arg(long, value_name = "FILE")]
    pub admin_credentials: Option<PathBuf>,
    /// How the ready line is printed
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// How a command prints data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// The forms in which credentials are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// `export NAME=value` lines for a POSIX shell
    #[default]
    Env,
    /// `NAME=value` lines
    Dotenv,
    /// `set -gx` lines for fish
    Fish,
    /// `$Env:NAME = 'value'` lines for PowerShell
    #[value(name = "powershell")]
    PowerShell,
    /// In a step of GitHub Actions: lines into the file $GITHUB_ENV, masks to its log
    Github,
    /// A section of ~/.aws/credentials
    Profile,
    /// A JSON object
    Json,
    /// What an SDK's `credential_process` reads
    Process,
}

/// How a child process reads its credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Via {
    /// The container-credentials endpoint: refreshed for as long as the program runs
    #[default]
    Endpoint,
    /// A web identity token file that the SDK exchanges itself; for connections without hops
    WebIdentity,
    /// Frozen keys in the environment: for programs that read nothing else
    Environment,
}

/// By which names a program finds a token and a role, beside those of AWS's SDKs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// None: AWS's own do
    #[default]
    Aws,
    /// CUBESTORE_AWS_WEB_IDENTITY_TOKEN_FILE and CUBESTORE_AWS_ROLE_ARN
    CubeStore,
    /// SPACELIFT_OIDC_TOKEN, which holds the first token and is not renewed
    Spacelift,
}

/// The kinds of key a workload may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum WorkloadKeyKind {
    /// ECDSA on P-256: small and fast to sign
    #[default]
    P256,
    /// RSA with 2048 bits: fast to verify
    Rsa2048,
}

/// Generations of AWS's error messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MessageGeneration {
    /// As seen from about July 2026
    #[default]
    Newer,
    /// As the documentation and older regions have them
    Older,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, such as component=cube_api".to_owned()),
    }
}

pub(crate) fn connect_to(text: &str) -> Result<(String, String), String> {
    let is_origin = |part: &str| part.starts_with("https://") || part.starts_with("http://");
    match text.split_once('=') {
        Some((origin, address)) if is_origin(origin) && is_origin(address) => Ok((
            origin.trim_end_matches('/').to_owned(),
            address.trim_end_matches('/').to_owned(),
        )),
        _ => Err(
            "expected ORIGIN=URL, such as https://oidc.example.com=http://127.0.0.1:4000"
                .to_owned(),
        ),
    }
}

const LONG_ABOUT: &str = "Keyless AWS access for everything you run.\n\n\
    Rolecall issues OIDC tokens to attested workloads, exchanges them for AWS sessions, walks \
    role chains, delivers the credentials in the form a program reads, and explains every denial.";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 unexpected, 2 usage, 3 configuration, 4 refused by \
    the issuer, 5 denied by AWS, 6 unreachable, 7 local file, port or state, 8 token not valid, 9 \
    the answer is no (a policy denies, findings are there, policies differ), 10 refused by the \
    admin API; \
    `exec` passes on the program's own.";
