#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::Value;

fn path(steps: &str) -> Vec<Step> {
    steps
        .split('/')
        .map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Name(step.replace('|', "/")),
        })
        .collect()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn changed(name: &str, before: &str, edits: &[TreeEdit]) -> String {
    let files = [SourceText::new(name, before)];
    let found = find(&files);
    assert_eq!(found.problems, vec![]);
    let after =
        amended(&files, &found.policies[0], edits).unwrap_or_else(|error| panic!("{error}"));
    unified(name, before, &after)
}

/// The edits that the tests make in every form: a value replaced, one added to a list, a key moved
/// to another operator, an action added.
fn usual() -> Vec<TreeEdit> {
    vec![
        TreeEdit::Set {
            path: path("Statement/0/Condition/StringEquals/h:aud"),
            value: text("sts.amazonaws.com"),
        },
        TreeEdit::Append {
            path: path("Statement/0/Condition/StringEquals/h:aud"),
            value: text("other"),
        },
        TreeEdit::Remove {
            path: path("Statement/0/Condition/StringEquals/h:sub"),
        },
        TreeEdit::Set {
            path: path("Statement/0/Condition/StringLike"),
            value: Value::Map(vec![("h:sub".to_owned(), text("a:*"))]),
        },
        TreeEdit::Append {
            path: path("Statement/0/Action"),
            value: text("sts:TagSession"),
        },
    ]
}

#[test]
fn json() {
    let before = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "h:aud": "wrong",
          "h:sub": "a:*"
        }
      }
    }
  ]
}
"#;
    insta::assert_snapshot!(changed("p.json", before, &usual()));
}

#[test]
fn json_on_one_line() {
    let before = r#"{"Statement":[{"Action":["sts:AssumeRoleWithWebIdentity"],"Condition":{"StringEquals":{"h:sub":"a:*","h:aud":"wrong"}}}]}"#;
    insta::assert_snapshot!(changed("p.json", before, &usual()));
}

#[test]
fn yaml_blocks() {
    let before = "\
Resources:
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        # who may
        Statement:
        - Effect: Allow
          Action: sts:AssumeRoleWithWebIdentity # the exchange
          Condition:
            StringEquals:
              h:aud: wrong # to be mended
              h:sub: \"a:*\"
      RoleName: deploy
";
    insta::assert_snapshot!(changed("t.yaml", before, &usual()));
}

#[test]
fn json_in_a_yaml_block() {
    let before = "\
spec:
  assumeRolePolicy: |
    {
      \"Statement\": [
        {
          \"Action\": [\"sts:AssumeRoleWithWebIdentity\"],
          \"Condition\": {\"StringEquals\": {\"h:aud\": \"wrong\", \"h:sub\": \"a:*\"}}
        }
      ]
    }
  next: 1
";
    insta::assert_snapshot!(changed("t.yaml", before, &usual()));
}

#[test]
fn terraform_objects() {
    let before = "\
resource \"aws_iam_role\" \"deploy\" {
  assume_role_policy = jsonencode({
    Version = \"2012-10-17\" # with variables
    Statement = [{
      Effect = \"Allow\"
      Action = \"sts:AssumeRoleWithWebIdentity\"
      Condition = {
        StringEquals = {
          \"h:aud\" = \"wrong\" # to be mended
          \"h:sub\" = \"a:*\"
        }
      }
    }]
  })
}
";
    insta::assert_snapshot!(changed("main.tf", before, &usual()));
}

#[test]
fn terraform_heredocs() {
    let before = "\
resource \"aws_iam_role\" \"deploy\" {
  assume_role_policy = <<-EOF
    {
      \"Statement\": [{
        \"Action\": \"sts:AssumeRoleWithWebIdentity\",
        \"Condition\": {
          \"StringEquals\": {
            \"h:aud\": \"wrong\",
            \"h:sub\": \"a:*\"
          }
        }
      }]
    }
  EOF
}
";
    insta::assert_snapshot!(changed("main.tf", before, &usual()));
}

