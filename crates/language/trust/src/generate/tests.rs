#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rolecall_documents::{Found, Node, find, json as read_json};
use rolecall_source::SourceText;

use super::*;
use crate::compiled::{CompiledPolicy, Decision};
use crate::policy::Policy;
use crate::request::Context;
use crate::web_identity::WebIdentity;

fn scope(chosen: &[(&str, &[&str])], any: &[&str]) -> Scope {
    let values = chosen.iter().map(|(name, values)| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        ((*name).to_owned(), Choice::Values(values))
    });
    let open = any.iter().map(|&name| (name.to_owned(), Choice::Any));
    values.chain(open).collect()
}

fn design(preset: &str, scope: &Scope) -> Result<Design, GenerateError> {
    let chosen = Preset::named(preset)?.chosen(scope, None, None)?;
    Ok(Design {
        partition: "aws".to_owned(),
        account: "111122223333".to_owned(),
        role: "deploy-api".to_owned(),
        issuer: chosen.issuer,
        audience: chosen.audience,
        subjects: chosen.subjects,
        tags: false,
        source_identity: false,
        thumbprints: Vec::new(),
        permissions: Vec::new(),
        documented: true,
    })
}

fn cube() -> Design {
    let scope = scope(
        &[("tenant", &["acme"]), ("deployment_id", &["42"])],
        &["component"],
    );
    design("cube", &scope).unwrap()
}

fn found(name: &str, text: &str) -> Found {
    let found = find(&[SourceText::new(name, text)]);
    assert_eq!(found.problems, [], "{text}");
    found
}

/// A tree without places, single values as lists of one, members in the order of their names.
fn shape(node: &Node) -> String {
    if let Some(members) = node.members() {
        let mut shapes: Vec<String> = members
            .iter()
            .map(|member| format!("{:?}: {}", member.name(), shape(&member.value)))
            .collect();
        shapes.sort();
        return format!("{{{}}}", shapes.join(", "));
    }
    let items: Vec<String> = node
        .elements()
        .iter()
        .map(|item| match item.members() {
            Some(_) => shape(item),
            None => format!("{:?}", item.text()),
        })
        .collect();
    format!("[{}]", items.join(", "))
}

const LANGUAGES: &[(Language, &str)] = &[
    (Language::Json, "trust.json"),
    (Language::Terraform, "main.tf"),
    (Language::TerraformDocument, "main.tf"),
    (Language::CloudFormation, "template.yaml"),
];

fn reads_back(design: &Design) {
    let text = json(&design.trust_policy());
    let wanted = shape(&read_json(&SourceText::new("wanted", text)).unwrap());
    for (language, name) in LANGUAGES {
        let text = design.written(&[Part::Trust], *language).unwrap();
        let found = found(name, &text);
        assert_eq!(found.policies.len(), 1, "{text}");
        assert_eq!(
            shape(&found.policies[0].tree),
            wanted,
            "{language:?}\n{text}"
        );
    }
}

#[test]
fn every_language_reads_back_as_the_same_policy() {
    reads_back(&cube());
    let mut tagged = cube();
    tagged.tags = true;
    tagged.source_identity = true;
    reads_back(&tagged);
}

#[test]
fn every_preset_makes_a_policy_that_iam_takes_and_that_admits_its_own_subject_only() {
    for preset in PRESETS {
        let values = |name: &str| match name {
            "callerType" => "stack",
            "runType" => "TRACKED",
            "scope" => "write",
            "run_phase" => "apply",
            "ref_type" => "branch",
            "ref" if preset.name.starts_with("github") => "refs/heads/main",
            "ref" => "main",
            "project_path" => "group/project",
            "owner_id" | "repo_id" | "deployment_id" => "42",
            _ => "one",
        };
        let scope: Scope = preset
            .names()
            .iter()
            .map(|(name, _)| {
                (
                    (*name).to_owned(),
                    Choice::Values(vec![values(name).to_owned()]),
                )
            })
            .collect();
        let design = design(preset.name, &scope).unwrap();
        assert!(
            preset
                .names()
                .iter()
                .all(|(_, meaning)| !meaning.is_empty()),
            "{}",
            preset.name
        );
        reads_back(&design);
        let text = design.written(&[Part::Trust], Language::Json).unwrap();
        let policy = Policy::parse(&SourceText::new("trust.json", text)).unwrap();
        let compiled = CompiledPolicy::compile(&policy);
        let subject = &design.subjects.values[0];
        let decide = |audience: &str, subject: &str| {
            WebIdentity::plain(&design.provider(), audience, subject)
                .decide(&compiled, Context::new())
        };
        assert_eq!(
            decide(&design.audience, subject),
            Decision::Allow,
            "{}",
            preset.name
        );
        assert_ne!(decide("other", subject), Decision::Allow, "{}", preset.name);
        assert_ne!(
            decide(&design.audience, &format!("{subject}x")),
            Decision::Allow,
            "{}",
            preset.name
        );
    }
}

