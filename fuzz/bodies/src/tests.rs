//! Every body over its seeds and over random bytes.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use proptest::prelude::*;

use super::*;

#[test]
fn every_target_holds_for_its_seeds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds");
    for (target, body) in BODIES {
        let mut count = 0;
        for entry in std::fs::read_dir(seeds.join(target)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            body(&bytes);
            count += 1;
        }
        assert!(count > 0, "`{target}` has no seeds");
    }
}

#[test]
fn every_target_has_a_program() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets");
    let manifest = std::fs::read_to_string(targets.join("../Cargo.toml")).unwrap();
    for (target, _) in BODIES {
        let program = std::fs::read_to_string(targets.join(format!("{target}.rs"))).unwrap();
        assert!(program.contains(&format!("\"{target}\"")), "{target}");
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
    assert_eq!(std::fs::read_dir(targets).unwrap().count(), BODIES.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_target_holds_for_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for (_, body) in BODIES {
            body(&bytes);
        }
    }

    #[test]
    fn every_target_holds_for_any_text(text in "[a-z0-9{}\\[\\]\",:*?$ \\n=<>|#-]{0,200}") {
        for (_, body) in BODIES {
            body(text.as_bytes());
        }
    }
}
