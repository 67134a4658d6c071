"""`rolecall trust check` with one policy: every form of a document, every output, and documents
that cannot be read: where, what was expected, the nearest word, within bounded memory."""

import base64
import json
import resource
import subprocess

import pytest
from harness.programs import ROLECALL

ISSUER = "oidc.acme.example"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{ISSUER}:sub": "team:a:*"},
            },
        }
    ],
}
CLAIMS = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": "team:a:deploy"}
MEMORY = 1024 * 1024 * 1024


def in_yaml(policy: dict) -> str:
    """A CloudFormation template with the policy as YAML."""
    lines = json.dumps(policy, indent=2).splitlines()
    body = "\n".join("      " + line for line in lines)
    return f"Resources:\n  Deploy:\n    Type: AWS::IAM::Role\n    Properties:\n     AssumeRolePolicyDocument:\n{body}\n"


def in_hcl(policy: dict) -> str:
    """A Terraform role with the policy in `jsonencode`."""
    return f'resource "aws_iam_role" "deploy" {{\n  assume_role_policy = jsonencode({json.dumps(policy, indent=2)})\n}}\n'


FORMS = {"trust.json": json.dumps, "template.yaml": in_yaml, "main.tf": in_hcl}


def check(folder, name: str, content, *arguments, claims: dict = CLAIMS):
    """`trust check` of one file against claims, with bounded memory and a shallow stack."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (folder / "claims.json").write_text(json.dumps(claims))

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_STACK, (8 * 1024 * 1024, 8 * 1024 * 1024))

    return subprocess.run(
        [ROLECALL, "trust", "check", "--policy", path, "--claims", folder / "claims.json", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=limited,
    )


def refused(folder, name: str, content) -> str:
    """What is said of a document that cannot be read; nothing is printed as data."""
    done = check(folder, name, content)
    assert done.returncode in (3, 7), (done.returncode, done.stdout[:500], done.stderr[:500])
    assert done.stdout == ""
    assert "panicked" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", FORMS)
def test_yes_and_no_in_every_form(tmp_path, name):
    content = FORMS[name](POLICY)
    yes = check(tmp_path, name, content)
    assert (yes.returncode, yes.stderr) == (0, "")
    assert yes.stdout == f"allowed: sts:AssumeRoleWithWebIdentity by {PROVIDER}\n"
    no = check(tmp_path, name, content, claims={**CLAIMS, "sub": "team:b:deploy"})
    assert no.returncode == 9
    line = 1 + content[: content.index(f"{ISSUER}:sub")].count("\n")
    assert f"{name}:{line}:" in no.stdout
    assert "team:b:deploy" in no.stdout and "mend: " in no.stdout


@pytest.mark.parametrize("name", FORMS)
def test_json_output(tmp_path, name):
    said = check(tmp_path, name, FORMS[name](POLICY), "--output", "json", claims={**CLAIMS, "sub": "team:b"})
    assert (said.returncode, said.stderr) == (9, "")
    report = json.loads(said.stdout)
    assert report["decision"] == "implicitDeny"
    (action,) = report["actions"]
    assert action["reason"]["cause"] == "segment"
    assert [one["holds"] for one in action["verdict"]["statements"][0]["conditions"]] == [True, False]


def test_a_token_is_read(tmp_path):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")  # noqa: E731
    (tmp_path / "token").write_text(f"{part({'alg': 'RS256'})}.{part(CLAIMS)}.c2ln\n")
    (tmp_path / "trust.json").write_text(json.dumps(POLICY))
    done = subprocess.run(
        [ROLECALL, "trust", "check", "--policy", tmp_path / "trust.json", "--token", tmp_path / "token"],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    (tmp_path / "token").write_text("no token")
    done = subprocess.run(
        [ROLECALL, "trust", "check", "--policy", tmp_path / "trust.json", "--token", tmp_path / "token"],
        capture_output=True,
        timeout=60,
        text=True,
    )
    assert (done.returncode, done.stdout) == (8, "") and "token" in done.stderr


def test_what_a_verdict_rests_on(tmp_path):
    statement = {**POLICY["Statement"][0], "Condition": {"Bool": {"sts:RoleAuthorizedByIdp": "false"}}}
    policy = json.dumps({**POLICY, "Statement": [statement]})
    text = check(tmp_path, "trust.json", policy)
    assert text.returncode == 0
    assert "rests on (observed): a web identity's request has" in text.stdout
    assert "2026-09" in text.stdout
    rules = json.loads(check(tmp_path, "trust.json", policy, "--output", "json").stdout)["restsOn"]
    assert [(rule["id"], rule["confidence"]) for rule in rules] == [("web-identity-keys", "observed")]


@pytest.mark.parametrize("name", FORMS)
def test_an_operator_that_is_not_known(tmp_path, name):
    content = FORMS[name](POLICY).replace("StringLike", "StringLikes")
    line = 1 + content[: content.index("StringLikes")].count("\n")
    said = refused(tmp_path, name, content)
    assert f"{name}:{line}:" in said
    assert "unknown condition operator `StringLikes`" in said
    assert "`StringLike`" in said.split("hint:")[1]


def test_malformed_documents_have_a_place_and_what_was_expected(tmp_path):
    broken = json.dumps(POLICY, indent=2).replace('"Action":', '"Action"')
    said = refused(tmp_path, "trust.json", broken)
    assert "trust.json:9:16:" in said and "expected" in said
    said = refused(tmp_path, "trust.json", json.dumps(POLICY, indent=2)[:-3])
    assert "trust.json:" in said and "not JSON" in said
    assert len(said) < 2_000
    said = refused(tmp_path, "template.yaml", in_yaml(POLICY) + "   - what: [is this\n")
    assert "template.yaml:" in said
    said = refused(tmp_path, "main.tf", in_hcl(POLICY).replace("jsonencode(", "jsonencode(("))
    assert "main.tf:" in said


@pytest.mark.parametrize("name", FORMS)
def test_bytes_that_are_no_text(tmp_path, name):
    content = FORMS[name](POLICY).encode().replace(b"team:a", b"team\xff\xfe")
    said = refused(tmp_path, name, content)
    assert "not UTF-8" in said and "offset" in said


@pytest.mark.parametrize("name", FORMS)
def test_ten_megabytes(tmp_path, name):
    large = {**POLICY, "Id": "x" * 10_000_000}
    refused(tmp_path, name, FORMS[name](large))
    many = {**POLICY, "Statement": POLICY["Statement"] * 40_000}
    content = FORMS[name](many)
    assert len(content) > 9_000_000
    refused(tmp_path, name, content)


@pytest.mark.parametrize("levels", [10_000, 200_000])
@pytest.mark.parametrize("opened, closed", [("[", "]"), ('{"a":', "}"), ("(", ")"), ("- ", ""), ("a{", "}"), ("!Sub [", "]"), ("${", "}")])
@pytest.mark.parametrize("name", FORMS)
def test_deep_documents(tmp_path, name, opened, closed, levels):
    for content in [
        opened * levels + "1" + closed * levels,
        opened * levels,
        f'{{"Statement": {opened * levels}1{closed * levels}}}',
        f'resource "aws_iam_role" "deploy" {{\n  assume_role_policy = {opened * levels}1{closed * levels}\n}}\n',
        f"Resources:\n  A:\n    Properties:\n      AssumeRolePolicyDocument: {opened * levels}1{closed * levels}\n",
    ]:
        refused(tmp_path, name, content)


def test_an_alias_bomb(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    bomb = "\n".join(lines) + "\nResources:\n  A:\n    Properties:\n      AssumeRolePolicyDocument: *a11\n"
    refused(tmp_path, "template.yaml", bomb)


def repeated(name: str) -> str:
    """A document whose condition has `StringLike` twice."""
    text = FORMS[name](POLICY)
    return text.replace('"StringLike"', f'"StringLike": {{"{ISSUER}:sub": "team:c:*"}}, "StringLike"', 1)


@pytest.mark.parametrize("name", ["trust.json", "template.yaml"])
def test_repeated_members_are_told_and_the_last_counts(tmp_path, name):
    """As in IAM, which takes such a policy."""
    content = repeated(name)
    second = content.rindex('"StringLike"')
    line = 1 + content[:second].count("\n")
    for claims, code in [(CLAIMS, 0), ({**CLAIMS, "sub": "team:c:x"}, 9)]:
        done = check(tmp_path, name, content, claims=claims)
        assert done.returncode == code
        assert f"{name}:{line}:" in done.stderr
        assert "`StringLike` is repeated; only the last counts" in done.stderr


def test_repeated_members_in_terraform_are_refused(tmp_path):
    """As by Terraform."""
    content = repeated("main.tf")
    line = 1 + content[: content.index('"StringLike"')].count("\n")
    said = refused(tmp_path, "main.tf", content)
    assert f"main.tf:{line}:" in said and "redefined object key" in said
