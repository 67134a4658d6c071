//! What happens when a state folder is opened: made, refused, or carried on with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rolecall_store::{DATABASE_FILE, Location, Reader, SCHEMA_VERSION, Store, StoreError};
use rusqlite::Connection;

/// Everything in `folder`, with contents: what "nothing changed" is judged by.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn refused(folder: &Path) -> StoreError {
    let before = contents(folder);
    let error = Store::open(folder).unwrap_err();
    assert_eq!(contents(folder), before, "a refusal changed the folder");
    error
}

#[test]
fn a_missing_folder_is_made_private() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("a/b");
    drop(Store::open(&folder).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(DATABASE_FILE)), 0o600);
    assert_eq!(
        contents(&folder).into_keys().collect::<Vec<_>>(),
        [DATABASE_FILE]
    );
}

#[tokio::test]
async fn journal_files_are_private_too() {
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::open(scratch.path()).unwrap();
    store.declare(vec![], vec![], vec![], 1).await.unwrap();
    let wal = scratch.path().join(format!("{DATABASE_FILE}-wal"));
    let mode = std::fs::metadata(wal).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_newer_version_is_refused_untouched() {
    let scratch = tempfile::tempdir().unwrap();
    drop(Store::open(scratch.path()).unwrap());
    let database = scratch.path().join(DATABASE_FILE);
    Connection::open(&database)
        .unwrap()
        .execute("UPDATE meta SET schema_version = 999", [])
        .unwrap();
    let error = refused(scratch.path());
    assert!(matches!(
        error,
        StoreError::NewerVersion {
            found: 999,
            known: SCHEMA_VERSION,
            ..
        }
    ));
    let text = error
        .to_string()
        .replace(&database.display().to_string(), "DB");
    insta::assert_snapshot!(text, @"the state database `DB` has schema version 999, newer than the 2 this program knows");
    insta::assert_snapshot!(error.hint().unwrap(), @"Run the version of the program that wrote it, or a later one.");
}

#[test]
fn a_database_of_the_first_version_is_brought_up_to_date() {
    let scratch = tempfile::tempdir().unwrap();
    drop(Store::open(scratch.path()).unwrap());
    let database = scratch.path().join(DATABASE_FILE);
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch("DROP TABLE forgotten; UPDATE meta SET schema_version = 1")
        .unwrap();
    drop(connection);
    drop(Store::open(scratch.path()).unwrap());
    let version: i64 = Connection::open(&database)
        .unwrap()
        .query_row("SELECT schema_version FROM meta", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, SCHEMA_VERSION);
}

#[test]
fn an_impossible_version_is_refused_untouched() {
    for version in ["0", "-3"] {
        let scratch = tempfile::tempdir().unwrap();
        drop(Store::open(scratch.path()).unwrap());
        Connection::open(scratch.path().join(DATABASE_FILE))
            .unwrap()
            .execute(&format!("UPDATE meta SET schema_version = {version}"), [])
            .unwrap();
        assert!(matches!(
            refused(scratch.path()),
            StoreError::NotOurs { .. }
        ));
    }
}

#[test]
fn a_database_of_someone_else_is_refused_untouched() {
    let scratch = tempfile::tempdir().unwrap();
    Connection::open(scratch.path().join(DATABASE_FILE))
        .unwrap()
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    let error = refused(scratch.path());
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(
        scratch.path().join(DATABASE_FILE),
        "this was never a database ".repeat(200),
    )
    .unwrap();
    let error = refused(scratch.path());
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_database_with_torn_pages_is_damaged() {
    let scratch = tempfile::tempdir().unwrap();
    drop(Store::open(scratch.path()).unwrap());
    let database = scratch.path().join(DATABASE_FILE);
    let mut bytes = std::fs::read(&database).unwrap();
    assert!(bytes.len() > 8192);
    bytes[4096..].fill(0xA5);
    std::fs::write(&database, bytes).unwrap();
    let error = refused(scratch.path());
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn a_database_that_was_cut_short_is_damaged() {
    let scratch = tempfile::tempdir().unwrap();
    drop(Store::open(scratch.path()).unwrap());
    let database = scratch.path().join(DATABASE_FILE);
    let bytes = std::fs::read(&database).unwrap();
    std::fs::write(&database, &bytes[..5000]).unwrap();
    let error = refused(scratch.path());
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn an_empty_file_is_a_start_that_was_cut_short() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join(DATABASE_FILE), "").unwrap();
    drop(Store::open(scratch.path()).unwrap());
}

#[test]
fn a_second_holder_is_refused_until_the_first_lets_go() {
    let scratch = tempfile::tempdir().unwrap();
    let first = Store::open(scratch.path()).unwrap();
    assert!(matches!(
        Store::open(scratch.path()).unwrap_err(),
        StoreError::InUse { .. }
    ));
    drop(first);
    drop(Store::open(scratch.path()).unwrap());
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    std::fs::write(&file, "").unwrap();
    for folder in [file.join("state"), file] {
        let error = Store::open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::Folder { .. }), "{error}");
        assert!(error.to_string().contains(&folder.display().to_string()));
    }
}

#[tokio::test]
async fn the_trail_of_an_empty_folder_cannot_be_read() {
    let scratch = tempfile::tempdir().unwrap();
    let location = Location::Folder(scratch.path().to_path_buf());
    let error = Reader::open(&location).await.unwrap_err();
    assert!(matches!(error, StoreError::Folder { .. }), "{error}");
}

/// Permissions do not bind the super-user, so there the question is put by a child that is nobody.
#[test]
fn a_read_only_folder_is_refused_untouched() {
    if let Some(folder) = std::env::var_os("ROLECALL_STORE_TEST_READ_ONLY") {
        let error = Store::open(Path::new(&folder)).unwrap_err();
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (fresh, used) = (scratch.path().join("fresh"), scratch.path().join("used"));
    std::fs::create_dir(&fresh).unwrap();
    drop(Store::open(&used).unwrap());
    let database = used.join(DATABASE_FILE);
    let set = |path: &Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // Once the folder forbids writing, once only the database in it does.
    for (folder, folder_mode, file_mode) in [
        (&fresh, 0o555, 0o444),
        (&used, 0o555, 0o666),
        (&used, 0o777, 0o444),
    ] {
        set(&database, file_mode);
        set(folder, folder_mode);
        let before = contents(folder);
        let mut child = Command::new(readable_copy_of_this_test(scratch.path()));
        child
            .args(["--exact", "a_read_only_folder_is_refused_untouched"])
            .env("ROLECALL_STORE_TEST_READ_ONLY", folder);
        if rustix::process::geteuid().is_root() {
            child.uid(65_534).gid(65_534);
        }
        let output = child.output().unwrap();
        assert!(
            output.status.success(),
            "{folder:?} {folder_mode:o} {file_mode:o}: {}",
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(contents(folder), before, "a refusal changed the folder");
    }
    set(&fresh, 0o755);
    set(&used, 0o755);
}

/// The checkout may lie where nobody else can reach it.
fn readable_copy_of_this_test(scratch: &Path) -> std::path::PathBuf {
    let copy = scratch.join("test-binary");
    if !copy.exists() {
        std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy
}
