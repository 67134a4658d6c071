//! Arguments of `rolecall issuer`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Output;

/// `rolecall issuer`
#[derive(Debug, Subcommand)]
pub enum IssuerCommand {
    /// Look at an issuer from outside, as AWS would, and judge each step
    #[command(
        after_help = "Examples:\n  rolecall issuer check https://oidc.example.com\n  \
                      rolecall issuer check https://oidc.example.com --ca-file ca.pem \
                      --connect-to oidc.example.com:443:127.0.0.1:8443"
    )]
    Check(IssuerCheckArgs),
    /// Write discovery and JWKS where a web server or a bucket shows them, so that the installation itself is seen by nobody
    #[command(
        after_help = "Examples:\n  rolecall issuer publish https://oidc.example.com --from http://127.0.0.1:4000 --to /srv/www\n  \
                      rolecall issuer publish https://oidc.example.com --from http://127.0.0.1:4000 --to s3://bucket --watch"
    )]
    Publish(IssuerPublishArgs),
}

/// `rolecall issuer publish`
#[derive(Debug, Args)]
pub struct IssuerPublishArgs {
    /// The issuers, exactly as the tenants have them
    #[arg(value_name = "URL", required = true)]
    pub issuers: Vec<String>,
    /// Where the installation listens; the issuer's host goes along as `Host`
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Where the tenant is served, if that is not the issuer itself: a tenant whose
    /// `federation.issuer` says what it is called to the outside; for one issuer
    #[arg(long, value_name = "URL")]
    pub served_as: Option<String>,
    /// A folder, `s3://BUCKET/PREFIX`, or `-` for standard output
    #[arg(long, value_name = "PLACE")]
    pub to: rolecall_publishing::Shelf,
    /// Do not look afterwards whether the documents are at the issuer's URL
    #[arg(long)]
    pub no_check: bool,
    /// Stay, and publish again whenever keys are rotated
    #[arg(long)]
    pub watch: bool,
}

/// `rolecall issuer check`
#[derive(Debug, Args)]
pub struct IssuerCheckArgs {
    /// The issuer's URL, exactly as it is registered in IAM
    #[arg(value_name = "URL")]
    pub issuer: String,
    /// Reach a host at another address, its name kept; may be given more than once
    #[arg(long, value_name = "HOST:PORT:ADDRESS[:PORT]", value_parser = moved)]
    pub connect_to: Vec<Moved>,
    /// Certificates (PEM) of the private authority that signed for the issuer
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// A host and port, and the address at which it is reached instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The host, an IPv6 address in brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Where it is reached.
    pub to: SocketAddr,
}

fn moved(text: &str) -> Result<Moved, String> {
    read_moved(text).ok_or_else(|| {
        "expected HOST:PORT:ADDRESS or HOST:PORT:ADDRESS:PORT, such as \
         oidc.example.com:443:127.0.0.1:8443"
            .to_owned()
    })
}

fn read_moved(text: &str) -> Option<Moved> {
    let host_end = if text.starts_with('[') {
        text.find(']')? + 1
    } else {
        text.find(':')?
    };
    let (host, rest) = text.split_at(host_end);
    let (port, address) = rest.strip_prefix(':')?.split_once(':')?;
    let port = port.parse().ok()?;
    let alone = address.trim_start_matches('[').trim_end_matches(']');
    let to = match alone.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port),
        Err(_) => address.parse().ok()?,
    };
    (!host.is_empty()).then(|| Moved {
        host: host.to_ascii_lowercase(),
        port,
        to,
    })
}

#[cfg(test)]
mod tests {
    use super::moved;

    #[test]
    fn hosts_are_moved_with_and_without_a_port_of_their_own() {
        let to = |text: &str| {
            moved(text).map(|moved| format!("{} {} {}", moved.host, moved.port, moved.to))
        };
        assert_eq!(
            to("A.example:443:127.0.0.1").unwrap(),
            "a.example 443 127.0.0.1:443"
        );
        assert_eq!(
            to("a.example:443:127.0.0.1:8443").unwrap(),
            "a.example 443 127.0.0.1:8443"
        );
        assert_eq!(to("[::1]:443:[::1]:8443").unwrap(), "[::1] 443 [::1]:8443");
        assert_eq!(
            to("a.example:443:[::1]").unwrap(),
            "a.example 443 [::1]:443"
        );
        for wrong in [
            "",
            "a.example",
            "a.example:443",
            "a.example:x:127.0.0.1",
            ":443:127.0.0.1",
            "a:443:b",
        ] {
            assert!(to(wrong).is_err(), "{wrong}");
        }
    }
}
