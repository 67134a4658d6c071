#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::{
    AskError, Asker, Connection, Connections, HopDuration, SessionDuration, SessionNameTemplate,
};

const CONTRACT: &str = r#"
athena:
  token_config: aws
  role: arn:aws:iam::123456789012:role/cube-deployment-acme
  duration: 1h
  session_name: "{workload}-{component}"
  region: us-east-1
  sts_endpoint: http://127.0.0.1:5000
  hops:
    - role: arn:aws:iam::222222222222:role/Reader
      external_id: superset-prod-12345
      duration: 15m
      session_policy: {Version: "2012-10-17", Statement: []}
      policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]
      tags: {component: "{component}", team: data}
      transitive_tag_keys: [team]
      source_identity: "{workload}"
"#;

fn read(text: &str) -> Result<Connections, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

/// The first line of the message for one connection whose members are `lines`.
fn refusal(lines: &[&str]) -> String {
    let mut text = "athena:\n".to_owned();
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    let message = read(&text).expect_err("must be refused");
    message.lines().next().unwrap().to_owned()
}

const ROLE: &str = "role: arn:aws:iam::123456789012:role/First";
const TOKEN: &str = "token_config: aws";

fn asker(attributes: &[(&str, &str)]) -> Asker {
    let attributes: BTreeMap<String, String> = attributes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Asker::new("cube-api", attributes)
}

#[test]
fn the_whole_form_is_read() {
    let connections = read(CONTRACT).unwrap();
    let athena = connections.named("athena").unwrap();
    let asker = asker(&[("component", "cube_api")]);
    assert_eq!(athena.role().name(), "cube-deployment-acme");
    assert_eq!(athena.duration().seconds(), 3600);
    assert_eq!(
        athena.session_name(&asker).unwrap().as_str(),
        "cube-api-cube_api"
    );
    let hop = &athena.hops()[0];
    assert_eq!(hop.duration().seconds(), 900);
    let external_id = hop.external_id().unwrap();
    assert_eq!(
        external_id.render(&asker).unwrap().as_str(),
        "superset-prod-12345"
    );
    assert!(!format!("{hop:?}").contains("superset-prod"));
    let policy: serde_json::Value =
        serde_json::from_str(hop.session_policy().unwrap().as_str()).unwrap();
    assert_eq!(
        policy,
        serde_json::json!({"Version": "2012-10-17", "Statement": []})
    );
    assert_eq!(hop.tags().render(&asker).unwrap()["component"], "cube_api");
    assert_eq!(hop.tags().transitive(), ["team"]);
    let identity = hop.source_identity().unwrap().render(&asker).unwrap();
    assert_eq!(identity.as_str(), "cube-api");
    assert_eq!(
        athena.hop_session_name(hop, &asker).unwrap(),
        athena.session_name(&asker).unwrap()
    );
}

#[test]
fn a_mistyped_connection_is_named_with_the_nearest() {
    let connections = read(CONTRACT).unwrap();
    insta::assert_snapshot!(
        connections.named("athina").unwrap_err(),
        @"there is no connection `athina`; did you mean `athena`?"
    );
    insta::assert_snapshot!(
        connections.named("warehouse").unwrap_err(),
        @"there is no connection `warehouse`; there are `athena`"
    );
    insta::assert_snapshot!(
        Connections::default().named("x").unwrap_err(),
        @"there is no connection `x`; the configuration has no connections"
    );
}

