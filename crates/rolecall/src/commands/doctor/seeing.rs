//! This machine, as one user's programs see it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rolecall_doctor::{
    Answers, CachedLogin, FileFacts, Machine, Program, TextFile, TokenFacts, is_secret, programs,
    referenced,
};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};

use crate::agent_client::places;
use crate::cli::doctor::DoctorArgs;

/// Looks at variables and files, and on the network where that is allowed.
pub(super) async fn machine(args: &DoctorArgs) -> Machine {
    let variables = variables();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let user_file = |variable: &str, name: &str| {
        let named = variables.get(variable).filter(|path| !path.is_empty());
        let path = match (named, &home) {
            (Some(path), home) => match (path.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => PathBuf::from(path),
            },
            (None, Some(home)) => home.join(".aws").join(name),
            (None, None) => return TextFile::default(),
        };
        text_file(&path)
    };
    let mut machine = Machine {
        now: Timestamp::now(),
        asked_profile: args.profile.clone(),
        config: user_file("AWS_CONFIG_FILE", "config"),
        credentials: user_file("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        files: BTreeMap::new(),
        programs: BTreeMap::new(),
        caches: home.as_deref().map(caches).unwrap_or_default(),
        agent_socket: places()
            .into_iter()
            .find(|path| path.exists())
            .map(|path| path.display().to_string()),
        answers: Answers::default(),
        variables,
    };
    machine.files = referenced(&machine)
        .into_iter()
        .map(|path| (path.clone(), facts(Path::new(&path))))
        .collect();
    machine.programs = programs(&machine)
        .into_iter()
        .map(|word| (word.clone(), program(&word)))
        .collect();
    if !args.offline {
        machine.answers = answers(&machine).await;
    }
    machine
}

/// What matters to AWS's programs, secrets left out.
fn variables() -> BTreeMap<String, String> {
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| {
            name.starts_with("AWS_") || proxies.contains(&name.to_ascii_uppercase().as_str())
        })
        .map(|(name, value)| {
            let told = match is_secret(&name) {
                true if value.is_empty() => String::new(),
                true => "(kept back)".to_owned(),
                false => value.to_string_lossy().into_owned(),
            };
            (name, told)
        })
        .collect()
}

