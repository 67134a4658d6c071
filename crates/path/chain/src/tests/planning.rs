use super::plan;

#[test]
fn a_plan_reads_as_text() {
    let plan = plan(|_| (), &[]).unwrap();
    insta::assert_snapshot!(plan.explain(), @r#"
    plan for connection `athena`
      token     config `aws`
      sts       https://sts.us-east-1.amazonaws.com (from default)
      region    us-east-1 (from the connection)

    1. AssumeRoleWithWebIdentity
      role      arn:aws:iam::123456789012:role/cube/First
      session   cube-api-cube_api
      lasts     14400 s
      becomes   arn:aws:sts::123456789012:assumed-role/First/cube-api-cube_api
      trust     allow `sts:AssumeRoleWithWebIdentity` to the identity provider of the token's issuer, with conditions that admit the token's `sub` and `aud`
      trust     where it has a condition on `sts:RoleSessionName`: admit `cube-api-cube_api`
      trust     where the token carries session tags or a source identity: allow `sts:TagSession` or `sts:SetSourceIdentity` too, here and at every hop

    2. AssumeRole
      role      arn:aws:iam::222222222222:role/Second
      session   cube-api-cube_api
      lasts     900 s (role chaining: at most 3600 s)
      external  id sent, not shown
      tag       component=cube_api
      tag       team=data (kept by later hops)
      identity  cube-api (source identity)
      bounded   by arn:aws:iam::aws:policy/ReadOnlyAccess
      becomes   arn:aws:sts::222222222222:assumed-role/Second/cube-api-cube_api
      trust     allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` to `arn:aws:iam::123456789012:role/cube/First` or its account 123456789012
      trust     name this hop's `external_id` in its condition on `sts:ExternalId`
      policy    of the role before: allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` on `arn:aws:iam::222222222222:role/Second`

    note: step 1 asks for 14400 s: the role's maximum session duration must have been raised to that from the 3600 s that IAM gives

    note: the first session may last 14400 s, but what is delivered is the last one's, 900 s: AWS caps role chaining at 3600 s
    "#);
}

#[test]
fn a_plan_reads_as_json() {
    let plan = plan(|_| (), &[("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:5000")]).unwrap();
    let json = serde_json::to_string_pretty(&plan.explain_json()).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "connection": "athena",
      "token_config": "aws",
      "region": "us-east-1",
      "region_from": "the connection",
      "endpoint": "http://127.0.0.1:5000",
      "endpoint_from": "AWS_ENDPOINT_URL_STS",
      "steps": [
        {
          "call": "AssumeRoleWithWebIdentity",
          "role": "arn:aws:iam::123456789012:role/cube/First",
          "account": "123456789012",
          "partition": "aws",
          "session_name": "cube-api-cube_api",
          "session_arn": "arn:aws:sts::123456789012:assumed-role/First/cube-api-cube_api",
          "duration_seconds": 14400,
          "session_policy": null,
          "policy_arns": [],
          "trust_policy_needs": [
            "allow `sts:AssumeRoleWithWebIdentity` to the identity provider of the token's issuer, with conditions that admit the token's `sub` and `aud`",
            "where it has a condition on `sts:RoleSessionName`: admit `cube-api-cube_api`",
            "where the token carries session tags or a source identity: allow `sts:TagSession` or `sts:SetSourceIdentity` too, here and at every hop"
          ],
          "identity_policy_needs": []
        },
        {
          "call": "AssumeRole",
          "role": "arn:aws:iam::222222222222:role/Second",
          "account": "222222222222",
          "partition": "aws",
          "session_name": "cube-api-cube_api",
          "session_arn": "arn:aws:sts::222222222222:assumed-role/Second/cube-api-cube_api",
          "duration_seconds": 900,
          "session_policy": null,
          "policy_arns": [
            "arn:aws:iam::aws:policy/ReadOnlyAccess"
          ],
          "external_id_sent": true,
          "tags": {
            "component": "cube_api",
            "team": "data"
          },
          "transitive_tag_keys": [
            "team"
          ],
          "source_identity": "cube-api",
          "trust_policy_needs": [
            "allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` to `arn:aws:iam::123456789012:role/cube/First` or its account 123456789012",
            "name this hop's `external_id` in its condition on `sts:ExternalId`"
          ],
          "identity_policy_needs": [
            "allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` on `arn:aws:iam::222222222222:role/Second`"
          ]
        }
      ],
      "notes": [
        "step 1 asks for 14400 s: the role's maximum session duration must have been raised to that from the 3600 s that IAM gives",
        "the first session may last 14400 s, but what is delivered is the last one's, 900 s: AWS caps role chaining at 3600 s"
      ]
    }
    "#);
}