#[test]
fn durations_are_read_in_the_forms_people_write() {
    for (text, seconds) in [
        ("1h", 3600),
        ("15m", 900),
        ("3600", 3600),
        ("1h30m", 5400),
        ("900s", 900),
        ("12h", 43_200),
    ] {
        assert_eq!(
            text.parse::<SessionDuration>().unwrap().seconds(),
            seconds,
            "{text}"
        );
    }
    assert_eq!(
        "5400".parse::<SessionDuration>().unwrap().to_string(),
        "1h30m"
    );
    let message = |text: &str| text.parse::<SessionDuration>().unwrap_err().to_string();
    insta::assert_snapshot!(message("soon"), @"`soon` is not a duration: expected seconds such as `3600`, or hours and minutes such as `1h`, `15m` or `1h30m`");
    insta::assert_snapshot!(message("10m"), @"a session of 600 s cannot be asked for: AWS grants 900 to 43200 s (15 minutes to 12 hours)");
    insta::assert_snapshot!(message("13h"), @"a session of 46800 s cannot be asked for: AWS grants 900 to 43200 s (15 minutes to 12 hours)");
    insta::assert_snapshot!("2h".parse::<HopDuration>().unwrap_err(), @"a hop of 7200 s cannot be asked for: AWS caps a role assumed through another role (role chaining) at 3600 s, whatever the role's own maximum; ask for `1h` or less, or let the workload assume this role directly");
    assert!(message("900.5s").contains("is not a duration"));
    assert!(message("-1h").contains("-3600"));
}

#[test]
fn what_only_a_hop_takes_is_refused_on_the_first_role() {
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "external_id: ab"]), @"error: line 4 column 16: the first role takes no `external_id`: AssumeRoleWithWebIdentity has no such parameter, the token's subject and audience take its place; give it under `hops`, to the role that asks for one");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "tags: {a: b}"]), @"error: line 4 column 9: the first role takes no tags from the caller: they come in the token, from `aws.session_tags` and `aws.transitive_tag_keys` of the token config; tags of a further role go under `hops`");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "source_identity: ann"]), @"error: line 4 column 20: the first role takes no source identity from the caller: it comes in the token, from `aws.source_identity` of the token config; that of a further role goes under `hops`");
}

#[test]
fn what_contradicts_itself_is_refused_with_its_path() {
    insta::assert_snapshot!(refusal(&[ROLE]), @"error: line 2 column 3: connections.athena: it does not say which token is presented; name one of `token_config` and `audience`");
    insta::assert_snapshot!(refusal(&[TOKEN, "audience: x", ROLE]), @"error: line 2 column 3: connections.athena: both `token_config` and `audience` are given; name one of `token_config` and `audience`");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "region: cn-north-1"]), @"error: line 2 column 3: connections.athena.region: `cn-north-1` is in partition `aws-cn`, but the connection's role is in `aws`; credentials never cross from one partition to another");
    insta::assert_snapshot!(
        refusal(&[TOKEN, ROLE, "hops: [{role: 'arn:aws-us-gov:iam::222222222222:role/Second'}]"]),
        @"error: line 2 column 3: connections.athena.hops[0].role: `arn:aws-us-gov:iam::222222222222:role/Second` is in partition `aws-us-gov`, but the connection's role is in `aws`; credentials never cross from one partition to another"
    );
    insta::assert_snapshot!(
        refusal(&[TOKEN, ROLE, "hops: [{role: 'arn:aws:iam::222222222222:role/B'}, {role: 'arn:aws:iam::123456789012:role/First'}]"]),
        @"error: line 2 column 3: connections.athena.hops[1].role: `arn:aws:iam::123456789012:role/First` is assumed twice in one chain, first at connections.athena.role; a chain that returns to a role gains nothing and is most often a copying mistake"
    );
    insta::assert_snapshot!(
        refusal(&[TOKEN, ROLE, "hops: [{role: 'arn:aws:iam::222222222222:role/B', tags: {Team: a, team: b}}]"]),
        @"error: line 2 column 3: connections.athena.hops[0].tags.team: `team` and `Team` are one key to AWS, which ignores case"
    );
    insta::assert_snapshot!(
        refusal(&[TOKEN, ROLE, "hops: [{role: 'arn:aws:iam::222222222222:role/B', transitive_tag_keys: [team]}]"]),
        @"error: line 2 column 3: connections.athena.hops[0].transitive_tag_keys[0]: `team` is not among the step's `tags`, so it has no value to pass on"
    );
    insta::assert_snapshot!(
        refusal(&[TOKEN, ROLE, "policy_arns: ['arn:aws:iam::222222222222:policy/Foreign']"]),
        @"error: line 2 column 3: connections.athena.policy_arns[0]: `arn:aws:iam::222222222222:policy/Foreign` is of another account than the role; a session's policies must be of account 123456789012 or AWS's own"
    );
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "session_policy: [1]"]), @"error: line 2 column 3: connections.athena.session_policy: a session policy is a mapping with `Version` and `Statement`");
}

