//! What was acknowledged is on disk, whatever happens to the process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use rolecall_store::{AuditFilter, AuditKind, AuditRecord, Head, Outcome, Store, UsedAssertion};

const CHILD: &str = "ROLECALL_STORE_TEST_KILL";

#[test]
fn acknowledged_rows_survive_kill_nine() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return write_for_ever(Path::new(&folder));
    }
    let scratch = tempfile::tempdir().unwrap();
    let mut acknowledged = HashSet::new();
    // Each round starts on what the kill before it left behind.
    for round in 1..=4_usize {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "acknowledged_rows_survive_kill_nine",
                "--nocapture",
            ])
            .env(CHILD, scratch.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let enough = acknowledged.len() + 150 * round;
        while acknowledged.len() < enough {
            note(&mut acknowledged, &lines.next().unwrap().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Acknowledged before the kill, read after it. The last line may be torn.
        for line in lines.map_while(Result::ok) {
            note(&mut acknowledged, &line);
        }

        let store = Store::open(scratch.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let filter = AuditFilter::default();
        let on_disk: HashSet<(i64, String)> = runtime
            .block_on(store.reader().audit(&filter))
            .unwrap()
            .into_iter()
            .map(|row| (row.id, row.record.jti.unwrap()))
            .collect();
        runtime
            .block_on(store.reader().verify_audit(Head::START, |_| {}))
            .unwrap();
        let remembered: HashSet<String> = runtime
            .block_on(store.reader().used(0))
            .unwrap()
            .into_iter()
            .map(|used| used.jti)
            .collect();
        for (id, jti) in &acknowledged {
            assert!(on_disk.contains(&(*id, jti.clone())), "row {id} is lost");
            assert!(remembered.contains(jti), "assertion {jti} is forgotten");
        }
        // A row and its assertion stand or fall together.
        assert_eq!(on_disk.len(), remembered.len());
    }
}

fn note(acknowledged: &mut HashSet<(i64, String)>, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    if let ["ack", id, jti, "."] = words[..] {
        acknowledged.insert((id.parse().unwrap(), jti.to_owned()));
    }
}

fn write_for_ever(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let store = Store::open(folder).unwrap();
    runtime.block_on(async {
        let writers = (0..8).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for turn in 0_u64.. {
                    let jti = format!("{}-{writer}-{turn}", std::process::id());
                    let id = store.record(record(&jti), Some(used(&jti))).await.unwrap();
                    println!("ack {id} {jti} .");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
    });
}

fn record(jti: &str) -> AuditRecord {
    let mut record = AuditRecord::new(
        Timestamp::from_second(1_000).unwrap(),
        AuditKind::Mint,
        "acme",
        Outcome::Granted,
    );
    record.jti = Some(jti.to_owned());
    record
}

fn used(jti: &str) -> UsedAssertion {
    UsedAssertion {
        tenant: "acme".to_owned(),
        workload: "api".to_owned(),
        jti: jti.to_owned(),
        expires: 9_999_999_999,
    }
}
