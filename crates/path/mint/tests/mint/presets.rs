//! The subjects of the systems that Rolecall follows, written as their users know them.

use rolecall_mint::{Attributes, SubjectFormat};

fn rendered<const N: usize>(template: &str, pairs: [(&str, &str); N]) -> String {
    SubjectFormat::parse(template)
        .unwrap()
        .render(&Attributes::from_iter(pairs))
        .unwrap()
}

#[test]
fn cube() {
    let tenant = [("component", "ai_engineer")];
    let deployment = [
        ("deployment_id", "42"),
        ("component", "cube_api"),
        ("region", "aws-eu-central-1"),
    ];
    let plain = "cube:deployment:{deployment_id}";
    let component = "cube:deployment:{deployment_id}:component:{component}";
    let region = "cube:deployment:{deployment_id}:component:{component}:region:{region}";
    assert_eq!(rendered(plain, deployment), "cube:deployment:42");
    assert_eq!(
        rendered(component, deployment),
        "cube:deployment:42:component:cube_api"
    );
    assert_eq!(
        rendered(region, deployment),
        "cube:deployment:42:component:cube_api:region:aws-eu-central-1"
    );
    assert_eq!(rendered(plain, tenant), "cube:deployment:global");
    assert_eq!(
        rendered(region, tenant),
        "cube:deployment:global:component:ai_engineer:region:control-plane"
    );
    assert_eq!(
        rendered(
            "cube:user:{user_email}",
            [("user_email", "a.b+c@example.com")]
        ),
        "cube:user:a.b+c@example.com"
    );
}

#[test]
fn spacelift() {
    assert_eq!(
        rendered(
            "space:{spaceId}:{callerType}:{callerId}:run_type:{runType}:scope:{scope}",
            [
                ("spaceId", "legacy-01KJMFZ1J9A2NZBJVJ3BQKS8NT"),
                ("callerType", "stack"),
                ("callerId", "infra"),
                ("runType", "TRACKED"),
                ("scope", "write"),
            ]
        ),
        "space:legacy-01KJMFZ1J9A2NZBJVJ3BQKS8NT:stack:infra:run_type:TRACKED:scope:write"
    );
    assert_eq!(
        rendered(
            "space_path:{spacePath}:scope:{scope}",
            [("spacePath", "/root/production"), ("scope", "read")]
        ),
        "space_path:/root/production:scope:read"
    );
}

#[test]
fn prefect() {
    assert_eq!(
        rendered(
            "prefect:account:{account_id}",
            [("account_id", "9c1f0a52-1111-4222-8333-444455556666")]
        ),
        "prefect:account:9c1f0a52-1111-4222-8333-444455556666"
    );
}

#[test]
fn pulumi() {
    assert_eq!(
        rendered(
            "pulumi:environments:org:{org}:env:{environment}",
            [("org", "contoso"), ("environment", "project/env")]
        ),
        "pulumi:environments:org:contoso:env:project/env"
    );
    assert_eq!(
        rendered(
            "pulumi:environments:org:{org}:env:{project}/{environment}",
            [
                ("org", "contoso"),
                ("project", "project"),
                ("environment", "env")
            ]
        ),
        "pulumi:environments:org:contoso:env:project/env"
    );
}

#[test]
fn siblings() {
    assert_eq!(
        rendered(
            "repo:{repository}:ref:{ref}",
            [("repository", "octo/repo"), ("ref", "refs/heads/main")]
        ),
        "repo:octo/repo:ref:refs/heads/main"
    );
    assert_eq!(
        rendered(
            "repo:{owner}@{owner_id}/{repo}@{repo_id}:environment:{environment}",
            [
                ("owner", "octo"),
                ("owner_id", "1"),
                ("repo", "r"),
                ("repo_id", "2"),
                ("environment", "eu:prod")
            ]
        ),
        "repo:octo@1/r@2:environment:eu%3Aprod"
    );
    assert_eq!(
        rendered(
            "org/{org}/project/{project}/user/{user}",
            [("org", "o"), ("project", "p"), ("user", "u")]
        ),
        "org/o/project/p/user/u"
    );
}