#[test]
fn values_are_refused_where_they_stand() {
    insta::assert_snapshot!(
        refusal(&[TOKEN, ROLE, "hops:", "  - role: arn:aws:iam::222222222222:role/B", "    duration: 2h"]),
        @"error: line 6 column 17: a hop of 7200 s cannot be asked for: AWS caps a role assumed through another role (role chaining) at 3600 s, whatever the role's own maximum; ask for `1h` or less, or let the workload assume this role directly"
    );
    insta::assert_snapshot!(refusal(&[TOKEN, "role: arn:aws:iam::1:role/x"]), @"error: line 3 column 9: `arn:aws:iam::1:role/x` is not a role ARN: `1` is not an AWS account id: expected 12 digits; expected `arn:aws:iam::<account>:role/<path and name>`");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "session_name: '{workload'"]), @"error: line 4 column 17: `{workload` is not a template: column 1: `{` is never closed by `}`");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "session_name: 'a b'"]), @"error: line 4 column 17: `a b` is not a template: column 2: ` ` cannot stand in a role session name, which takes letters, digits and `_+=,.@-`");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "sts_endpoint: ftp://x"]), @"error: line 4 column 17: `ftp://x` is not an STS endpoint: `ftp` is neither `http` nor `https`");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "sts_endpoint: http://u:canary@x"]), @"error: line 4 column 17: `a URL with a user in it` is not an STS endpoint: it must not hold a user or password");
    insta::assert_snapshot!(refusal(&[TOKEN, ROLE, "rol: x"]), @"error: line 4 column 3: unknown field `rol`, expected one of token_config, audience, role, duration, session_name, region, sts_endpoint, hops, session_policy, policy_arns, external_id, tags, transitive_tag_keys, source_identity");
}

#[test]
fn a_session_name_says_the_run_first_and_stays_attributable_when_cut() {
    let name = |asker: &Asker| {
        SessionNameTemplate::render_default(asker)
            .unwrap()
            .to_string()
    };
    assert_eq!(name(&asker(&[])), "cube-api");
    assert_eq!(name(&asker(&[("run_id", "01KJ")])), "01KJ@cube-api");
    assert_eq!(name(&asker(&[("runId", "01/KJ")])), "01-KJ@cube-api");
    let long = "r".repeat(70);
    let first = name(&asker(&[("run_id", &format!("{long}1"))]));
    let second = name(&asker(&[("run_id", &format!("{long}2"))]));
    assert_eq!(first.len(), 64);
    assert_ne!(first, second);
    // The hash is part of what operators search for: it must not change between releases.
    insta::assert_snapshot!(first, @"rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr-3081fce3");
}

#[test]
fn a_missing_attribute_is_named_with_those_that_exist() {
    let template: SessionNameTemplate = "{workload}-{stack}".parse().unwrap();
    insta::assert_snapshot!(
        template.render(&asker(&[("component", "x")])).unwrap_err(),
        @"`{workload}-{stack}` needs the attribute `stack`, which workload `cube-api` does not have; it has `workload`, `component`"
    );
}

#[test]
fn tag_values_that_aws_refuses_are_named() {
    let connections = read(CONTRACT).unwrap();
    let hop = &connections.named("athena").unwrap().hops()[0];
    insta::assert_snapshot!(
        hop.tags().render(&asker(&[("component", "a*b")])).unwrap_err(),
        @"connections.athena.hops[0].tags.component: `*` cannot stand in a tag's value, which takes letters, digits, spaces and `_.:/=+-@`"
    );
}

#[test]
fn a_connection_may_be_checked_without_a_document() {
    let form = serde_json::from_value(serde_json::json!({
        "audience": "sts.amazonaws.com",
        "role": "arn:aws-cn:iam::123456789012:role/First",
        "region": "eu-west-1",
    }))
    .unwrap();
    let error = Connection::from_form("china", form).unwrap_err();
    assert_eq!(error.field(), Some("connections.china.region"));
    assert!(matches!(error, AskError::Partition { .. }));
}