#[test]
fn what_is_not_pinned_is_an_error_and_open_only_by_name() {
    let said = |chosen: &[(&str, &[&str])], any: &[&str], preset: &str| {
        design(preset, &scope(chosen, any)).unwrap_err().to_string()
    };
    let repository: &[(&str, &[&str])] = &[("owner", &["octo-org"]), ("repo", &["app"])];
    insta::assert_snapshot!(said(repository, &[], "github"),
        @"`ref` (the branch or tag, as the token has it: `refs/heads/main` at GitHub, `main` at GitLab) is not pinned");
    insta::assert_snapshot!(said(&[("repo", &["app"])], &["owner", "ref"], "github"),
        @"`owner` cannot be left open: `https://token.actions.githubusercontent.com` issues tokens to many customers, and everyone of them would be let in");
    insta::assert_snapshot!(said(&[("tenant", &["acme"])], &["deployment_id", "component"], "cube"),
        @"nothing of the subject is pinned: every token of the issuer would be let in");
    insta::assert_snapshot!(said(&[], &["tenant", "deployment_id", "component"], "cube"),
        @"`tenant` cannot be left open: it stands in the issuer's URL or the audience");
    insta::assert_snapshot!(said(&[("tenant", &["acme"]), ("deployment", &["42"])], &["component"], "cube"),
        @"there is no `deployment` to choose, did you mean `deployment_id`?; there is `deployment_id`, `component`, `tenant`");
    insta::assert_snapshot!(said(&[], &[], "githup"), @"there is no preset `githup`, did you mean `github`?");
}

#[test]
fn values_that_would_match_others_or_were_never_filled_in_are_refused() {
    let said = |value: &str| {
        let chosen: &[(&str, &[&str])] = &[
            ("tenant", &["acme"]),
            ("deployment_id", &[value]),
            ("component", &["cube_api"]),
        ];
        design("cube", &scope(chosen, &[])).unwrap_err().to_string()
    };
    insta::assert_snapshot!(said("4*"), @"`4*` cannot be the value of `deployment_id`: a wildcard is no part of a value; patterns are a choice of their own");
    insta::assert_snapshot!(said("<deployment-id>"), @"`<deployment-id>` cannot be the value of `deployment_id`: `<deployment-id>` is a placeholder, or damage of pasting");
    insta::assert_snapshot!(said("42:component:cube_store"), @"`42:component:cube_store` cannot be the value of `deployment_id`: `:` divides the subject; give the value as the token has it, `%3A` for instance");
    insta::assert_snapshot!(said(""), @"`` cannot be the value of `deployment_id`: it is empty");
    insta::assert_snapshot!(said("ü"), @"`ü` cannot be the value of `deployment_id`: it holds `ü`");
    let wrong = scope(
        &[
            ("account", &["demo"]),
            ("spaceId", &["s"]),
            ("callerType", &["stak"]),
            ("callerId", &["c"]),
        ],
        &["runType", "scope"],
    );
    insta::assert_snapshot!(design("spacelift", &wrong).unwrap_err().to_string(),
        @"`stak` cannot be the value of `callerType`: did you mean `stack`? there is `stack`, `module`");
}

#[test]
fn a_pattern_reaches_no_other_customer_of_a_shared_issuer() {
    let with = |owner: &str| {
        let mut scope = scope(&[("ref_type", &["branch"]), ("ref", &["main"])], &[]);
        scope.insert(
            "project_path".to_owned(),
            Choice::Patterns(vec![owner.to_owned()]),
        );
        design("gitlab", &scope)
    };
    assert_eq!(
        with("acme/*").unwrap().subjects.values,
        ["project_path:acme/*:ref_type:branch:ref:main"]
    );
    insta::assert_snapshot!(with("acme*").unwrap_err().to_string(),
        @"`acme*` cannot be the value of `project_path`: other customers of the issuer could register a name that it matches");
    assert!(with("*/app").is_err());
}

