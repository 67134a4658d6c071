//! How long a decision takes, and what it costs to explain one instead.
#![allow(clippy::unwrap_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use rolecall_source::SourceText;
use rolecall_trust::{CompiledPolicy, Context, Policy, Principal, Request};

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
  "Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev"},
  "Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],
  "Condition":{"StringEquals":{"acme.cubecloud.dev:aud":"sts.amazonaws.com"},
    "StringLike":{"acme.cubecloud.dev:sub":["cube:deployment:41:*","cube:deployment:*:component:cube_store"]}}}]}"#;

fn decide(criterion: &mut Criterion) {
    let source = SourceText::new("trust policy", POLICY);
    let compiled = CompiledPolicy::compile(&Policy::parse(&source).unwrap());
    let mut context = Context::new();
    context.set("acme.cubecloud.dev:aud", "sts.amazonaws.com");
    context.set(
        "acme.cubecloud.dev:sub",
        "cube:deployment:42:component:cube_store",
    );
    let request = Request {
        principal: Principal::Federated(
            "arn:aws:iam::123456789012:oidc-provider/acme.cubecloud.dev".to_owned(),
        ),
        action: "sts:AssumeRoleWithWebIdentity".to_owned(),
        resource: None,
        context,
    };
    let mut group = criterion.benchmark_group("trust");
    group.bench_function("read and compile", |bencher| {
        bencher.iter(|| CompiledPolicy::compile(&Policy::parse(&source).unwrap()));
    });
    group.bench_function("decide", |bencher| {
        bencher.iter(|| compiled.decide(&request));
    });
    group.bench_function("explain", |bencher| {
        bencher.iter(|| compiled.explain(&request));
    });
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
