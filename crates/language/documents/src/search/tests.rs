#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn policies(name: &str, text: &str) -> (Vec<SourceText>, Found) {
    let files = vec![SourceText::new(name, text)];
    let found = find(&files);
    (files, found)
}

/// What stands at `subject` in the first policy: its text, and line and column of its place.
fn subject(name: &str, text: &str, wanted: Form) -> (String, String) {
    let (files, found) = policies(name, text);
    assert_eq!(found.problems, vec![], "{name}");
    let [policy] = &found.policies[..] else {
        panic!("{name}: {} policies", found.policies.len());
    };
    assert_eq!(policy.form, wanted);
    let statement = &policy.tree.get("Statement").unwrap().elements()[0];
    let operator = &statement.get("Condition").unwrap().members().unwrap()[0];
    let value = &operator.value.members().unwrap()[0].value.elements()[0];
    let slice = files[0].slice(value.span);
    let text = value.scalar().unwrap().value;
    let bare = text.replace("${", "").replace('}', "");
    assert!(
        slice.contains(&text)
            || text.contains("${")
            || slice.contains(&bare)
            || slice.contains('%'),
        "{name}: `{slice}` is not `{text}`"
    );
    (text, files[0].position(value.span.start).to_string())
}

#[test]
fn a_policy_alone() {
    let text = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
  "Condition": {"StringEquals": {"h:sub": "a:b"}}}}"#;
    assert_eq!(
        subject("p.json", text, Form::Json),
        ("a:b".into(), "2:43".into())
    );
    assert_eq!(subject("standard input", text, Form::Json).0, "a:b");
}

#[test]
fn a_text_called_by_a_role_s_arn_is_that_role_s_policy_whatever_the_role_is_called() {
    let text = r#"{"Statement": [{"Condition": {"StringEquals": {"h:sub": "a:b"}}}]}"#;
    for role in ["deploy", "team/deploy.py", "main.tf", "x.yaml"] {
        let name = format!("arn:aws:iam::111122223333:role/{role}");
        assert_eq!(subject(&name, text, Form::Json).0, "a:b");
        let (_, found) = policies(&name, text);
        assert_eq!(found.policies[0].role, Some(name));
    }
}

#[test]
fn what_aws_answers() {
    let plain = r#"{"Role": {"RoleName": "x", "Arn": "arn:aws:iam::111122223333:role/x",
 "AssumeRolePolicyDocument": {"Statement": [{"Condition": {"StringLike": {"h:sub": ["a:b"]}}}]}}}"#;
    assert_eq!(subject("r.json", plain, Form::GetRole).1, "2:85");
    let (_, found) = policies("r.json", plain);
    assert_eq!(
        found.policies[0].role.as_deref(),
        Some("arn:aws:iam::111122223333:role/x")
    );
    let encoded = r#"{"Roles": [{"RoleName": "x", "AssumeRolePolicyDocument":
 "%7B%22Statement%22%3A%5B%7B%22Condition%22%3A%7B%22StringLike%22%3A%7B%22h%3Asub%22%3A%22a%3Ab%22%7D%7D%7D%5D%7D"}]}"#;
    let (text, at) = subject("r.json", encoded, Form::GetRole);
    assert_eq!((text.as_str(), at.as_str()), ("a:b", "2:89"));
    let inner = r#"{"Role": {"RoleName": "x", "AssumeRolePolicyDocument":
 "{\"Statement\": [{\"Condition\": {\"StringLike\": {\"h:sub\": \"a:b\"}}}]}"}}"#;
    assert_eq!(
        subject("r.json", inner, Form::GetRole),
        ("a:b".into(), "2:65".into())
    );
    let provider = r#"{"Url": "h.example", "ClientIDList": ["a", "b"], "ThumbprintList": []}"#;
    let (_, found) = policies("o.json", provider);
    assert_eq!(found.providers[0].url, Text::known("h.example"));
    assert_eq!(found.providers[0].client_ids.len(), 2);
}