#[test]
fn several_values_make_a_subject_for_every_combination() {
    let chosen: &[(&str, &[&str])] = &[
        ("tenant", &["acme"]),
        ("deployment_id", &["42", "43"]),
        ("component", &["cube_api", "cube_store"]),
    ];
    let design = design("cube", &scope(chosen, &[])).unwrap();
    assert_eq!(
        design.subjects.values,
        [
            "cube:deployment:42:component:cube_api",
            "cube:deployment:42:component:cube_store",
            "cube:deployment:43:component:cube_api",
            "cube:deployment:43:component:cube_store",
        ]
    );
    reads_back(&design);
}

#[test]
fn values_are_spelt_as_the_issuer_spells_them() {
    let format = SubjectFormat::parse("app:{name}/{path}").unwrap();
    let subjects = format
        .subjects(&scope(&[("name", &["a:b"]), ("path", &["x/y%"])], &[]))
        .unwrap();
    assert_eq!(subjects.values, ["app:a%3Ab/x%2Fy%25"]);
    let format = SubjectFormat::parse("repo:{owner}/{repo}:ref:{ref}").unwrap();
    let chosen = scope(
        &[
            ("owner", &["a/b"]),
            ("repo", &["c"]),
            ("ref", &["refs/heads/main"]),
        ],
        &[],
    );
    let subjects = format.subjects(&chosen).unwrap();
    assert_eq!(subjects.values, ["repo:a%2Fb/c:ref:refs/heads/main"]);
    let said = |text: &str| SubjectFormat::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(said("app:{name"), @"the subject format `app:{name` cannot be read at column 5: the brace is never closed");
    insta::assert_snapshot!(said("app:*"), @"the subject format `app:*` cannot be read at column 5: letters, digits, `:_-/|.@+=` and placeholders are possible");
}

