//! AWS's claims by opt-in, what trust policies need for them, and bounds of a tenant.

use std::collections::BTreeMap;

use rolecall_mint::{
    Asked, Attributes, AudienceKind, Preview, TenantRules, TokenConfig, TokenConfigText,
};
use serde_json::json;

fn preview(attributes: &[(&str, &str)]) -> Preview {
    let text: TokenConfigText = serde_json::from_value(json!({
        "name": "aws", "kind": "aws", "subject": "app:{name}",
        "aws": {
            "session_tags": {"team": "{team}", "attempts": 3, "dry": true, "none": null},
            "transitive_tag_keys": ["team"],
            "source_identity": "{name}",
            "roles": ["arn:aws:iam::111122223333:role/reader"],
            "opt_in": {"session_tags": "tagged", "source_identity": "named", "roles": "bound"},
        },
    }))
    .unwrap();
    let config = TokenConfig::read(&text).unwrap();
    let mut all: Attributes = attributes.iter().copied().collect();
    all.set("name", "api");
    if all.value("team").is_none() {
        all.set("team", "data");
    }
    let asked = Asked {
        now: 1_700_000_000,
        jti: "j",
        role: None,
        lifetime: None,
    };
    let issuer = "https://oidc.example.com/t".parse().unwrap();
    Preview::of(&config, &all, &issuer, asked).unwrap()
}

fn actions(preview: &Preview) -> Vec<&str> {
    preview
        .trust_policy
        .iter()
        .map(|need| need.action)
        .collect()
}

#[test]
fn each_claim_is_there_for_workloads_that_opt_in() {
    let none = preview(&[("tagged", "yes")]);
    assert!(none.claims.keys().all(|name| !name.starts_with("https://")));
    assert_eq!(actions(&none), ["sts:AssumeRoleWithWebIdentity"]);
    let tagged = preview(&[("tagged", "true")]);
    assert_eq!(
        tagged.claims["https://aws.amazon.com/tags"],
        json!({
            "principal_tags": {"attempts": ["3"], "dry": ["true"], "none": [""], "team": ["data"]},
            "transitive_tag_keys": ["team"],
        })
    );
    assert_eq!(
        actions(&tagged),
        ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]
    );
    let all = preview(&[("tagged", "true"), ("named", "true"), ("bound", "true")]);
    assert_eq!(all.claims["https://aws.amazon.com/source_identity"], "api");
    assert_eq!(
        all.claims["https://aws.amazon.com/roles"],
        json!(["arn:aws:iam::111122223333:role/reader"])
    );
    let keys: Vec<&str> = all
        .trust_policy
        .iter()
        .flat_map(|need| &need.conditions)
        .map(|condition| condition.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "oidc.example.com/t:aud",
            "oidc.example.com/t:sub",
            "aws:RequestTag/attempts",
            "aws:RequestTag/dry",
            "aws:RequestTag/none",
            "aws:RequestTag/team",
            "sts:TransitiveTagKeys",
            "sts:SourceIdentity",
            "sts:RoleAuthorizedByIdp",
        ]
    );
}

#[test]
fn the_room_for_tags_is_estimated() {
    let percent = |preview: &Preview| preview.sizes.last().unwrap().size;
    let long = "x".repeat(256);
    let tagged = preview(&[("tagged", "true"), ("team", &long)]);
    // 256 bytes of 4096 are six in a hundred.
    assert!(percent(&preview(&[])) + 6 <= percent(&tagged));
    assert!(
        preview(&[])
            .sizes
            .iter()
            .all(|size| size.size <= size.limit)
    );
}

#[test]
fn a_tenant_has_one_config_of_a_cloud() {
    let config = |name: &str, kind, variable: Option<&str>| {
        let audience = if kind == AudienceKind::Custom {
            "x"
        } else {
            ""
        };
        let mut text = TokenConfigText::new(name, audience, "a");
        text.kind = kind;
        text.target_variable = variable.map(str::to_owned);
        TokenConfig::read(&text).unwrap()
    };
    let told = |configs: &[TokenConfig]| {
        TenantRules::check_together(configs).map_err(|error| error.to_string())
    };
    let (aws, azure) = (AudienceKind::Aws, AudienceKind::Azure);
    let custom = AudienceKind::Custom;
    let fine = [
        config("a", aws, None),
        config("b", azure, None),
        config("c", custom, Some("C_TOKEN")),
        config("d", custom, None),
    ];
    assert_eq!(told(&fine), Ok(()));
    assert!(told(&[config("a", aws, None), config("b", aws, None)]).is_err());
    insta::assert_snapshot!(
        told(&[config("a", custom, Some("T")), config("b", custom, Some("T"))]).unwrap_err(),
        @"the target variable `T` is that of the token config `a` already"
    );
}

#[test]
fn audiences_of_clouds_are_theirs() {
    let gcp = "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/pool/providers/acme";
    assert_eq!(AudienceKind::Gcp.audience(gcp).as_deref(), Ok(gcp));
    for bad in [
        "",
        "//iam.googleapis.com/projects/acme/locations/global/workloadIdentityPools/pool/providers/acme",
        "https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/acme",
        "//iam.googleapis.com/projects/1/locations/eu/workloadIdentityPools/pool/providers/acme",
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/",
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/acme/",
    ] {
        assert!(AudienceKind::Gcp.audience(bad).is_err(), "{bad}");
    }
    let aws = AudienceKind::Aws;
    assert_eq!(aws.audience("").as_deref(), Ok("sts.amazonaws.com"));
    assert!(aws.audience("https://example.com").is_err());
}

#[test]
fn a_tenants_bounds_of_lifetimes_hold_for_all_its_configs() {
    let rules = json!({"shortest_lifetime_seconds": 600, "longest_lifetime_seconds": 7200});
    let rules = TenantRules::read(&serde_json::from_value(rules).unwrap()).unwrap();
    let with = |lifetime, longest| {
        let mut text = TokenConfigText::new("a", "x", "a");
        text.lifetime_seconds = lifetime;
        text.longest_lifetime_seconds = longest;
        TokenConfig::read_in(&text, &rules)
    };
    assert_eq!(
        *with(Some(900), Some(1800)).unwrap().lifetimes(),
        600..=1800
    );
    assert_eq!(*with(None, None).unwrap().lifetimes(), 600..=3600);
    assert!(with(Some(300), None).is_err());
    assert!(with(Some(900), Some(600)).is_err());
    assert!(with(Some(900), Some(43_200)).is_err());
    let narrow = json!({"shortest_lifetime_seconds": 7200, "longest_lifetime_seconds": 600});
    assert!(TenantRules::read(&serde_json::from_value(narrow).unwrap()).is_err());
}

#[test]
fn declarations_that_contradict_themselves_are_refused() {
    let refused = |declared: serde_json::Value| {
        let rules = json!({ "attributes": BTreeMap::from([("a", declared)]) });
        let read = serde_json::from_value(rules).unwrap();
        TenantRules::read(&read).unwrap_err().to_string()
    };
    insta::assert_snapshot!(refused(json!({"form": "digits", "values": ["1", "x"]})), @"the attribute `a` cannot be declared so: one of its `values` `x` holds `x`; digits are possible");
    insta::assert_snapshot!(refused(json!({"stand_in": "a:b"})), @"the attribute `a` cannot be declared so: its `stand_in` must be 1 to 64 letters, digits and `_.-<>`, so that it can stand in any subject");
    insta::assert_snapshot!(refused(json!({"derived": "run_scope", "stand_in": "x"})), @"the attribute `a` cannot be declared so: what is `derived` has no `stand_in`, `values` or `form`");
}
