//! The trust engine beside engines that others built, in one run on one machine: the npm package
//! `@cloud-copilot/iam-simulate` (as a program of its own) and the crate `iam-rs`.
//!
//! `cargo run --release --manifest-path peers/Cargo.toml`, after `./check` has installed the npm
//! packages. Every engine is asked the same questions, and its answers are compared with ours.

use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use iam_rs::{Arn, ContextValue, IAMPolicy, IAMRequest, PrincipalId};
use rolecall_source::SourceText;
use rolecall_trust::{CompiledPolicy, Context, Decision, Policy, Principal, Request};
use serde_json::json;

/// One policy, with the keys that `iam-simulate` looks at: it passes over keys it does not know.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["sts:AssumeRole","sts:TagSession"],
  "Condition":{"StringEquals":{"aws:RequestTag/aud":"sts.amazonaws.com"},
    "StringLike":{"aws:RequestTag/sub":["cube:deployment:41:*","cube:deployment:*:component:cube_store"]}}}]}"#;
const CALLER: &str = "arn:aws:iam::123456789012:user/deploy";
const ROLE: &str = "arn:aws:iam::123456789012:role/target";
/// Half of these are denied.
const SUBJECTS: [&str; 4] = [
    "cube:deployment:42:component:cube_store",
    "cube:deployment:42:component:cube_api",
    "cube:deployment:41:component:cube_api",
    "cube:deployment:4:component:cube_stores",
];

fn main() -> Result<(), Box<dyn Error>> {
    let (ours, answers) = ours()?;
    let (with_reading, _) = ours_with_reading()?;
    println!("Rolecall, compiled policy     {:>10.0} ns a decision", nanoseconds(ours));
    println!("Rolecall, with reading it     {:>10.0} ns", nanoseconds(with_reading));

    let (peer, theirs) = iam_rs()?;
    same("iam-rs", &answers, &theirs)?;
    told("iam-rs, policy read before", peer, ours);

    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (peer, theirs) = simulate(&repository)?;
    same("iam-simulate", &answers, &theirs)?;
    told("iam-simulate, with reading", peer, ours);
    println!(
        "{:<29} {:>10.0} times our time with reading",
        "",
        peer.as_secs_f64() / with_reading.as_secs_f64()
    );
    Ok(())
}