fn mode(path: &Path) -> Option<u32> {
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

fn text_file(path: &Path) -> TextFile {
    let told = path.display().to_string();
    match read(path, LARGEST_FILE) {
        Ok(bytes) => {
            let text =
                SecretString::from(String::from_utf8_lossy(bytes.expose_secret()).into_owned());
            TextFile::new(told, text.expose_secret(), mode(path))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => TextFile::absent(told),
        Err(error) => TextFile::unreadable(told, error.to_string()),
    }
}

/// What a file holds, up to so many bytes. A pipe is not opened: nobody may ever write into it.
fn read(path: &Path, most: u64) -> io::Result<SecretSlice<u8>> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_fifo() || kind.is_socket() {
        return Err(io::Error::other("it is a pipe or a socket, and no file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(SecretSlice::from(bytes))
}

/// As SDKs open it: they fill in no `~`.
fn facts(path: &Path) -> FileFacts {
    match read(path, LARGEST_TOKEN) {
        Ok(bytes) => FileFacts {
            exists: true,
            unreadable: None,
            mode: mode(path),
            token: TokenFacts::of(bytes.expose_secret()),
        },
        Err(error) => FileFacts {
            exists: error.kind() != io::ErrorKind::NotFound,
            unreadable: (error.kind() != io::ErrorKind::NotFound).then(|| error.to_string()),
            mode: mode(path),
            token: TokenFacts::default(),
        },
    }
}

/// As the system looks for a program that is run without a shell.
fn program(word: &str) -> Program {
    let candidates: Vec<PathBuf> = match word.contains('/') {
        true => vec![PathBuf::from(word)],
        false => {
            let search = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&search)
                .map(|folder| folder.join(word))
                .collect()
        }
    };
    let there: Vec<u32> = candidates
        .iter()
        .filter(|path| path.is_file())
        .filter_map(|path| mode(path))
        .collect();
    match there.iter().any(|mode| mode & 0o111 != 0) {
        true => Program::Found,
        false if there.is_empty() => Program::NotFound,
        false => Program::NotExecutable,
    }
}

/// The sessions that the aws CLI keeps.
fn caches(home: &Path) -> Vec<CachedLogin> {
    let folders = ["cli/cache", "sso/cache", "login/cache"];
    let files = folders
        .iter()
        .filter_map(|folder| fs::read_dir(home.join(".aws").join(folder)).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let mut caches: Vec<CachedLogin> = files
        .filter_map(|path| {
            let cached: serde_json::Value = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            // What an application registered by is kept longer, and is not a session.
            if cached.get("clientSecret").is_some() && cached.get("accessToken").is_none() {
                return None;
            }
            let ends = cached
                .pointer("/Credentials/Expiration")
                .or_else(|| cached.get("expiresAt"))?;
            Some(CachedLogin {
                path: path.display().to_string(),
                expires: ends.as_str()?.parse().ok()?,
            })
        })
        .collect();
    caches.sort_by(|one, other| one.path.cmp(&other.path));
    caches
}

async fn answers(machine: &Machine) -> Answers {
    let variable = |name: &str| {
        machine
            .variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let (clock, instance, container) = tokio::join!(
        sts_clock(
            variable("AWS_ENDPOINT_URL_STS").or_else(|| variable("AWS_ENDPOINT_URL")),
            variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")),
        ),
        instance(
            variable("AWS_EC2_METADATA_DISABLED"),
            variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        ),
        container(
            variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        ),
    );
    let (clock_ahead, sts) = match clock {
        Ok(ahead) => (Some(ahead), None),
        Err(why) => (None, Some(why)),
    };
    Answers {
        clock_ahead,
        sts,
        instance: Some(instance),
        container,
    }
}

/// How many seconds STS's clock is ahead, by the `Date` of whatever it answers (RFC 9110 §6.6.1).
async fn sts_clock(endpoint: Option<&str>, region: Option<&str>) -> Result<i64, String> {
    let regional = region
        .and_then(|region| region.parse().ok())
        .map(|region| rolecall_names::sts_endpoint(&region));
    let url = endpoint
        .map(str::to_owned)
        .or(regional)
        .unwrap_or_else(|| "https://sts.amazonaws.com".to_owned());
    let client = reqwest::Client::builder()
        .timeout(STS_TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let answer = client.head(&url).send().await.map_err(|error| {
        let mut told = error.without_url().to_string();
        told.insert_str(0, &format!("{url}: "));
        told
    })?;
    let date = answer
        .headers()
        .get("date")
        .and_then(|date| date.to_str().ok())
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .ok_or_else(|| format!("{url}: the answer has no date"))?;
    Ok(date.timestamp().as_second() - Timestamp::now().as_second())
}

async fn instance(disabled: Option<&str>, endpoint: Option<&str>) -> bool {
    if disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return false;
    }
    let endpoint = endpoint.unwrap_or("http://169.254.169.254");
    let client = reqwest::Client::builder()
        .timeout(NEARBY_TIMEOUT)
        .no_proxy()
        .build();
    let Ok(client) = client else { return false };
    let url = format!("{}/latest/api/token", endpoint.trim_end_matches('/'));
    let asked = client
        .put(url)
        .header("x-aws-ec2-metadata-token-ttl-seconds", "60")
        .send()
        .await;
    asked.is_ok_and(|answer| answer.status().is_success())
}

/// Whether somebody takes connections there. Nothing is asked: an answer would hold credentials.
async fn container(relative: Option<&str>, full: Option<&str>) -> Option<Result<(), String>> {
    let url = relative
        .map(|path| format!("http://169.254.170.2{path}"))
        .or_else(|| full.map(str::to_owned))?;
    let connected = async {
        let url = url::Url::parse(&url).map_err(|error| error.to_string())?;
        let host = url.host_str().ok_or("it names no host")?.to_owned();
        let port = url.port_or_known_default().ok_or("it names no port")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let connecting = tokio::net::TcpStream::connect((host, port));
        match tokio::time::timeout(NEARBY_TIMEOUT, connecting).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("nobody answered within a second".to_owned()),
        }
    };
    Some(connected.await)
}

const NEARBY_TIMEOUT: Duration = Duration::from_secs(1);
const STS_TIMEOUT: Duration = Duration::from_secs(3);
/// More than anybody keeps profiles in.
const LARGEST_FILE: u64 = 16 * 1024 * 1024;
/// STS takes no longer ones.
const LARGEST_TOKEN: u64 = 64 * 1024;