#[test]
fn cloudformation_in_yaml() {
    let text = "\
Parameters:
  Org:
    Type: String
    Default: acme
Resources:
  Provider:
    Type: AWS::IAM::OIDCProvider
    Properties:
      Url: https://h.example/a
      ClientIdList: [sts.amazonaws.com]
  Deploy:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement:
          - Effect: Allow # who may
            Principal:
              Federated: !Ref Provider
            Condition:
              StringLike:
                h.example/a:sub: !Sub 'repo:${Org}/${AWS::StackName}:*'
";
    let (value, at) = subject("t.yaml", text, Form::CloudFormationYaml);
    assert_eq!(value, "repo:acme/${AWS::StackName}:*");
    assert_eq!(at, "21:39");
    let (_, found) = policies("t.yaml", text);
    assert_eq!(found.policies[0].role.as_deref(), Some("Deploy"));
    assert_eq!(
        found.policies[0].tree.symbols(),
        ["AWS::Partition", "AWS::AccountId", "AWS::StackName"]
    );
    let statement = &found.policies[0].tree.get("Statement").unwrap().elements()[0];
    let provider = statement
        .get("Principal")
        .unwrap()
        .get("Federated")
        .unwrap();
    assert_eq!(
        provider.text(),
        Some("arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/h.example/a")
    );
    assert_eq!(
        found.providers[0].client_ids,
        [Text::known("sts.amazonaws.com")]
    );
}

#[test]
fn cloudformation_in_json() {
    let text = r#"{"Resources": {"Deploy": {"Type": "AWS::IAM::Role", "Properties": {
"AssumeRolePolicyDocument": {"Statement": [{"Condition": {"StringEquals": {
"h:sub": {"Fn::Join": [":", ["repo", {"Ref": "AWS::Region"}, "x"]]}}}}]}}}}}"#;
    let (value, at) = subject("t.json", text, Form::CloudFormationJson);
    assert_eq!(
        (value.as_str(), at.as_str()),
        ("repo:${AWS::Region}:x", "3:10")
    );
}

#[test]
fn yaml_and_json_in_a_block() {
    let text = "Version: '2012-10-17'\nStatement:\n- Condition:\n    StringLike:\n      h:sub: [\"a:b\"]\n";
    assert_eq!(
        subject("p.yml", text, Form::Yaml),
        ("a:b".into(), "5:15".into())
    );
    let text = "\
kind: Role
spec:
  forProvider:
    assumeRolePolicyDocument: |
      {
        \"Statement\": [{\"Condition\": {\"StringEquals\": {
            \"h:sub\": \"a:b\"}}}]
      }
";
    assert_eq!(
        subject("role.yaml", text, Form::Yaml),
        ("a:b".into(), "7:22".into())
    );
}

