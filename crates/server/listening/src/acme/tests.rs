#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;

/// A key and a certificate for `one.example` and `two.example` that began at `NOW` and lives 90
/// days, in one text.
fn pem() -> String {
    let names = ["one.example", "two.example"].map(str::to_owned);
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    let at =
        |seconds: i64| std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap());
    params.not_before = at(NOW).into();
    params.not_after = at(NOW + 90 * DAY).into();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    key.serialize_pem() + &certificate.pem()
}

fn settings(folder: &Path) -> AcmeSettings {
    AcmeSettings {
        directory: "https://authority.example/directory".to_owned(),
        contact: Vec::new(),
        ca: None,
        cache: folder.join("acme"),
        clients: None,
    }
}

#[test]
fn a_certificate_is_due_when_it_is_missing_too_narrow_or_two_thirds_old() {
    let folder = tempfile::tempdir().unwrap();
    let acme = Acme::open(settings(folder.path())).unwrap();
    let names =
        |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.to_owned()).collect() };
    let two = names(&["one.example", "two.example"]);
    assert_eq!(acme.due(&two, NOW), Some(Due::First));
    assert_eq!(acme.due(&[], NOW), None);
    acme.cache.keep_certificate(pem().as_bytes()).unwrap();
    let acme = Acme::open(settings(folder.path())).unwrap();
    for (days, due) in [
        (0, None),
        (59, None),
        (60, Some(Due::End)),
        (100, Some(Due::End)),
    ] {
        assert_eq!(acme.due(&two, NOW + days * DAY), due, "{days}");
    }
    assert_eq!(
        acme.due(&names(&["one.example", "three.example"]), NOW),
        Some(Due::Names)
    );
    assert_eq!(acme.due(&names(&["two.example"]), NOW), None);
}

#[test]
fn what_is_kept_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let acme = Acme::open(settings(folder.path())).unwrap();
    acme.cache.keep_account(b"{}").unwrap();
    acme.cache.keep_certificate(pem().as_bytes()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("acme")), 0o700);
    let files: Vec<_> = fs::read_dir(folder.path().join("acme"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 2);
    for file in &files {
        assert_eq!(mode(file), 0o600);
    }
    // What others could read is not taken.
    for file in files {
        fs::set_permissions(file, fs::Permissions::from_mode(0o644)).unwrap();
    }
    assert!(matches!(
        acme.cache.account(),
        Err(ListeningError::KeyMode { .. })
    ));
    assert!(
        Acme::open(settings(folder.path()))
            .unwrap()
            .tls
            .identity()
            .is_none()
    );
    fs::set_permissions(
        folder.path().join("acme"),
        fs::Permissions::from_mode(0o777),
    )
    .unwrap();
    assert!(matches!(
        Acme::open(settings(folder.path())),
        Err(ListeningError::FolderMode { .. })
    ));
}

#[test]
fn another_directory_has_other_files() {
    let folder = tempfile::tempdir().unwrap();
    let acme = Acme::open(settings(folder.path())).unwrap();
    acme.cache.keep_certificate(pem().as_bytes()).unwrap();
    let mut staging = settings(folder.path());
    staging.directory.push_str("-staging");
    assert!(Acme::open(staging).unwrap().tls.identity().is_none());
    assert!(
        Acme::open(settings(folder.path()))
            .unwrap()
            .tls
            .identity()
            .is_some()
    );
}

#[test]
fn names_are_each_there_once_and_no_addresses() {
    let names = ["b.example", "a.example", "127.0.0.1", "b.example", "[::1]"].map(str::to_owned);
    assert_eq!(ordered(names.to_vec()), ["a.example", "b.example"]);
}

proptest! {
    #[test]
    fn pauses_grow_and_stay_bounded(failures in 0_u32..10_000, random in any::<u8>()) {
        let this = pause(failures, random);
        prop_assert!(this >= Duration::from_secs(60));
        prop_assert!(this <= Duration::from_secs(6 * 3600 * 11 / 10));
        prop_assert!(pause(failures, 0) <= this);
        prop_assert!(pause(failures + 1, random) >= this);
    }
}