proptest! {
    #[test]
    fn any_run_and_workload_give_a_session_name_that_sts_takes(
        workload in "\\PC{2,80}",
        run in proptest::option::of("\\PC{1,80}"),
    ) {
        let attributes = run.iter().map(|run| ("run_id".to_owned(), run.clone())).collect();
        let name = SessionNameTemplate::render_default(&Asker::new(workload, attributes)).unwrap();
        prop_assert!((2..=64).contains(&name.as_str().len()));
    }

    #[test]
    fn long_names_that_differ_anywhere_differ_after_the_cut(tail in "[a-z0-9]{12}", other in "[a-z0-9]{12}") {
        prop_assume!(tail != other);
        let template: SessionNameTemplate = "{run_id}".parse().unwrap();
        let name = |tail: &str| {
            let run = format!("{}{tail}", "x".repeat(60));
            template.render(&asker(&[("run_id", &run)])).unwrap()
        };
        prop_assert_ne!(name(&tail), name(&other));
    }

    #[test]
    fn reading_a_template_never_fails_silently(text in "[a-z{}@ ]{0,20}") {
        if let Ok(template) = text.parse::<crate::Template>() {
            prop_assert_eq!(template.as_str(), text.as_str());
            prop_assert_eq!(text.matches('{').count(), text.matches('}').count());
        }
    }

    #[test]
    fn a_duration_reads_back_from_its_display(seconds in 900_i64..=43_200) {
        let duration = SessionDuration::from_seconds(seconds).unwrap();
        prop_assert_eq!(duration.to_string().parse::<SessionDuration>().unwrap(), duration);
    }
}

#[test]
fn an_external_id_is_composed_of_the_asker() {
    let render = |template: &str, attributes: &[(&str, &str)]| {
        let template: crate::ExternalIdTemplate = template
            .parse()
            .map_err(|error: AskError| error.to_string())?;
        let rendered = template.render(&asker(attributes));
        rendered
            .map(|id| id.as_str().to_owned())
            .map_err(|error| error.to_string())
    };
    let composed = "acme@{integration}@{workload}@{scope}";
    let attributes = [("integration", "01J-x"), ("scope", "write")];
    assert_eq!(
        render(composed, &attributes).unwrap(),
        "acme@01J-x@cube-api@write"
    );
    insta::assert_snapshot!(render(composed, &[("integration", "01J@x"), ("scope", "write")]).unwrap_err(), @"`acme@{integration}@{workload}@{scope}` cannot take the attribute `integration`: its value has a `@`, which separates the values, so one asker could have the external ID of another");
    insta::assert_snapshot!(render(composed, &[("scope", "write")]).unwrap_err(), @"`acme@{integration}@{workload}@{scope}` needs the attribute `integration`, which workload `cube-api` does not have; it has `workload`, `scope`");
    insta::assert_snapshot!(render("{scope}-a", &[("scope", "a b")]).unwrap_err(), @"`{scope}-a` renders to something that AWS refuses: `a b-a` is not a valid external id: ` ` is not one of letters, digits and `_+=,.@:/-`");
    insta::assert_snapshot!(render("{scope}{workload}", &[]).unwrap_err(), @"`{scope}{workload}` is not a template: column 1: nothing separates `{workload}` from the value before it: two askers could have one external ID");
    assert!(render("{scope}and{workload}", &[]).is_err());
    insta::assert_snapshot!(render("a b {scope}", &[]).unwrap_err(), @"`a b {scope}` is not a template: column 2: ` ` cannot stand in an external ID, which takes letters, digits and `_+=,.@:/-`");
    insta::assert_snapshot!(render("{scope", &[]).unwrap_err(), @"`{scope` is not a template: column 1: `{` is never closed by `}`");
    insta::assert_snapshot!(render("x", &[]).unwrap_err(), @"`x` is not a valid external id: it has 1 characters, 2 to 1224 are allowed");
}
