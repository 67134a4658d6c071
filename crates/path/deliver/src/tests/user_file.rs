use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::{DeliverError, UserFile};

#[test]
fn mode_and_links_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("dotfiles/config");
    fs::create_dir(folder.path().join("dotfiles")).unwrap();
    fs::write(&real, "mine").unwrap();
    fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("config");
    symlink("dotfiles/config", &link).unwrap();
    let file = UserFile::new(&link);
    assert_eq!(file.read().unwrap(), b"mine");
    file.replace(b"mine", b"ours").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&real).unwrap(), b"ours");
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
    // Nothing else is left behind.
    assert_eq!(
        fs::read_dir(folder.path().join("dotfiles"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn a_new_file_and_its_folder_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".aws/config");
    let file = UserFile::new(&path);
    assert_eq!(file.read().unwrap(), b"");
    file.replace(b"", b"ours").unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777,
        0o700
    );
}

#[test]
fn what_somebody_else_wrote_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, "theirs").unwrap();
    let error = UserFile::new(&path).replace(b"mine", b"ours").unwrap_err();
    assert!(matches!(error, DeliverError::Changed { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
}

#[test]
fn a_link_to_nothing_yet_is_followed_and_a_circle_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("config");
    symlink("later", &link).unwrap();
    UserFile::new(&link).replace(b"", b"ours").unwrap();
    assert_eq!(fs::read(folder.path().join("later")).unwrap(), b"ours");
    let circle = folder.path().join("circle");
    symlink("circle", &circle).unwrap();
    assert!(UserFile::new(&circle).replace(b"", b"ours").is_err());
}
