#![allow(clippy::unwrap_used)]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

struct Made {
    root: CertifiedIssuer<'static, KeyPair>,
    middle: CertifiedIssuer<'static, KeyPair>,
    own: String,
    key: String,
}

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// A certificate for `oidc.acme.example` and `*.cubecloud.example` that is valid from 30 days ago
/// for 90 days.
fn made() -> Made {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params
    };
    let root =
        CertifiedIssuer::self_signed(authority("Root"), KeyPair::generate().unwrap()).unwrap();
    let middle =
        CertifiedIssuer::signed_by(authority("Middle"), KeyPair::generate().unwrap(), &root)
            .unwrap();
    let names = ["oidc.acme.example", "*.cubecloud.example", "127.0.0.1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).unwrap();
    let at = |seconds| std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    params.not_before = at((NOW - 30 * DAY) as u64).into();
    params.not_after = at((NOW + 60 * DAY) as u64).into();
    let key = KeyPair::generate().unwrap();
    let own = params.signed_by(&key, &middle).unwrap().pem();
    Made {
        root,
        middle,
        own,
        key: key.serialize_pem(),
    }
}

fn read(certificate: &str, key: &str) -> Result<Identity, String> {
    let text = PairText {
        certificate_path: Path::new("chain.pem"),
        certificate: certificate.as_bytes(),
        key_path: Path::new("key.pem"),
        key: key.as_bytes(),
    };
    Identity::read(text, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|error| error.to_string())
}

#[test]
fn a_chain_in_order_is_taken() {
    let made = made();
    for chain in [
        made.own.clone(),
        made.own.clone() + &made.middle.pem(),
        made.own.clone() + &made.middle.pem() + &made.root.pem(),
        // Whoever keeps all in one file.
        made.key.clone() + &made.own + &made.middle.pem(),
    ] {
        let identity = read(&chain, &made.key).unwrap();
        assert_eq!(identity.ends(), NOW + 60 * DAY);
        assert_eq!(identity.begins(), NOW - 30 * DAY);
    }
}

#[test]
fn what_does_not_belong_together_is_told_apart() {
    let made = made();
    let other = self::made();
    let broken = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let told = |certificate: &str, key: &str| read(certificate, key).unwrap_err();
    insta::assert_snapshot!(told("", &made.key), @"`chain.pem` holds no certificate: expected PEM, beginning with `-----BEGIN CERTIFICATE-----`");
    insta::assert_snapshot!(told(&made.key, &made.key), @"`chain.pem` holds no certificate: expected PEM, beginning with `-----BEGIN CERTIFICATE-----`");
    insta::assert_snapshot!(told(&made.own, ""), @"`key.pem` holds no private key: expected PEM, such as `-----BEGIN PRIVATE KEY-----`");
    insta::assert_snapshot!(told(&made.own, &made.own), @"`key.pem` holds no private key: expected PEM, such as `-----BEGIN PRIVATE KEY-----`");
    insta::assert_snapshot!(told(&made.own, encrypted), @"the private key in `key.pem` is encrypted; write it without a passphrase and with mode 0600: `openssl pkey -in FILE -out NEW`");
    insta::assert_snapshot!(told(&(made.own.clone() + broken), &made.key), @"certificate 2 in `chain.pem` cannot be read: it is no X.509 certificate");
    insta::assert_snapshot!(told(&made.own, &other.key), @"the private key in `key.pem` does not fit the certificate in `chain.pem`; one of the two is of another time or another host");
    insta::assert_snapshot!(told(&(made.middle.pem() + &made.own), &made.key), @"the chain in `chain.pem` is in the wrong order: the certificate of the key is number 2, and must come first");
    insta::assert_snapshot!(told(&(made.own.clone() + &made.root.pem() + &made.middle.pem()), &made.key), @"the chain in `chain.pem` is in the wrong order: certificate 1 was signed by `CN=Middle`, but `CN=Root` follows it; put each one's signer behind it");
}

#[test]
fn concerns_are_those_that_clients_will_have() {
    let made = made();
    let identity = read(&made.own, &made.key).unwrap();
    let told = |now: i64, hosts: &[&str]| {
        let concerns = identity.concerns(now, hosts.iter().copied());
        let told: Vec<String> = concerns.iter().map(ToString::to_string).collect();
        told.join("\n")
    };
    let well = ["oidc.acme.example", "a.cubecloud.example", "127.0.0.1"];
    assert_eq!(told(NOW, &well), "");
    insta::assert_snapshot!(told(NOW, &["cubecloud.example", "a.b.cubecloud.example", "[::1]"]), @r#"
the certificate is not for `cubecloud.example`, and clients that ask for it there refuse it
the certificate is not for `a.b.cubecloud.example`, and clients that ask for it there refuse it
the certificate is not for `[::1]`, and clients that ask for it there refuse it
"#);
    insta::assert_snapshot!(told(NOW + 50 * DAY, &[]), @"the certificate ends in 10 days; renew it, the new files are taken over without a restart");
    insta::assert_snapshot!(told(NOW + 60 * DAY, &[]), @"the certificate ended 0 seconds ago, and clients refuse it; renew it");
    insta::assert_snapshot!(told(NOW - 31 * DAY, &[]), @"the certificate begins in 24 hours, and clients refuse it until then; look at the clocks of this machine and of the one that made it");
    let authority = read(&made.root.pem(), &made.root.key().serialize_pem()).unwrap();
    assert_eq!(authority.concerns(NOW, []), [Concern::Authority]);
}

#[test]
fn debug_shows_no_key() {
    let made = made();
    let shown = format!("{:?}", read(&made.own, &made.key).unwrap());
    assert_eq!(
        shown,
        format!(
            "Identity {{ begins: {}, ends: {}, .. }}",
            NOW - 30 * DAY,
            NOW + 60 * DAY
        )
    );
}