#[test]
fn terraform_documents() {
    let before = "\
data \"aws_iam_policy_document\" \"trust\" {
  statement {
    actions = [\"sts:AssumeRoleWithWebIdentity\"] # the exchange

    principals {
      type        = \"Federated\"
      identifiers = [\"arn\"]
    }

    condition {
      test     = \"StringEquals\"
      variable = \"h:aud\"
      values   = [\"wrong\"]
    }

    # who
    condition {
      test     = \"StringEquals\"
      variable = \"h:sub\"
      values   = [\"a:*\"]
    }
  }
}
resource \"aws_iam_role\" \"deploy\" {
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
";
    let mut edits = usual();
    edits.push(TreeEdit::Set {
        path: path("Statement/0/Principal"),
        value: Value::Map(vec![("Federated".to_owned(), text("arn:other"))]),
    });
    edits.push(TreeEdit::Rename {
        path: path("Statement/0/Condition/StringEquals/h:aud"),
        name: "g:aud".to_owned(),
    });
    insta::assert_snapshot!(changed("main.tf", before, &edits));
}

#[test]
fn statements_are_added_in_every_form() {
    let statement = Value::Map(vec![
        ("Effect".to_owned(), text("Allow")),
        (
            "Principal".to_owned(),
            Value::Map(vec![("Federated".to_owned(), text("arn:b"))]),
        ),
        ("Action".to_owned(), text("sts:AssumeRoleWithWebIdentity")),
        (
            "Condition".to_owned(),
            Value::Map(vec![(
                "StringEquals".to_owned(),
                Value::Map(vec![("h:sub".to_owned(), text("b"))]),
            )]),
        ),
    ]);
    let edit = [TreeEdit::Append {
        path: path("Statement"),
        value: statement,
    }];
    for (name, before) in [
        (
            "a.json",
            "{\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\"\n    }\n  ]\n}\n",
        ),
        ("b.json", "{\"Statement\": {\"Effect\": \"Allow\"}}"),
        ("c.json", "{\"Statement\": []}"),
        ("d.yaml", "Statement:\n  - Effect: Allow\n    Action: x\n"),
        (
            "e.tf",
            "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = jsonencode({\n    Statement = [\n      {\n        Effect = \"Allow\"\n      },\n    ]\n  })\n}\n",
        ),
        (
            "f.tf",
            "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"sts:AssumeRole\"]\n    principals {\n      type = \"AWS\"\n      identifiers = [\"x\"]\n    }\n  }\n}\n",
        ),
    ] {
        insta::assert_snapshot!(name, changed(name, before, &edit));
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let refused = |name: &str, before: &str, edit: TreeEdit| {
        let files = [SourceText::new(name, before)];
        let found = find(&files);
        amended(&files, &found.policies[0], &[edit])
            .unwrap_err()
            .to_string()
    };
    let set = |steps: &str| TreeEdit::Set {
        path: path(steps),
        value: text("x"),
    };
    let symbol = "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = jsonencode({\n    Statement = [{ Condition = { StringLike = { \"h:sub\" = var.subject } } }]\n  })\n}\n";
    insta::assert_snapshot!(refused("a.tf", symbol, set("Statement/0/Condition/StringLike/h:sub")), @r#"
    a.tf:3:59: `var.subject` is filled in elsewhere
      |
    3 |     Statement = [{ Condition = { StringLike = { "h:sub" = var.subject } } }]
      |                                                           ^^^^^^^^^^^
    hint: Change it where it is defined, or write the value here by hand.
    "#);
    let answer =
        "{\"Role\": {\"RoleName\": \"x\", \"AssumeRolePolicyDocument\": {\"Statement\": []}}}";
    insta::assert_snapshot!(refused("r.json", answer, set("Version")), @"`r.json` is what AWS answered, not what the role is made from");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z]{1,8}(:[a-z*]{1,8}){0,3}",
            "(true|null|~|- a|a: b|a #b|'|\\[|no|12|\\{\\}|&x|\\*|`|@x|!x| lead|trail |%|\\||>)",
            r#"[ -~é☁\n\t"\\$%{}'#-]{0,12}"#.prop_map(|text| text.replace("{{", "{")),
        ]
    }

    fn forms() -> Vec<(&'static str, String)> {
        let json = "{\n  \"Statement\": [{\n    \"Effect\": \"Allow\",\n    \"Action\": \"x\",\n    \"Condition\": {\"StringLike\": {\"h:a\": \"old\", \"h:b\": [\"one\", \"two\"]}}\n  }]\n}\n";
        vec![
            ("a.json", json.to_owned()),
            ("b.yaml", "Statement:\n- Effect: Allow\n  Action: x\n  Condition:\n    StringLike:\n      h:a: old # kept\n      h:b:\n      - one\n      - two # kept\n".to_owned()),
            ("c.yaml", "Statement: [{Effect: Allow, Action: x, Condition: {StringLike: {'h:a': 'old', 'h:b': [one, two]}}}]\n".to_owned()),
            ("d.yaml", format!("spec:\n  assumeRolePolicy: |\n{}  next: 1\n", json.lines().map(|line| format!("    {line}\n")).collect::<String>())),
            ("e.tf", "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = jsonencode({\n    Statement = [{\n      Effect = \"Allow\"\n      Action = \"x\"\n      Condition = {\n        StringLike = {\n          \"h:a\" = \"old\" # kept\n          \"h:b\" = [\n            \"one\",\n            \"two\", # kept\n          ]\n        }\n      }\n    }]\n  })\n}\n".to_owned()),
            ("f.tf", format!("resource \"aws_iam_role\" \"r\" {{\n  assume_role_policy = <<EOF\n{json}EOF\n}}\n")),
            ("g.tf", "data \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"sts:x\"]\n    principals {\n      type        = \"AWS\"\n      identifiers = [\"x\"]\n    }\n    condition {\n      test     = \"StringLike\"\n      variable = \"h:a\"\n      values   = [\"old\"] # kept\n    }\n    condition {\n      test     = \"StringLike\"\n      variable = \"h:b\"\n      values   = [\"one\", \"two\"]\n    }\n  }\n}\n".to_owned()),
        ]
    }

    fn edits(new: &str) -> Vec<TreeEdit> {
        let like = "Statement/0/Condition/StringLike";
        vec![
            TreeEdit::Set {
                path: path(&format!("{like}/h:a")),
                value: text(new),
            },
            TreeEdit::Set {
                path: path(&format!("{like}/h:b")),
                value: Value::List(vec![text(new), text("z")]),
            },
            TreeEdit::Set {
                path: path(&format!("{like}/h:b/1")),
                value: text(new),
            },
            TreeEdit::Set {
                path: path(&format!("{like}/h:c")),
                value: text(new),
            },
            TreeEdit::Append {
                path: path(&format!("{like}/h:b")),
                value: text(new),
            },
            TreeEdit::Append {
                path: path(&format!("{like}/h:a")),
                value: text(new),
            },
            TreeEdit::Append {
                path: path("Statement/0/Action"),
                value: text(new),
            },
            TreeEdit::Remove {
                path: path(&format!("{like}/h:b/0")),
            },
            TreeEdit::Remove {
                path: path(&format!("{like}/h:a")),
            },
            TreeEdit::Rename {
                path: path(&format!("{like}/h:b")),
                name: "h:d".to_owned(),
            },
            TreeEdit::Set {
                path: path("Statement/0/Condition/StringEquals"),
                value: Value::Map(vec![("h:e".to_owned(), text(new))]),
            },
            TreeEdit::Rename {
                path: path(like),
                name: "StringEqualsIgnoreCase".to_owned(),
            },
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_edit_can_be_written_in_every_form(new in value(), which in proptest::collection::vec(0_usize..12, 1..4)) {
            for (name, before) in forms() {
                let files = [SourceText::new(name, before.clone())];
                let found = find(&files);
                let all = edits(&new);
                let chosen: Vec<TreeEdit> = which.iter().map(|index| all[*index].clone()).collect();
                // Edits one after the other may take each other's ground away.
                if edited(&found.policies[0].tree, &chosen).is_none() {
                    continue;
                }
                match amended(&files, &found.policies[0], &chosen) {
                    Ok(after) => {
                        // What was removed or replaced as a whole takes the comments within it along.
                        let whole = |edit: &TreeEdit| matches!(edit, TreeEdit::Remove { .. } | TreeEdit::Set { value: Value::List(_), .. });
                        let removed = chosen.iter().any(whole);
                        if !removed {
                            prop_assert_eq!(after.matches("# kept").count(), before.matches("# kept").count(), "{}", after);
                        }
                    }
                    // Where policy variables are written `&{…}` there is no way to say `&{` itself:
                    // Terraform's provider takes it for `${` whatever it was quoted by.
                    Err(_) if new.contains("&{") && before.contains("aws_iam_policy_document") => {}
                    Err(error) => prop_assert!(false, "{name} {chosen:?}: {error}"),
                }
            }
        }
    }
}