#[test]
fn the_languages_look_as_people_write_them() {
    let mut design = cube();
    design.permissions = vec![
        Permission::parse("rds:region=eu-central-1,resource_id=db-ABC,user=api").unwrap(),
        Permission::parse("s3-read:bucket=exports,prefix=daily/").unwrap(),
    ];
    let all = [Part::Permissions, Part::Provider, Part::Trust];
    insta::assert_snapshot!(design.written(&all, Language::Terraform).unwrap(), @r##"
    resource "aws_iam_openid_connect_provider" "acme_cubecloud_dev" {
      url            = "https://acme.cubecloud.dev"
      client_id_list = ["sts.amazonaws.com"]
    }

    resource "aws_iam_role" "deploy-api" {
      name = "deploy-api"

      assume_role_policy = jsonencode({
        Version = "2012-10-17"
        Statement = [
          {
            Effect = "Allow"
            Principal = {
              Federated = "arn:aws:iam::111122223333:oidc-provider/acme.cubecloud.dev"
            }
            Action = "sts:AssumeRoleWithWebIdentity"
            Condition = {
              StringEquals = {
                "acme.cubecloud.dev:aud" = "sts.amazonaws.com"
              }
              StringLike = {
                "acme.cubecloud.dev:sub" = "cube:deployment:42:component:*"
              }
            }
          },
        ]
      })
    }

    resource "aws_iam_role_policy" "deploy-api" {
      name = "rds-s3-read"
      role = aws_iam_role.deploy-api.name

      policy = jsonencode({
        Version = "2012-10-17"
        Statement = [
          {
            Sid      = "RdsSignIn"
            Effect   = "Allow"
            Action   = "rds-db:connect"
            Resource = "arn:aws:rds-db:eu-central-1:111122223333:dbuser:db-ABC/api"
          },
          {
            Sid      = "BucketLocation"
            Effect   = "Allow"
            Action   = "s3:GetBucketLocation"
            Resource = "arn:aws:s3:::exports"
          },
          {
            Sid      = "BucketList"
            Effect   = "Allow"
            Action   = "s3:ListBucket"
            Resource = "arn:aws:s3:::exports"
            Condition = {
              StringLike = {
                "s3:prefix" = "daily/*"
              }
            }
          },
          {
            Sid      = "BucketRead"
            Effect   = "Allow"
            Action   = "s3:GetObject"
            Resource = "arn:aws:s3:::exports/daily/*"
          },
        ]
      })
    }
    "##);
    insta::assert_snapshot!(design.written(&all, Language::TerraformDocument).unwrap(), @r##"
    resource "aws_iam_openid_connect_provider" "acme_cubecloud_dev" {
      url            = "https://acme.cubecloud.dev"
      client_id_list = ["sts.amazonaws.com"]
    }

    data "aws_iam_policy_document" "deploy-api_trust" {
      statement {
        effect  = "Allow"
        actions = ["sts:AssumeRoleWithWebIdentity"]

        principals {
          type        = "Federated"
          identifiers = ["arn:aws:iam::111122223333:oidc-provider/acme.cubecloud.dev"]
        }

        condition {
          test     = "StringEquals"
          variable = "acme.cubecloud.dev:aud"
          values   = ["sts.amazonaws.com"]
        }

        condition {
          test     = "StringLike"
          variable = "acme.cubecloud.dev:sub"
          values   = ["cube:deployment:42:component:*"]
        }
      }
    }

    resource "aws_iam_role" "deploy-api" {
      name = "deploy-api"

      assume_role_policy = data.aws_iam_policy_document.deploy-api_trust.json
    }

    data "aws_iam_policy_document" "deploy-api_permissions" {
      statement {
        sid       = "RdsSignIn"
        effect    = "Allow"
        actions   = ["rds-db:connect"]
        resources = ["arn:aws:rds-db:eu-central-1:111122223333:dbuser:db-ABC/api"]
      }

      statement {
        sid       = "BucketLocation"
        effect    = "Allow"
        actions   = ["s3:GetBucketLocation"]
        resources = ["arn:aws:s3:::exports"]
      }

      statement {
        sid       = "BucketList"
        effect    = "Allow"
        actions   = ["s3:ListBucket"]
        resources = ["arn:aws:s3:::exports"]

        condition {
          test     = "StringLike"
          variable = "s3:prefix"
          values   = ["daily/*"]
        }
      }

      statement {
        sid       = "BucketRead"
        effect    = "Allow"
        actions   = ["s3:GetObject"]
        resources = ["arn:aws:s3:::exports/daily/*"]
      }
    }

    resource "aws_iam_role_policy" "deploy-api" {
      name = "rds-s3-read"
      role = aws_iam_role.deploy-api.name

      policy = data.aws_iam_policy_document.deploy-api_permissions.json
    }
    "##);
    insta::assert_snapshot!(design.written(&all, Language::CloudFormation).unwrap(), @r##"
    AWSTemplateFormatVersion: '2010-09-09'
    Resources:
      DeployApiProvider:
        Type: AWS::IAM::OIDCProvider
        Properties:
          Url: https://acme.cubecloud.dev
          ClientIdList:
            - sts.amazonaws.com
      DeployApiRole:
        Type: AWS::IAM::Role
        Properties:
          RoleName: deploy-api
          AssumeRolePolicyDocument:
            Version: '2012-10-17'
            Statement:
              - Effect: Allow
                Principal:
                  Federated: arn:aws:iam::111122223333:oidc-provider/acme.cubecloud.dev
                Action: sts:AssumeRoleWithWebIdentity
                Condition:
                  StringEquals:
                    acme.cubecloud.dev:aud: sts.amazonaws.com
                  StringLike:
                    acme.cubecloud.dev:sub: 'cube:deployment:42:component:*'
          Policies:
            - PolicyName: rds-s3-read
              PolicyDocument:
                Version: '2012-10-17'
                Statement:
                  - Sid: RdsSignIn
                    Effect: Allow
                    Action: rds-db:connect
                    Resource: arn:aws:rds-db:eu-central-1:111122223333:dbuser:db-ABC/api
                  - Sid: BucketLocation
                    Effect: Allow
                    Action: s3:GetBucketLocation
                    Resource: arn:aws:s3:::exports
                  - Sid: BucketList
                    Effect: Allow
                    Action: s3:ListBucket
                    Resource: arn:aws:s3:::exports
                    Condition:
                      StringLike:
                        s3:prefix: 'daily/*'
                  - Sid: BucketRead
                    Effect: Allow
                    Action: s3:GetObject
                    Resource: 'arn:aws:s3:::exports/daily/*'
    "##);
    insta::assert_snapshot!(design.written(&all, Language::Command).unwrap(), @r##"
    aws iam create-open-id-connect-provider \
      --url https://acme.cubecloud.dev \
      --client-id-list sts.amazonaws.com

    aws iam create-role \
      --role-name deploy-api \
      --assume-role-policy-document '{
      "Version": "2012-10-17",
      "Statement": [
        {
          "Effect": "Allow",
          "Principal": {
            "Federated": "arn:aws:iam::111122223333:oidc-provider/acme.cubecloud.dev"
          },
          "Action": "sts:AssumeRoleWithWebIdentity",
          "Condition": {
            "StringEquals": {
              "acme.cubecloud.dev:aud": "sts.amazonaws.com"
            },
            "StringLike": {
              "acme.cubecloud.dev:sub": "cube:deployment:42:component:*"
            }
          }
        }
      ]
    }'

    aws iam put-role-policy \
      --role-name deploy-api \
      --policy-name rds-s3-read \
      --policy-document '{
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "RdsSignIn",
          "Effect": "Allow",
          "Action": "rds-db:connect",
          "Resource": "arn:aws:rds-db:eu-central-1:111122223333:dbuser:db-ABC/api"
        },
        {
          "Sid": "BucketLocation",
          "Effect": "Allow",
          "Action": "s3:GetBucketLocation",
          "Resource": "arn:aws:s3:::exports"
        },
        {
          "Sid": "BucketList",
          "Effect": "Allow",
          "Action": "s3:ListBucket",
          "Resource": "arn:aws:s3:::exports",
          "Condition": {
            "StringLike": {
              "s3:prefix": "daily/*"
            }
          }
        },
        {
          "Sid": "BucketRead",
          "Effect": "Allow",
          "Action": "s3:GetObject",
          "Resource": "arn:aws:s3:::exports/daily/*"
        }
      ]
    }'
    "##);
}

