#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use crate::*;

fn key(byte: u8) -> MasterKey {
    MasterKey::from_bytes(&[byte; 32]).unwrap()
}

proptest! {
    #[test]
    fn what_is_sealed_opens_for_its_record_only(
        secret in prop::collection::vec(any::<u8>(), 0..300),
        record in prop::collection::vec(any::<u8>(), 0..40),
        other in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let sealed = seal(&key(1), &record, &secret).unwrap();
        prop_assert_eq!(sealed.len(), secret.len() + 97);
        let opened = open(&key(1), &record, &sealed).unwrap();
        prop_assert_eq!(opened.expose_secret(), secret.as_slice());
        if other != record {
            prop_assert!(matches!(open(&key(1), &other, &sealed), Err(SealedError::NotAuthentic)));
        }
    }

    #[test]
    fn arbitrary_bytes_never_open(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(open(&key(1), b"", &bytes).is_err());
        let mut headed = vec![1];
        headed.extend(key(1).id());
        headed.extend(bytes);
        prop_assert!(open(&key(1), b"", &headed).is_err());
    }
}

#[test]
fn every_changed_bit_and_every_cut_is_noticed() {
    let sealed = seal(&key(1), b"tenant/kid", b"secret").unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            let error = open(&key(1), b"tenant/kid", &changed).unwrap_err();
            let expected = match at {
                0 => matches!(error, SealedError::Version { known: 1, .. }),
                1..9 => matches!(error, SealedError::OtherMasterKey),
                _ => matches!(error, SealedError::NotAuthentic),
            };
            assert!(expected, "{at}: {error:?}");
        }
        assert!(open(&key(1), b"tenant/kid", &sealed[..at]).is_err());
    }
    assert!(matches!(
        open(&key(1), b"", &[]),
        Err(SealedError::Truncated { length: 0 })
    ));
}

#[test]
fn the_data_key_of_one_record_does_not_open_another() {
    let first = seal(&key(1), b"a", b"secret one").unwrap();
    let second = seal(&key(1), b"a", b"secret two").unwrap();
    // Wrapped key of the first before the value of the second.
    let mixed = [&first[..69], &second[69..]].concat();
    assert!(matches!(
        open(&key(1), b"a", &mixed),
        Err(SealedError::NotAuthentic)
    ));
    assert_ne!(first, seal(&key(1), b"a", b"secret one").unwrap());
}

#[test]
fn a_value_moves_to_another_master_key() {
    let first = seal(&key(1), b"a", b"secret").unwrap();
    let second = reseal(&key(1), &key(2), b"a", &first).unwrap();
    assert_eq!(
        open(&key(2), b"a", &second).unwrap().expose_secret(),
        b"secret"
    );
    assert!(open(&key(1), b"a", &second).is_err());
    assert_eq!(reseal(&key(1), &key(2), b"a", &second).unwrap(), second);
    assert!(matches!(
        reseal(&key(3), &key(4), b"a", &first),
        Err(SealedError::OtherMasterKey)
    ));
    for sealed in [&first, &second] {
        assert!(matches!(
            reseal(&key(1), &key(2), b"b", sealed),
            Err(SealedError::NotAuthentic)
        ));
    }
}

#[test]
fn another_master_key_is_named_as_the_cause() {
    let sealed = seal(&key(1), b"", b"secret").unwrap();
    assert!(matches!(
        open(&key(2), b"", &sealed),
        Err(SealedError::OtherMasterKey)
    ));
}

#[test]
fn a_value_sealed_by_the_first_release_still_opens() {
    let sealed = include_bytes!("tests/sealed-1.bin");
    let opened = open(&key(7), b"acme/kid", sealed).unwrap();
    assert_eq!(opened.expose_secret(), b"kept since the first release");
}

#[test]
fn the_key_goes_through_base64_and_back() {
    let made = MasterKey::generate().unwrap();
    let text = made.to_base64();
    assert_eq!(text.expose_secret().len(), 44);
    let around = format!(" {}\n", text.expose_secret());
    assert_eq!(
        MasterKey::from_base64(&around.into()).unwrap().id(),
        made.id()
    );
    for wrong in ["", "AAAA", "not base64", &text.expose_secret()[..43]] {
        assert!(matches!(
            MasterKey::from_base64(&wrong.into()),
            Err(SealedError::MasterKeyForm)
        ));
    }
}

#[test]
fn nothing_printed_holds_the_key() {
    let made = MasterKey::generate().unwrap();
    let shown = format!("{made:?}");
    assert_eq!(shown.len(), "MasterKey(0123456789abcdef)".len());
    assert!(!shown.contains(made.to_base64().expose_secret()));
    assert!(!format!("{:?}", made.to_base64()).contains(made.to_base64().expose_secret()));
}

#[test]
fn the_file_is_made_once_private_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let (made, new) = read_or_create_key_file(&path).unwrap();
    assert!(new);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(fs::read(&path).unwrap().len(), 45);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let (again, new) = read_or_create_key_file(&path).unwrap();
    assert!(!new);
    assert_eq!(again.id(), made.id());
    assert!(matches!(
        create_key_file(&path),
        Err(SealedError::File {
            action: "created",
            ..
        })
    ));
    assert_eq!(read_key_file(&path).unwrap().id(), made.id());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn many_processes_starting_at_once_agree_on_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let ids: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| read_or_create_key_file(&path).unwrap().0.id()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn wrong_files_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    assert!(matches!(
        read_key_file(&path),
        Err(SealedError::File { action: "read", .. })
    ));
    create_key_file(&path).unwrap();
    for mode in [0o640, 0o604, 0o644, 0o610] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = read_key_file(&path).unwrap_err();
        assert!(matches!(error, SealedError::FileMode { mode: found, .. } if found == mode));
        assert!(
            error.to_string().contains(&format!("{mode:04o}")),
            "{error}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(read_key_file(&path).is_ok());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for content in ["", "short", &"A".repeat(5000)] {
        fs::write(&path, content).unwrap();
        assert!(matches!(
            read_key_file(&path),
            Err(SealedError::MasterKeyForm)
        ));
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        read_key_file(&path),
        Err(SealedError::MasterKeyForm)
    ));
    assert!(matches!(
        read_key_file(folder.path()),
        Err(SealedError::NotAFile { .. })
    ));
    let nowhere = folder.path().join("no/such/folder/key");
    assert!(matches!(
        read_or_create_key_file(&nowhere),
        Err(SealedError::File {
            action: "created",
            ..
        })
    ));
}