fn told(name: &str, peer: Duration, ours: Duration) {
    println!(
        "{name:<29} {:>10.0} ns, {:.1} times ours",
        nanoseconds(peer),
        peer.as_secs_f64() / ours.as_secs_f64()
    );
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

fn same(name: &str, ours: &[bool], theirs: &[bool]) -> Result<(), Box<dyn Error>> {
    if ours == theirs {
        return Ok(());
    }
    Err(format!("{name} answers {theirs:?} where we answer {ours:?}: nothing to compare").into())
}

fn request(subject: &str) -> Request {
    let mut context = Context::new();
    context.set("aws:RequestTag/aud", "sts.amazonaws.com");
    context.set("aws:RequestTag/sub", subject);
    Request {
        principal: Principal::aws(CALLER),
        action: "sts:AssumeRole".to_owned(),
        resource: None,
        context,
    }
}

fn ours() -> Result<(Duration, Vec<bool>), Box<dyn Error>> {
    let compiled = CompiledPolicy::compile(&Policy::parse(&SourceText::new("policy", POLICY))?);
    let requests = SUBJECTS.map(request);
    let time = timed(|at| black_box(compiled.decide(&requests[at % SUBJECTS.len()])));
    let answers = requests.iter().map(|request| compiled.decide(request) == Decision::Allow);
    Ok((time, answers.collect()))
}

fn ours_with_reading() -> Result<(Duration, Vec<bool>), Box<dyn Error>> {
    let source = SourceText::new("policy", POLICY);
    let requests = SUBJECTS.map(request);
    let time = timed(|at| {
        let policy = Policy::parse(black_box(&source)).map(|policy| CompiledPolicy::compile(&policy));
        black_box(policy.map(|policy| policy.decide(&requests[at % SUBJECTS.len()])))
    });
    Ok((time, Vec::new()))
}

fn iam_rs() -> Result<(Duration, Vec<bool>), Box<dyn Error>> {
    let mut policy: serde_json::Value = serde_json::from_str(POLICY)?;
    // It wants a resource in every statement; a trust policy has none.
    policy["Statement"][0]["Resource"] = json!("*");
    let policy: IAMPolicy = serde_json::from_value(policy)?;
    let mut requests = Vec::new();
    for subject in SUBJECTS {
        let mut context = iam_rs::Context::new();
        let text = |text: &str| ContextValue::String(text.to_owned());
        context.insert("aws:RequestTag/aud".to_owned(), text("sts.amazonaws.com"));
        context.insert("aws:RequestTag/sub".to_owned(), text(subject));
        requests.push(IAMRequest::new_with_context(
            iam_rs::Principal::Aws(PrincipalId::String("arn:aws:iam::123456789012:root".to_owned())),
            "sts:AssumeRole",
            Arn::parse(ROLE)?,
            context,
        ));
    }
    let time = timed(|at| black_box(iam_rs::evaluate_policy(&policy, &requests[at % SUBJECTS.len()])));
    let mut answers = Vec::new();
    for request in &requests {
        answers.push(iam_rs::evaluate_policy(&policy, request)? == iam_rs::Decision::Allow);
    }
    Ok((time, answers))
}

/// The middle of nine rounds of a fifth of a second.
fn timed<T>(mut one: impl FnMut(usize) -> T) -> Duration {
    let mut rounds: Vec<Duration> = (0..9)
        .map(|_| {
            let (start, mut count) = (Instant::now(), 0_usize);
            while start.elapsed() < Duration::from_millis(200) {
                for _ in 0..64 {
                    black_box(one(count));
                    count += 1;
                }
            }
            start.elapsed() / u32::try_from(count).unwrap_or(u32::MAX)
        })
        .collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

/// As a program of its own; its start is taken off by asking few and many.
fn simulate(repository: &Path) -> Result<(Duration, Vec<bool>), Box<dyn Error>> {
    let packages = repository.join("stories/node/node_modules");
    if !packages.join("@cloud-copilot/iam-simulate").is_dir() {
        return Err("the npm packages are not there: run `./check` once, it installs them".into());
    }
    let ask = |count: usize| -> Result<(Duration, Vec<bool>), Box<dyn Error>> {
        let policy: serde_json::Value = serde_json::from_str(POLICY)?;
        let mut questions = String::new();
        for at in 0..count {
            let question = json!({
                "policy": policy, "principal": CALLER, "action": "sts:AssumeRole",
                "context": {
                    "aws:RequestTag/aud": "sts.amazonaws.com",
                    "aws:RequestTag/sub": SUBJECTS[at % SUBJECTS.len()],
                },
            });
            questions.push_str(&format!("{question}\n"));
        }
        let script: PathBuf = repository.join("stories/trust-differential/decide.mjs");
        let start = Instant::now();
        let mut node = Command::new("node")
            .arg(script)
            .arg(&packages)
            .arg(ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = node.stdin.take().ok_or("no input")?;
        let writer = std::thread::spawn(move || input.write_all(questions.as_bytes()));
        let output = node.wait_with_output()?;
        let time = start.elapsed();
        writer.join().map_err(|_| "the writer stopped")??;
        let answers = String::from_utf8(output.stdout)?;
        Ok((time, answers.lines().map(|word| word == "allow").collect()))
    };
    let (few, answers) = ask(1_000)?;
    let (many, _) = ask(9_000)?;
    let answers = answers.into_iter().take(SUBJECTS.len()).collect();
    Ok((many.saturating_sub(few) / 8_000, answers))
}