#[test]
fn permissions_stand_on_arns_and_iam_takes_them() {
    let examples = [
        "athena:region=eu-central-1,workgroup=primary,database=sales,results=r,data=d1,data=d2",
        "s3-read:bucket=b",
        "s3-write:bucket=b,prefix=x/,kms_key=arn:aws:kms:eu-central-1:111122223333:key/k",
        "redshift:region=eu-central-1,cluster=c,database=d",
        "redshift-serverless:region=eu-central-1,workgroup_id=u",
        "rds:region=eu-central-1,resource_id=db-ABC,user=api",
        "bedrock:region=us-east-1,region=us-west-2,model=anthropic.claude-v2:1,profile=us.anthropic.claude",
    ];
    assert_eq!(examples.len(), TARGETS.len());
    let mut design = cube();
    design.permissions = examples
        .iter()
        .map(|text| Permission::parse(text).unwrap())
        .collect();
    // A second one of a target, so that a `Sid` would come twice.
    design
        .permissions
        .push(Permission::parse("s3-read:bucket=c").unwrap());
    design.check().unwrap();
    let text = design
        .written(&[Part::Permissions], Language::Json)
        .unwrap();
    assert!(!text.contains('{') || !text.contains("{region}"), "{text}");
    assert!(text.contains("arn:aws:rds-db:eu-central-1:111122223333:dbuser:db-ABC/api"));
    assert!(text.contains("arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-v2:1"));
    let said = |text: &str| Permission::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(said("s3read:bucket=b"), @"there are no permissions for `s3read`, did you mean `s3-read`?; there is `athena`, `s3-read`, `s3-write`, `redshift`, `redshift-serverless`, `rds`, `bedrock`");
    insta::assert_snapshot!(said("rds:region=eu-central-1,user=api"), @"`rds` needs `resource_id`, the resource ID, `db-…` or `cluster-…`; not the identifier");
    insta::assert_snapshot!(said("s3-read:bucket=a/b"), @"`a/b` cannot be the value of `bucket`: a bucket's name has no `/`");
    insta::assert_snapshot!(said("s3-read:bucket"), @"`bucket` is no `NAME=VALUE` of `TARGET:NAME=VALUE,NAME=VALUE`");
}

