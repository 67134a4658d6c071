//! The subjects of the systems that Rolecall follows, as their users know them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rolecall_mint::presets::{Preset, pulumi};
use rolecall_mint::{Attributes, Form, MintError, TenantRules, TokenConfig, TokenConfigText, mint};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    preset: String,
    #[serde(default)]
    audience: String,
    #[serde(default)]
    subject_attributes: Vec<String>,
    attributes: BTreeMap<String, String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    claims: BTreeMap<String, String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    refused: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../vectors/presets.json")).unwrap()
}

fn config(preset: &str, audience: &str, subject_attributes: &[String]) -> TokenConfig {
    let mut text = TokenConfigText::new("preset", audience, "");
    text.preset = Some(preset.to_owned());
    text.subject_attributes = subject_attributes.to_vec();
    TokenConfig::read(&text).unwrap()
}

fn of(preset: &Preset) -> TokenConfig {
    let audience = preset.filled(preset.audience, |_| None);
    config(preset.name, &audience, &[])
}

#[test]
fn every_vector_comes_out_as_written() {
    for vector in vectors() {
        let config = config(&vector.preset, &vector.audience, &vector.subject_attributes);
        let attributes: Attributes = vector.attributes.clone().into_iter().collect();
        let issuer = "https://oidc.example.com".parse().unwrap();
        let minted = mint(&config, &attributes, &issuer, 1_700_000_000, "j", None);
        if !vector.refused.is_empty() {
            let told = minted.unwrap_err().to_string();
            assert!(told.contains(&vector.refused), "{}: {told}", vector.preset);
            continue;
        }
        let minted = minted.unwrap_or_else(|error| panic!("{}: {error}", vector.preset));
        assert_eq!(minted.subject(), vector.subject, "{}", vector.preset);
        let claims: serde_json::Value = serde_json::from_slice(minted.json()).unwrap();
        for (name, value) in &vector.claims {
            assert_eq!(claims[name], **value, "{} {name}", vector.preset);
        }
        for name in &vector.without {
            assert!(claims.get(name).is_none(), "{} {name}", vector.preset);
        }
        if !vector.audience.is_empty() {
            assert_eq!(claims["aud"], *vector.audience);
        }
    }
}

#[test]
fn every_preset_has_a_vector_and_is_whole() {
    let with_vector: BTreeSet<String> = vectors().into_iter().map(|v| v.preset).collect();
    let mut names = BTreeSet::new();
    for preset in Preset::all() {
        assert!(names.insert(preset.name), "{} is there twice", preset.name);
        assert!(with_vector.contains(preset.name), "{}", preset.name);
        let config = of(preset);
        assert_eq!(config.subject().as_str(), preset.subject);
        assert_eq!(config.lifetime_seconds(), preset.lifetime_seconds);
        let declared = preset.declared().unwrap();
        for attribute in preset.attributes {
            assert!(!attribute.description.is_empty());
            if attribute.derived.is_none() {
                assert_eq!(
                    declared.check_value(attribute.name, attribute.example),
                    Ok(())
                );
            }
        }
        assert!(!preset.source.is_empty() && !preset.about.is_empty());
    }
    assert_eq!(with_vector.len(), names.len());
}

#[test]
fn audiences_with_a_part_of_ones_own_must_be_written() {
    let mut text = TokenConfigText::new("a", "", "");
    text.preset = Some("spacelift".to_owned());
    insta::assert_snapshot!(
        TokenConfig::read(&text).unwrap_err(),
        @"`audience` is missing: the preset `spacelift` has `{account}.app.spacelift.io`, whose part in braces is yours to write"
    );
    text.preset = Some("spacelit".to_owned());
    insta::assert_snapshot!(
        TokenConfig::read(&text).unwrap_err(),
        @"there is no preset `spacelit`; did you mean `spacelift`?"
    );
}

#[test]
fn a_preset_holds_formats_to_its_attributes_and_literals() {
    let refused = |preset: &str, subject: &str| {
        let mut text = TokenConfigText::new("a", "x", subject);
        text.preset = Some(preset.to_owned());
        TokenConfig::read(&text).unwrap_err().to_string()
    };
    insta::assert_snapshot!(
        refused("cube", "cube:deployment:{deploymentid}"),
        @"`subject` column 17: no attribute `deploymentid` is declared; did you mean `deployment_id`?"
    );
    insta::assert_snapshot!(
        refused("cube", "cube/deployment:{deployment_id}"),
        @"`subject` column 5: `/` may not stand outside placeholders; letters, digits and `:_-` may"
    );
    insta::assert_snapshot!(
        refused("spacelift", "space.{spaceId}"),
        @"`subject` column 6: `.` may not stand outside placeholders; letters, digits and `-_:/|` may"
    );
}

#[test]
fn claims_below_a_presets_namespace_are_its_own() {
    let mut text = TokenConfigText::new("a", "", "");
    text.preset = Some("cube".to_owned());
    text.claims.insert("CUBE:user_id".to_owned(), "1".into());
    let error = TokenConfig::read(&text).unwrap_err();
    assert!(matches!(error, MintError::ClaimName { .. }), "{error}");
}

