//! How long proofs take: two policies compared, who can assume what, patterns made to be hard.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use rolecall_source::SourceText;
use rolecall_trust::prove::{Answer, Comparison, compare, who};
use rolecall_trust::{Policy, WebIdentity};

const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev";

fn main() {
    println!("{:<58} {:>12}", "proof", "time");
    comparisons();
    reachability();
}

fn comparisons() {
    let lists = |change: bool| {
        let mut patterns: Vec<String> = (0..62)
            .map(|at| format!("cube:deployment:{at}:environment:production-{at}:component:*"))
            .collect();
        if change {
            patterns[17] = patterns[17].replace("17:component", "17*:component");
        }
        patterns
    };
    let (old, new) = (policy(&[lists(false)]), policy(&[lists(true)]));
    println!("  policies of {} bytes", old.source().text.len());
    compared("62 patterns, the same", &old, &old);
    compared("62 patterns, one wider", &old, &new);
    let statements = |from: usize| -> Vec<Vec<String>> {
        (from..from + 14)
            .map(|at| {
                vec![
                    format!("cube:deployment:{at}:*"),
                    format!("cube:*:stack-{at}:*"),
                ]
            })
            .collect()
    };
    let (old, new) = (policy(&statements(0)), policy(&statements(1)));
    println!("  policies of {} bytes", old.source().text.len());
    compared("14 statements, one exchanged", &old, &new);
    let floating: Vec<String> = (0..12)
        .map(|at| format!("*:stack:s{at}:*:env:e{at}:*"))
        .collect();
    let (old, new) = (
        policy(std::slice::from_ref(&floating)),
        policy(&[floating[1..].to_vec()]),
    );
    compared("12 floating patterns, the same", &old, &old);
    compared("12 floating patterns, one gone", &new, &old);
    let broad = policy(&[vec!["*:stack:*:env:*".to_owned()]]);
    compared("one broad pattern in 12 floating ones", &old, &broad);
    let single = |count: usize| policy(&[vec![format!("*a{}", "?".repeat(count))]]);
    compared("`*a` with 12 `?` in one with 12", &single(12), &single(12));
    compared("`*a` with 12 `?` in one with 11", &single(11), &single(12));
    let both = |count: usize| policy(&[vec![format!("*a{}b*", "?".repeat(count))]]);
    compared("`*a` 12 `?` `b*` in one with 11", &both(11), &both(12));
    let halves = policy(&[vec![
        format!("*a{}", "?".repeat(12)),
        format!("*b{}", "?".repeat(12)),
    ]]);
    compared(
        "13 `?` behind a star in `*a…` or `*b…`",
        &halves,
        &policy(&[vec![format!("*{}", "?".repeat(13))]]),
    );
}

fn compared(name: &str, old: &Policy, new: &Policy) {
    let comparison = compare(old, new);
    let took = fastest(|| {
        black_box(compare(old, new));
    });
    println!("{name:<58} {:>12}   {}", shown(took), verdict(&comparison));
}

fn verdict(comparison: &Comparison) -> String {
    let word = |answer: &Answer| match answer {
        Answer::Nothing => "nothing more",
        Answer::More(_) => "more",
        Answer::Undecided(_) => "undecided",
    };
    let (new, old) = (
        word(&comparison.new_admits_more),
        word(&comparison.old_admits_more),
    );
    format!("new admits {new}, old {old}")
}

/// Roles and subjects as an organisation has them: most roles for one workload, some by pattern.
fn reachability() {
    let roles: Vec<Policy> = (0..10_000)
        .map(|at| match at % 10 {
            0..=4 => policy(&[vec![format!("cube:deployment:{at}:component:cube_api")]]),
            5..=7 => policy(&[vec![format!("cube:deployment:{at}:*")]]),
            8 => policy(&[vec![format!("cube:deployment:*:component:c{at}")]]),
            _ => policy(&[vec![format!("*:deployment:{at}:*:cube_*")]]),
        })
        .collect();
    let components = [
        "cube_api",
        "cube_store",
        "cube_refresh",
        "c8",
        "c18",
        "x",
        "y",
        "z",
        "u",
        "v",
    ];
    let callers: Vec<WebIdentity> = (0..100_000)
        .map(|at| {
            let subject = format!(
                "cube:deployment:{}:component:{}",
                at / 10,
                components[at % 10]
            );
            WebIdentity::plain(PROVIDER, "sts.amazonaws.com", &subject)
        })
        .collect();
    let mut pairs = 0;
    let took = once(3, || pairs = who(&roles, &callers).pairs());
    println!(
        "{:<58} {:>12}   {pairs} pairs",
        "who: 10,000 roles, 100,000 subjects",
        shown(took)
    );
}

fn policy(statements: &[Vec<String>]) -> Policy {
    let statements: Vec<String> = statements
        .iter()
        .map(|values| {
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            let values = values.join(", ");
            format!(
                r#"{{"Effect": "Allow", "Principal": {{"Federated": "{PROVIDER}"}}, "Action": "sts:AssumeRoleWithWebIdentity",
  "Condition": {{"StringEquals": {{"acme.cubecloud.dev:aud": "sts.amazonaws.com"}}, "StringLike": {{"acme.cubecloud.dev:sub": [{values}]}}}}}}"#
            )
        })
        .collect();
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#,
        statements.join(",\n")
    );
    Policy::parse(&SourceText::new("policy", text)).unwrap()
}

/// The shortest time of many runs, within a second.
fn fastest(mut work: impl FnMut()) -> Duration {
    let begun = Instant::now();
    let mut best = Duration::MAX;
    let mut runs = 0;
    while runs < 3 || (begun.elapsed() < Duration::from_secs(1) && runs < 2_000) {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
        runs += 1;
    }
    best
}

fn once(runs: usize, mut work: impl FnMut()) -> Duration {
    (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap()
}

fn shown(took: Duration) -> String {
    let micros = took.as_secs_f64() * 1e6;
    match micros {
        micros if micros < 1e3 => format!("{micros:.1} µs"),
        micros if micros < 1e6 => format!("{:.2} ms", micros / 1e3),
        micros => format!("{:.2} s", micros / 1e6),
    }
}