#[test]
fn terraform_in_every_style() {
    let json = "\
resource \"aws_iam_role\" \"deploy\" {
  assume_role_policy = jsonencode({
    Version = \"2012-10-17\"
    Statement = [{
      Effect = \"Allow\"
      Condition = {
        StringEquals = { # exactly
          \"${local.host}:sub\" : \"repo:${var.org}/${var.repo}\"
        }
      }
    }]
  })
}
locals { host = \"h.example\" }
variable \"org\" { default = \"acme\" }
variable \"repo\" {}
";
    let (value, at) = subject("main.tf", json, Form::TerraformJsonencode);
    assert_eq!(
        (value.as_str(), at.as_str()),
        ("repo:acme/${var.repo}", "8:33")
    );
    let (_, found) = policies("main.tf", json);
    let policy = &found.policies[0];
    assert_eq!(policy.role.as_deref(), Some("aws_iam_role.deploy"));
    let statement = &policy.tree.get("Statement").unwrap().elements()[0];
    let keys = statement
        .get("Condition")
        .unwrap()
        .get("StringEquals")
        .unwrap();
    assert_eq!(keys.members().unwrap()[0].name(), "h.example:sub");

    let heredoc = "\
resource \"aws_iam_role\" \"deploy\" {
  assume_role_policy = <<-EOF
    {
      \"Statement\": [{\"Condition\": {
        \"StringLike\": {\"h:sub\": \"repo:${var.org}/$${literal}\"}
      }}]
    }
  EOF
}
";
    let (value, at) = subject("main.tf", heredoc, Form::TerraformHeredoc);
    assert_eq!(
        (value.as_str(), at.as_str()),
        ("repo:${var.org}/${literal}", "5:33")
    );
    let (_, found) = policies("main.tf", heredoc);
    assert_eq!(found.policies[0].tree.symbols(), ["var.org"]);

    let document = "\
data \"aws_iam_policy_document\" \"trust\" {
  statement {
    actions = [\"sts:AssumeRoleWithWebIdentity\"]
    principals {
      type        = \"Federated\"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = \"StringLike\"
      variable = \"h.example:sub\"
      values   = [\"repo:acme/*\", \"&{aws:username}\"]
    }
    condition {
      test     = \"StringLike\"
      variable = \"h.example:aud\"
      values   = [\"sts.amazonaws.com\"]
    }
  }
}
resource \"aws_iam_openid_connect_provider\" \"github\" {
  url            = \"https://h.example\"
  client_id_list = [\"sts.amazonaws.com\"]
}
resource \"aws_iam_role\" \"deploy\" {
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
";
    let (value, at) = subject("main.tf", document, Form::TerraformPolicyDocument);
    assert_eq!((value.as_str(), at.as_str()), ("repo:acme/*", "11:19"));
    let (_, found) = policies("main.tf", document);
    let statement = &found.policies[0].tree.get("Statement").unwrap().elements()[0];
    let like = statement
        .get("Condition")
        .unwrap()
        .get("StringLike")
        .unwrap();
    assert_eq!(like.members().unwrap().len(), 2);
    let values = like.get("h.example:sub").unwrap().elements();
    assert_eq!(values[1].text(), Some("${aws:username}"));
    assert!(values[1].symbols().is_empty());
    let federated = statement
        .get("Principal")
        .unwrap()
        .get("Federated")
        .unwrap();
    assert_eq!(
        federated.elements()[0].text(),
        Some("arn:aws:iam::${account}:oidc-provider/h.example")
    );
    assert_eq!(found.providers.len(), 1);
}

#[test]
fn names_that_stand_twice_are_seen_in_json_and_yaml() {
    for (name, text) in [
        (
            "a.json",
            r#"{"Statement": {"Condition": {"StringLike": {"h:sub": "a", "h:sub": "b"}}}}"#,
        ),
        (
            "b.yaml",
            "Statement:\n- Condition:\n    StringLike: {'h:sub': a, 'h:sub': b}\n",
        ),
    ] {
        let (files, found) = policies(name, text);
        assert_eq!(found.problems, vec![], "{name}");
        let statement = &found.policies[0].tree.get("Statement").unwrap().elements()[0];
        let keys = statement
            .get("Condition")
            .unwrap()
            .get("StringLike")
            .unwrap();
        let members = keys.members().unwrap();
        assert_eq!(members.len(), 2, "{name}");
        assert!(members[0].name_span < members[1].name_span, "{name}");
        assert!(
            files[0].slice(members[0].name_span).contains("h:sub"),
            "{name}"
        );
        assert_eq!(keys.get("h:sub").unwrap().text(), Some("b"), "{name}");
    }
}

#[test]
fn names_that_stand_twice_in_terraform_are_told_with_their_place() {
    let (_, found) = policies(
        "c.tf",
        "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = jsonencode({ Condition = { StringLike = {\n    \"h:sub\" = \"a\"\n    \"h:sub\" = \"b\"\n  } } })\n}\n",
    );
    assert_eq!(found.problems.len(), 1);
    let message = found.problems[0].1.to_string();
    assert!(message.starts_with("c.tf:4:5"), "{message}");
    assert!(message.contains("redefined object key"), "{message}");
}

#[test]
fn terraform_across_files_of_a_folder() {
    let role = "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = data.aws_iam_policy_document.t.json\n}\n";
    let data = "data \"aws_iam_policy_document\" \"t\" {\n  statement {\n    actions = [\"sts:AssumeRole\"]\n  }\n}\n";
    let at =
        |folder: &str, name: &str, text: &str| SourceText::new(format!("{folder}/{name}"), text);
    let together = [at("a", "role.tf", role), at("a", "data.tf", data)];
    let found = find(&together);
    assert_eq!(found.policies.len(), 1);
    assert_eq!(found.policies[0].file, 1);
    assert_eq!(found.policies[0].role.as_deref(), Some("aws_iam_role.r"));
    let apart = [at("a", "role.tf", role), at("b", "data.tf", data)];
    assert_eq!(find(&apart).policies, vec![]);
}

#[test]
fn templates_keep_their_marks_as_symbols() {
    let text =
        "Statement:\n- Condition:\n    StringLike:\n      h:sub: \"system:{{ .Namespace }}:x\"\n";
    let (value, _) = subject("chart.yaml", text, Form::Yaml);
    assert_eq!(value, "system:${.Namespace}:x");
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let message = |name: &str, text: &str| {
        let (_, found) = policies(name, text);
        found.problems[0].1.to_string()
    };
    insta::assert_snapshot!(message("a.json", "{\"Statement\": [}"), @r#"
    a.json:1:16: not JSON: unexpected close brace
      |
    1 | {"Statement": [}
      |                ^
    "#);
    insta::assert_snapshot!(message("a.yaml", "Statement:\n  - a: [1, 2\n  b: 3\n"), @r"
    a.yaml:3:4: not YAML: illegal placement of ':' indicator
      |
    3 |   b: 3
      |    ^
    ");
    insta::assert_snapshot!(message("a.tf", "resource \"aws_iam_role\" \"x\" {\n  name =\n}\n"), @r#"
    a.tf:2:9: not HCL: invalid expression; expected `"`, `[`, `{`, `-`, `!`, `(`, `_`, `<`, letter or digit
      |
    2 |   name =
      |         ^
    "#);
    insta::assert_snapshot!(message("a.ts", "new Role(this)"), @r"
    a.ts:1:1: a program makes its policies when it runs
      |
    1 | new Role(this)
      | ^
    hint: Give what it makes: run `cdk synth` or `pulumi preview --json` first, and name the template.
    ");
    insta::assert_snapshot!(message("c.yaml", "{{ if .x }}\nStatement:\n{{ end }}\n"), @r"
    c.yaml:2:1: not YAML: did not find expected <document start>
      |
    2 | Statement:
      | ^
    hint: It has `{{…}}` in it: render the template first, and give what it makes.
    ");
}

#[test]
fn unrelated_files_are_no_problem() {
    let files = [
        SourceText::new("package.json", "{\"name\": \"x\"}"),
        SourceText::new("broken.json", "{"),
        SourceText::new("pod.yaml", "kind: Pod\n"),
    ];
    assert_eq!(find(&files), Found::default());
}

#[test]
fn depth_is_bounded_in_every_language() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    for (name, text) in [
        ("a.json", deep("[", "]")),
        ("a.yaml", format!("Statement: {}", deep("[", "]"))),
        (
            "b.yaml",
            (0..10_000)
                .map(|n| format!("{}a:\n", " ".repeat(n % 200)))
                .collect(),
        ),
        (
            "c.yaml",
            (0..3_000)
                .map(|n| format!("{}a:\n", " ".repeat(n)))
                .collect(),
        ),
        ("a.tf", format!("locals {{ x = {} }}", deep("[", "]"))),
        (
            "b.tf",
            format!("locals {{ x = \"{}\" }}", deep("${\"", "\"}")),
        ),
        ("c.tf", deep("a {\n", "}\n")),
    ] {
        let (_, found) = policies(name, &text);
        assert_eq!(found.problems.len(), 1, "{name}");
    }
}

#[test]
fn aliases_do_not_multiply() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let inner = format!("*a{}, ", level - 1).repeat(10);
        text.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            inner.trim_end_matches(", ")
        ));
    }
    let (_, found) = policies("bomb.yaml", &text);
    assert!(found.problems[0].1.to_string().contains("aliases included"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Texts as policies have them, and some that need escaping.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-z]{1,8}(:[a-z*]{1,8}){0,3}",
            r#"[ -~é☁\n\t"\\$%{}'#-]{0,12}"#.prop_map(|text| text
                .replace("${", "$")
                .replace("%{", "%")
                .replace("{{", "{")),
        ]
    }

    fn json_text(text: &str) -> String {
        let mut quoted = String::from("\"");
        for character in text.chars() {
            match character {
                '"' | '\\' => quoted.extend(['\\', character]),
                '\n' => quoted.push_str("\\n"),
                '\t' => quoted.push_str("\\t"),
                other => quoted.push(other),
            }
        }
        quoted.push('"');
        quoted
    }

    /// The texts of a tree in order.
    fn texts(node: &Node, all: &mut Vec<String>) {
        match &node.kind {
            Kind::Text(text) => all.push(text.value.clone()),
            Kind::List(elements) => elements.iter().for_each(|one| texts(one, all)),
            Kind::Map(members) => members.iter().for_each(|one| {
                all.push(one.name().to_owned());
                texts(&one.value, all);
            }),
            _ => {}
        }
    }

    /// Every known text of a tree stands where its place says, unless it is written in escapes.
    fn placed(source: &SourceText, node: &Node) {
        if let Kind::Text(text) = &node.kind
            && text
                .value
                .chars()
                .all(|one| one.is_ascii_alphanumeric() || one == ':' || one == '*')
        {
            let slice = source.slice(node.span);
            assert!(
                slice.contains(&text.value),
                "`{slice}` is not `{}`",
                text.value
            );
        }
        match &node.kind {
            Kind::List(elements) => elements.iter().for_each(|one| placed(source, one)),
            Kind::Map(members) => members.iter().for_each(|one| placed(source, &one.value)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn a_policy_is_the_same_in_every_form(sub in text(), other in text(), key in "[a-z]{1,6}") {
            let policy = format!(
                "{{\"Statement\": [{{\"Condition\": {{\"StringLike\": {{\"h:{key}\": [{}, {}]}}}}}}]}}",
                json_text(&sub), json_text(&other)
            );
            let indented = policy.replace(": [{", ": [\n{").replace(", \"", ",\n  \"");
            let in_block: String = indented.lines().map(|line| format!("      {line}\n")).collect();
            let escaped = policy.replace("${", "$${").replace("%{", "%%{");
            let forms = [
                ("a.json", policy.clone()),
                ("b.json", format!("{{\"Role\": {{\"RoleName\": \"r\", \"AssumeRolePolicyDocument\": {policy}}}}}")),
                ("c.json", format!("{{\"x\": {{\"assume_role_policy\": {}}}}}", json_text(&policy))),
                ("d.yaml", format!("Statement:\n- Condition:\n    StringLike:\n      \"h:{key}\":\n      - {}\n      - {}\n", json_text(&sub), json_text(&other))),
                ("e.yaml", format!("spec:\n    assumeRolePolicy: |\n{in_block}next: 1\n")),
                ("f.tf", format!("resource \"aws_iam_role\" \"r\" {{\n  assume_role_policy = <<EOF\n{escaped}\nEOF\n}}\n")),
                ("g.tf", format!("resource \"aws_iam_role\" \"r\" {{\n  assume_role_policy = jsonencode({escaped})\n}}\n")),
            ];
            let mut expected = Vec::new();
            texts(&crate::json(&SourceText::new("p", policy)).unwrap(), &mut expected);
            for (name, text) in forms {
                let (files, found) = policies(name, &text);
                prop_assert_eq!(&found.problems, &vec![], "{}", text);
                prop_assert_eq!(found.policies.len(), 1, "{}", text);
                let mut seen = Vec::new();
                texts(&found.policies[0].tree, &mut seen);
                prop_assert_eq!(&seen, &expected, "{}", text);
                placed(&files[0], &found.policies[0].tree);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}", extension in "json|yaml|tf|") {
            let (files, found) = policies(&format!("x.{extension}"), &text);
            for policy in &found.policies {
                placed(&files[0], &policy.tree);
            }
        }

        #[test]
        fn broken_documents_are_read_or_refused(cut in 0_usize..400, junk in "[{}\\[\\]\"':$%<>#,\\\\ \\n-]{0,6}") {
            for (name, text) in [
                ("a.json", "{\"Role\": {\"RoleName\": \"r\", \"AssumeRolePolicyDocument\": \"%7B%22Statement%22%3A%5B%5D%7D\"}}"),
                ("b.yaml", "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Statement:\n        - Principal: {Federated: !Sub 'arn:${AWS::Partition}:x'}\n          Condition: &c {StringLike: {\"a:sub\": !Join [':', [a, !Ref B]]}}\n        - Condition: *c\n"),
                ("c.tf", "resource \"aws_iam_role\" \"r\" {\n  assume_role_policy = <<-EOF\n    {\"Statement\": [{\"Condition\": {\"StringLike\": {\"h:sub\": \"${var.x}\"}}}]}\n  EOF\n}\ndata \"aws_iam_policy_document\" \"d\" {\n  statement {\n    actions = [\"sts:AssumeRole\"]\n    condition {\n      test = \"A\"\n      variable = \"b\"\n      values = concat([\"c\"], local.d)\n    }\n  }\n}\n"),
            ] {
                let mut at = cut.min(text.len());
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                let broken = format!("{}{junk}{}", &text[..at], &text[at..]);
                let _ = policies(name, &broken);
                let _ = policies(name, &text[..at]);
            }
        }
    }
}
