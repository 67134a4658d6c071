//! Signals reach the child. In a process of its own, since the signals are sent to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

use rolecall_deliver::{ChildSettings, Clock, Credentials, Delivery, Execution, exec};
use rustix::process::{Signal, getpid, kill_process};

#[tokio::test]
async fn each_forwarded_signal_reaches_the_child_and_its_code_comes_back() {
    // The terminal's own signals are forwarded only where no terminal has sent them already.
    for (signal, name, code) in [(Signal::TERM, "TERM", 7), (Signal::HUP, "HUP", 8)] {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        assert!(
            Command::new("mkfifo")
                .arg(&ready)
                .status()
                .unwrap()
                .success()
        );
        let script =
            format!(r#"trap 'exit {code}' {name}; echo > "$READY"; while :; do sleep 0.01; done"#);
        let execution = Execution {
            program: "sh".into(),
            arguments: vec!["-c".into(), script.into()],
            inherited: vec![
                ("PATH".into(), std::env::var_os("PATH").unwrap()),
                ("READY".into(), ready.clone().into()),
            ],
            settings: ChildSettings::default(),
            tokens: Vec::new(),
            clock: Clock::system(),
        };
        let delivery = Delivery::Environment {
            credentials: Credentials {
                access_key_id: "ASIAEXAMPLE".to_owned(),
                secret_access_key: "x".into(),
                session_token: "x".into(),
                expiration: "2026-11-23T13:00:00Z".parse().unwrap(),
                account_id: None,
                role_arn: None,
            },
        };
        let running = tokio::spawn(exec(execution, delivery));
        // Returns once the child has set its trap.
        tokio::fs::read(&ready).await.unwrap();
        kill_process(getpid(), signal).unwrap();
        assert_eq!(running.await.unwrap().unwrap(), code, "{name}");
    }
}