#[test]
fn what_a_hop_carries_is_needed_at_every_later_role() {
    let plan = plan(
        |form| {
            form["hops"]
                .as_array_mut()
                .unwrap()
                .push(serde_json::json!({
                    "role": "arn:aws:iam::222222222222:role/Third",
                }));
        },
        &[],
    )
    .unwrap();
    let third = &plan.steps()[2];
    insta::assert_snapshot!(third.trust_policy_needs().join("\n"), @r#"
    allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` to `arn:aws:iam::222222222222:role/Second` or its account 222222222222
    have no condition on `sts:ExternalId`, since this hop sends none
    "#);
    insta::assert_snapshot!(third.identity_policy_needs().join("\n"), @"allow `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity` on `arn:aws:iam::222222222222:role/Third`, unless the trust policy names the role itself (same account)");
    assert_eq!(third.session_name().as_str(), "cube-api-cube_api");
}

#[test]
fn a_plan_without_hops_has_no_chaining_in_it() {
    let plan = plan(
        |form| {
            form["hops"] = serde_json::json!([]);
            form["duration"] = "1h".into();
        },
        &[],
    )
    .unwrap();
    assert!(plan.notes().is_empty());
    assert!(!plan.explain().contains("chaining"));
}

#[test]
fn plain_http_to_another_machine_is_noted() {
    let plan = plan(|_| (), &[("AWS_ENDPOINT_URL", "http://localstack:4566")]).unwrap();
    assert!(plan.notes()[0].contains("http://localstack:4566 is plain http to another machine"));
}

#[test]
fn what_cannot_be_planned_is_said_before_any_call() {
    let missing = plan(|form| form["session_name"] = "{stack}".into(), &[]).unwrap_err();
    insta::assert_snapshot!(missing, @"`{stack}` needs the attribute `stack`, which workload `cube-api` does not have; it has `workload`, `component`");
    let identity = plan(
        |form| form["hops"][0]["source_identity"] = "{component}/x".into(),
        &[],
    )
    .unwrap_err();
    insta::assert_snapshot!(identity, @"`{component}/x` renders to something that AWS refuses: `cube_api/x` is not a valid source identity: `/` is not one of letters, digits and `_+=,.@-`");
    let endpoint = plan(|_| (), &[("AWS_ENDPOINT_URL_STS", "nowhere")]).unwrap_err();
    insta::assert_snapshot!(endpoint, @"no STS can be chosen: AWS_ENDPOINT_URL_STS: `nowhere` is not an STS endpoint: relative URL without a base; expected a URL such as `http://127.0.0.1:5000`");
}

#[test]
fn the_external_id_is_in_no_print_out() {
    let plan = plan(|_| (), &[]).unwrap();
    for shown in [
        plan.explain(),
        serde_json::to_string(&plan.explain_json()).unwrap(),
        format!("{plan:?}"),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn only_a_plain_web_identity_step_can_be_left_to_an_sdk() {
    let refusal = |change: fn(&mut serde_json::Value)| {
        plan(change, &[])
            .unwrap()
            .left_to_sdk()
            .map(|step| step.number())
            .unwrap_err()
    };
    insta::assert_snapshot!(refusal(|_| ()), @"connection `athena` has hops, which an SDK cannot make from a token file; use `--via endpoint`");
    insta::assert_snapshot!(refusal(|form| {
        form["hops"] = serde_json::json!([]);
        form["session_policy"] = serde_json::json!({"Statement": []});
    }), @"connection `athena` bounds its session by policies, which an SDK would leave out; use `--via endpoint`");
    insta::assert_snapshot!(refusal(|form| form["hops"] = serde_json::json!([])), @"connection `athena` asks for 14400 s, but an SDK would ask for its default of 3600 s; use `--via endpoint`, or leave `duration` out");
    let plain = plan(
        |form| {
            form["hops"] = serde_json::json!([]);
            form["duration"] = "1h".into();
        },
        &[],
    )
    .unwrap();
    assert_eq!(plain.left_to_sdk().unwrap().role().name(), "First");
}
