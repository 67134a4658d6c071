use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::{Hands, Tokens, noon, passing};
use crate::{SecretFile, keep_token_fresh};

#[test]
fn a_file_is_private_and_ends_where_the_secret_ends() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    file.write(&"canary.token\n".into()).unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "canary.token");
    let mode = fs::metadata(file.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_loose_file_is_tight_after_the_first_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    SecretFile::new(&path).write(&"new".into()).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_reader_keeps_the_whole_old_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    file.write(&"first".into()).unwrap();
    let mut reader = fs::File::open(file.path()).unwrap();
    file.write(&"second".into()).unwrap();
    assert_eq!(io::read_to_string(&mut reader).unwrap(), "first");
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "second");
}

/// Cube Store asks for the time of the last change again and again, and reads the file when it is
/// another.
#[test]
fn a_reader_that_polls_sees_whole_tokens_and_every_change() {
    const WRITES: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    let token = |number: usize| format!("{number}.{}", "x".repeat(1 + number * 97 % 5_000));
    file.write(&token(0).into()).unwrap();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (path, done) = (file.path().to_owned(), done.clone());
            std::thread::spawn(move || {
                let (mut last, mut seen, mut number) = (SystemTime::UNIX_EPOCH, 0, 0);
                while !done.load(Ordering::Relaxed) {
                    let changed = fs::metadata(&path).unwrap().modified().unwrap();
                    assert!(changed >= last, "the time of the last change went back");
                    if changed == last {
                        continue;
                    }
                    let text = fs::read_to_string(&path).unwrap();
                    let found: usize = text.split_once('.').unwrap().0.parse().unwrap();
                    assert_eq!(text, token(found), "a torn token");
                    assert!(found >= number, "an older token came back");
                    (last, seen, number) = (changed, seen + 1, found);
                }
                (seen, fs::read_to_string(&path).unwrap())
            })
        })
        .collect();
    for number in 1..=WRITES {
        file.write(&token(number).into()).unwrap();
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        let (seen, text) = reader.join().unwrap();
        assert!(seen > 1, "a reader saw no change");
        assert_eq!(text, token(WRITES));
    }
}

#[test]
fn the_modification_time_always_advances() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    let modified = || fs::metadata(file.path()).unwrap().modified().unwrap();
    file.write(&"0".into()).unwrap();
    let mut last = modified();
    for number in 0..5 {
        file.write(&number.to_string().into()).unwrap();
        assert!(modified() > last, "write {number}");
        last = modified();
    }
    // As after a clock that was set back.
    let future = SystemTime::now() + Duration::from_secs(3600);
    fs::File::open(file.path())
        .unwrap()
        .set_modified(future)
        .unwrap();
    file.write(&"later".into()).unwrap();
    assert!(modified() > future);
}

#[test]
fn a_full_disk_leaves_the_old_content_and_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    file.write(&"old".into()).unwrap();
    let error = file
        .replace(|new| {
            new.write_all(b"ha")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no storage space; what was there before is unchanged")
    );
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "old");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_hold_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &std::path::Path| {
        SecretFile::new(path)
            .write(&"canary".into())
            .unwrap_err()
            .to_string()
            .replace(folder.path().to_str().unwrap(), "FOLDER")
    };
    insta::assert_snapshot!(message(folder.path()), @"`FOLDER` cannot be written: is a directory; what was there before is unchanged");
    let missing = message(&folder.path().join("none/token"));
    assert!(
        missing.starts_with("`FOLDER/none/token` cannot be written: No such file"),
        "{missing}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_kept_token_is_replaced_at_half_of_its_life() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    let clock = passing();
    let source = Tokens::new(clock.clone());
    let first = crate::token_file::renew(source.as_ref(), &file)
        .await
        .unwrap();
    let (renewed, mut renewals) = tokio::sync::mpsc::unbounded_channel();
    let start = tokio::time::Instant::now();
    let (keeper, kept) = (source.clone(), file.clone());
    let task = tokio::spawn(async move {
        keep_token_fresh(keeper, kept, &first, clock, move |result| {
            renewed.send(result.is_ok()).unwrap();
        })
        .await;
    });
    assert_eq!(renewals.recv().await, Some(true));
    assert_eq!(start.elapsed().as_secs(), 1800);
    assert_eq!(fs::read_to_string(file.path()).unwrap(), "canary.token.2");
    assert_eq!(renewals.recv().await, Some(true));
    assert_eq!(source.fetches.load(Ordering::SeqCst), 3);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_written_is_tried_again_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    let clock = passing();
    let source = Tokens::new(clock.clone());
    let first = crate::token_file::renew(source.as_ref(), &file)
        .await
        .unwrap();
    fs::remove_file(file.path()).unwrap();
    fs::create_dir(file.path()).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (signal, mut signals) = tokio::sync::mpsc::unbounded_channel();
    let (kept, lines) = (file.clone(), told.clone());
    let task = tokio::spawn(async move {
        keep_token_fresh(source, kept, &first, clock, move |result| {
            lines
                .lock()
                .unwrap()
                .push(result.map(|_| ()).map_err(ToString::to_string));
            signal.send(()).unwrap();
        })
        .await;
    });
    signals.recv().await;
    signals.recv().await;
    fs::remove_dir(file.path()).unwrap();
    signals.recv().await;
    task.abort();
    let told = told.lock().unwrap();
    assert!(
        told[0].is_err() && told[1].is_err() && told[2].is_ok(),
        "{told:?}"
    );
    assert!(!format!("{told:?}").contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_renews_as_soon_as_it_wakes() {
    let folder = tempfile::tempdir().unwrap();
    let file = SecretFile::new(folder.path().join("token"));
    let hands = Hands::at_noon();
    let source = Tokens::new(hands.clock());
    let first = crate::token_file::renew(source.as_ref(), &file)
        .await
        .unwrap();
    let (renewed, mut renewals) = tokio::sync::mpsc::unbounded_channel();
    let (kept, clock) = (file.clone(), hands.clock());
    let task = tokio::spawn(async move {
        keep_token_fresh(source, kept, &first, clock, move |result| {
            renewed.send(result.is_ok()).unwrap();
        })
        .await;
    });
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(renewals.try_recv().is_err(), "nothing was due");
    hands.forward(31);
    let woken = tokio::time::Instant::now();
    assert_eq!(renewals.recv().await, Some(true));
    assert!(woken.elapsed() <= Duration::from_secs(5));
    assert!(noon() < hands.clock().now());
    task.abort();
}