#[test]
fn a_provider_is_found_again() {
    let mut design = cube();
    design.thumbprints = vec!["0123456789abcdef0123456789abcdef01234567".to_owned()];
    for (language, name) in &LANGUAGES[1..] {
        let found = found(name, &design.written(&[Part::Provider], *language).unwrap());
        assert_eq!(found.providers.len(), 1, "{language:?}");
        assert_eq!(found.providers[0].url.value, "https://acme.cubecloud.dev");
        assert_eq!(found.providers[0].client_ids[0].value, "sts.amazonaws.com");
        assert_eq!(found.providers[0].thumbprints.len(), 1);
    }
}

#[test]
fn what_lint_calls_an_error_or_a_hole_is_not_written() {
    let chosen: &[(&str, &[&str])] = &[
        ("owner", &["octo-org"]),
        ("repo", &["app"]),
        ("ref", &["main"]),
    ];
    let mut github = design("github", &scope(chosen, &[])).unwrap();
    insta::assert_snapshot!(github.check().unwrap_err().to_string(), @"RC2003: subjects of GitHub Actions do not look like `repo:octo-org/app:ref:main` (it never matches)");
    github.documented = false;
    assert_eq!(github.check(), Ok(()));
    github.subjects.values = vec!["repo:*/app:ref:refs/heads/main".to_owned()];
    github.subjects.patterns = true;
    insta::assert_snapshot!(github.check().unwrap_err().to_string(), @"RC1003: `repo:*/app:ref:refs/heads/main` leaves open whose subject it is: GitHub Actions is shared by everybody (strangers on the same issuer can have such a subject)");
}

#[test]
fn what_aws_would_not_take_is_said_before_anything_is_written() {
    let said = |change: fn(&mut Design)| {
        let mut design = cube();
        change(&mut design);
        design
            .written(&[Part::Trust], Language::Json)
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(said(|it| it.account = "12".into()), @"the account `12` is not twelve digits");
    insta::assert_snapshot!(said(|it| it.issuer = "http://a.example".into()), @"the issuer `http://a.example` does not begin with `https://`");
    insta::assert_snapshot!(said(|it| it.issuer = "https://a.example:8443".into()), @"the issuer `https://a.example:8443` has a port, and IAM takes none");
    insta::assert_snapshot!(said(|it| it.role = "a b".into()), @"the role `a b` is no name of a role: 1 to 64 letters, digits and `_+=,.@-`");
    let long = said(|it| {
        it.subjects.values = (0..60)
            .map(|at| format!("cube:deployment:{at}:component:cube_api"))
            .collect()
    });
    insta::assert_snapshot!(long, @"IAM would refuse the policy: LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048");
}

proptest! {
    #[test]
    fn any_scope_reads_back_and_admits_exactly_what_was_chosen(
        names in prop::collection::vec("[A-Za-z0-9 ._@+/|%=,~#!&();'-]{1,12}", 1..4),
        open in any::<bool>(),
        foreign in "[a-z0-9:/]{1,16}",
    ) {
        let format = SubjectFormat::parse("app:{name}:stage:{stage}").unwrap();
        let mut scope = Scope::new();
        scope.insert("name".to_owned(), Choice::Values(names.clone()));
        let stage = match open { true => Choice::Any, false => Choice::Values(vec!["live".to_owned()]) };
        scope.insert("stage".to_owned(), stage);
        // Spaces at the ends and such are refused; nothing else is tried then.
        if let Ok(subjects) = format.subjects(&scope) {
            let mut design = cube();
            design.issuer = "https://id.example.com".to_owned();
            design.subjects = subjects;
            reads_back(&design);
            let text = design.written(&[Part::Trust], Language::Json).unwrap();
            let policy = Policy::parse(&SourceText::new("trust.json", text)).unwrap();
            let compiled = CompiledPolicy::compile(&policy);
            let admits = |subject: &str| {
                WebIdentity::plain(&design.provider(), &design.audience, subject)
                    .decide(&compiled, Context::new()) == Decision::Allow
            };
            for subject in &design.subjects.values {
                prop_assert!(admits(&subject.replace('*', "live")));
                let longer = format!("{foreign}:{subject}");
                prop_assert!(!admits(&longer));
                prop_assert_eq!(admits(&subject.replace('*', "other").replace(":live", ":other")), open);
            }
        }
    }

    #[test]
    fn no_format_is_too_odd_to_be_read_or_refused(text in "\\PC{0,40}") {
        let _ = SubjectFormat::parse(&text);
        let _ = Permission::parse(&text);
    }
}
