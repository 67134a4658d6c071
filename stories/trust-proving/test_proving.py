"""What a change admits, who can reach what, the narrowest policy: as people run it."""

import json
import xml.dom.minidom

PROVIDER = "arn:aws:iam::111122223333:oidc-provider/acme.cubecloud.dev"


def policy(subjects, operator="StringLike"):
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Deploy",
                "Effect": "Allow",
                "Principal": {"Federated": PROVIDER},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {"acme.cubecloud.dev:aud": "sts.amazonaws.com"},
                    operator: {"acme.cubecloud.dev:sub": subjects},
                },
            }
        ],
    }


def test_a_change_is_gated(programs, tmp_path):
    narrow, wide, unsure = (tmp_path / name for name in ("narrow.json", "wide.json", "unsure.json"))
    narrow.write_text(json.dumps(policy("contoso:*")))
    wide.write_text(json.dumps(policy("contoso*")))
    unsure.write_text(json.dumps(policy("contoso:${aws:PrincipalTag/team}")))

    def compared(old, new, code):
        run = programs.rolecall("trust", "compare", str(old), str(new))
        assert run.code == code, run.stderr
        return run.stdout

    told = compared(narrow, wide, 9)
    assert told.startswith("wider:")
    assert "contosox" in told and "statement `Deploy` of NEW admits it" in told
    assert "OLD denies it" in told
    assert compared(wide, narrow, 0).startswith("narrower:")
    assert compared(narrow, narrow, 0).startswith("equal:")
    told = compared(narrow, unsure, 9)
    assert told.startswith("undecided:") and "the policy variable in `contoso:$" in told

    run = programs.rolecall("trust", "compare", str(narrow), str(wide), "--output", "json")
    (role,) = json.loads(run.stdout)["roles"]
    witness = role["newAdmitsMore"]["witness"]
    # The witness stands up to the decision itself.
    for path, decision in ((narrow, 9), (wide, 0)):
        arguments = ["--policy", str(path), "--principal", witness["principal"]]
        arguments += ["--action", witness["action"]]
        for key, value in witness["context"].items():
            arguments += ["--context", f"{key}={value}"]
        assert programs.rolecall("trust", "check", *arguments).code == decision


def test_roles_are_paired_by_name(programs, tmp_path):
    def roles(**policies):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        listed = [
            {
                "RoleName": name,
                "Arn": f"arn:aws:iam::111122223333:role/{name}",
                "AssumeRolePolicyDocument": document,
            }
            for name, document in policies.items()
        ]
        path.write_text(json.dumps({"Roles": listed}))
        return str(path)

    old = roles(a=policy("a:*"), b=policy("b:*"), gone=policy("c:*"))
    new = roles(b=policy("b:x:*"), a=policy("a:*"), fresh=policy("d:*"))
    run = programs.rolecall("trust", "compare", old, new, "--output", "json")
    assert run.code == 9
    results = {role["role"]: role["result"] for role in json.loads(run.stdout)["roles"]}
    assert results == {"a": "equal", "b": "narrower", "gone": "narrower", "fresh": "wider"}
    run = programs.rolecall("trust", "compare", old, new, "--role", "b")
    assert run.code == 0 and run.stdout.startswith("narrower:")


def test_who_reaches_what(programs, tmp_path):
    for name, subjects in {"exact": ["a:1", "a:2"], "open": "*", "other": "b:*"}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(policy(subjects)))
    subjects = tmp_path / "subjects.txt"
    claims = {"iss": "https://acme.cubecloud.dev", "sub": "a:1", "aud": "another"}
    subjects.write_text(f"a:1\na:2\n\na:<&>\n{json.dumps(claims)}\n")

    def who(form):
        run = programs.rolecall(
            "trust", "who", "--policy", str(tmp_path), "--subjects", str(subjects), "--format", form
        )
        return run.done().stdout

    told = json.loads(who("json"))
    names = [[role.rsplit("/", 1)[-1].split(":")[0] for role in group["roles"]] for group in told["groups"]]
    assert [group["subjects"] for group in told["groups"]] == [["a:1", "a:2"], ["a:1"], ["a:<&>"]]
    assert names == [["exact.json", "open.json"], [], ["open.json"]]
    assert len(told["admitAnySubject"]) == 1 and "open.json" in told["admitAnySubject"][0]
    assert len(told["admitNoneOfThese"]) == 1 and "other.json" in told["admitNoneOfThese"][0]
    assert told["admitNobody"] == []
    assert "2 subjects can assume 2 roles" in who("table")
    assert who("dot").count("->") == 3
    picture = xml.dom.minidom.parseString(who("svg"))
    assert len(picture.getElementsByTagName("path")) == 3


def test_the_least_policy(programs, tmp_path):
    def least(subjects, *more):
        return programs.rolecall(
            "trust", "least", "--subjects", "-", "--provider", PROVIDER, *more, stdin=subjects
        )

    made = least("a:1\na:2\n").done()
    (statement,) = json.loads(made.stdout)["Statement"]
    assert statement["Condition"]["StringEquals"]["acme.cubecloud.dev:sub"] == ["a:1", "a:2"]
    assert "proved" in made.stderr
    many = "".join(f"service:{number:040}\n" for number in range(60))
    refused = least(many)
    assert refused.code == 9 and "--pattern" in refused.stderr and not refused.stdout
    made = least(many, "--pattern").done()
    assert '"service:*"' in made.stdout and "more enters" in made.stderr