#[test]
fn pulumis_subject_attributes() {
    let refused = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        pulumi::subject(&names, false).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused(&["pulumi.token.name"]), @"`subject_attributes` has `pulumi.token.name`, which no subject can be made of; possible are `rootEnvironment.name`, `currentEnvironment.name`, `pulumi.user.login`, `pulumi.organization.login`, `pulumi.token.type`, `pulumi.token.team`; did you mean `pulumi.token.type`?");
    insta::assert_snapshot!(refused(&["pulumi.user.login", "pulumi.user.login"]), @"`subject_attributes` has `pulumi.user.login` twice");
    assert_eq!(
        pulumi::subject(&[], true).unwrap(),
        "pulumi:environments:org:{org}:env:{environment}"
    );
    assert_eq!(pulumi::environment_name("default/db"), (None, "db"));
    assert_eq!(pulumi::environment_name("db"), (None, "db"));
    assert_eq!(pulumi::environment_name("app/db"), (Some("app"), "db"));
    let mut text = TokenConfigText::new("a", "aws:contoso", "");
    text.preset = Some("github".to_owned());
    text.subject_attributes = vec!["pulumi.user.login".to_owned()];
    assert!(matches!(
        TokenConfig::read(&text),
        Err(MintError::NotHere {
            field: "subject_attributes",
            ..
        })
    ));
}

#[test]
fn a_tenant_may_declare_more_and_otherwise() {
    let rules = serde_json::json!({
        "attributes": {
            "component": {"values": ["my_api"]},
            "team": {"form": "name", "stand_in": "nobody"},
        }
    });
    let rules = TenantRules::read(&serde_json::from_value(rules).unwrap()).unwrap();
    let mut text = TokenConfigText::new(
        "a",
        "",
        "cube:deployment:{deployment_id}:component:{component}:team:{team}",
    );
    text.preset = Some("cube".to_owned());
    let config = TokenConfig::read_in(&text, &rules).unwrap();
    let rendered = |component| {
        let attributes = Attributes::from_iter([("component", component)]);
        config.subject().render(&attributes)
    };
    assert_eq!(
        rendered("my_api").unwrap(),
        "cube:deployment:global:component:my_api:team:nobody"
    );
    assert!(rendered("cube_api").is_err());
}

/// A value of the form that a preset declares, with the separators that it could hold.
fn value(form: Form, values: &'static [&'static str]) -> BoxedStrategy<String> {
    if !values.is_empty() {
        return prop::sample::select(values).prop_map(str::to_owned).boxed();
    }
    match form {
        Form::Any => "[a-c:/@|+%3A.-]{1,5}",
        Form::Spaced => "[a-c:/@|+%3A.-]([a-c:/@|+%3A. -]{0,3}[a-c:/%])?",
        Form::Digits => "[0-2]{1,3}",
        Form::Name => "[a-c_.-]{1,4}",
        Form::Uuid => "[a-f0-2-]{1,4}",
        Form::Path => "[a-c/_.-]{1,5}",
        Form::Repository => "[a-c]{1,2}/[a-c.-]{1,2}/[a-c-]{1,2}",
        Form::Person => "[a-c_.@+-]{1,4}",
    }
    .prop_map(|text| text)
    .boxed()
}

/// A preset, and two tuples of values for the placeholders of its subject.
fn two_tuples() -> impl Strategy<Value = (&'static Preset, [Vec<(&'static str, String)>; 2])> {
    let presets: Vec<&'static Preset> = Preset::all().collect();
    prop::sample::select(presets).prop_flat_map(|preset| {
        let used: Vec<&'static str> = preset
            .attributes
            .iter()
            .filter(|one| preset.subject.contains(&format!("{{{}}}", one.name)))
            .filter(|one| one.derived.is_none())
            .map(|one| one.name)
            .collect();
        let tuple = || {
            used.iter()
                .map(|name| {
                    let one = preset
                        .attributes
                        .iter()
                        .find(|one| one.name == *name)
                        .unwrap();
                    let name = one.name;
                    value(one.form, one.values).prop_map(move |value| (name, value))
                })
                .collect::<Vec<_>>()
        };
        (Just(preset), [tuple(), tuple()])
    })
}

fn rendered(preset: &Preset, tuple: &[(&str, String)]) -> Result<String, MintError> {
    let mut attributes: Attributes = tuple.iter().cloned().collect();
    attributes.set("autodeploy", "true");
    of(preset).subject().render(&attributes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_two_tuples_of_attributes_give_the_same_subject((preset, [one, other]) in two_tuples()) {
        if let (Ok(first), Ok(second)) = (rendered(preset, &one), rendered(preset, &other)) {
            prop_assert_eq!(first == second, one == other, "{}: {}", preset.name, first);
            let colons = |text: &str| text.matches(':').count();
            prop_assert_eq!(colons(&first), colons(preset.subject), "{}", preset.name);
            prop_assert!(!first.contains(['*', '?']) && first.len() <= 2048);
        }
    }
}
