"""`rolecall trust check --batch` with input that is wrong, huge, endless, or nobody's to read."""

import json
import resource
import subprocess

from harness.programs import ROLECALL

ISSUER = "oidc.acme.example"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{ISSUER}"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Federated": PROVIDER},
            "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
            "Condition": {
                "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{ISSUER}:sub": ["team:a:*", "team:?:deploy"]},
            },
        }
    ],
}
CLAIMS = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": "team:b:deploy"}
# A line that is longer is not read to its end, nor kept.
LINE_LIMIT = 8 * 1024 * 1024
MEMORY = 512 * 1024 * 1024


def question(number: int, **members) -> dict:
    """A question that is answered with yes, unless members are changed."""
    asked = {
        "id": number,
        "policy": POLICY,
        "principal": PROVIDER,
        "action": "sts:AssumeRoleWithWebIdentity",
        "context": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": "team:a:x"},
    }
    return {name: value for name, value in {**asked, **members}.items() if value is not None}


def batch(*lines, memory: int = MEMORY) -> tuple[int, list[dict]]:
    """The exit code and the answers to lines, given as bytes or as objects; memory is limited."""
    text = b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    done = subprocess.run(
        [ROLECALL, "trust", "check", "--batch"],
        input=text,
        capture_output=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)),
    )
    assert done.returncode in (0, 9), (done.returncode, done.stderr[-2000:])
    return done.returncode, [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def error(line) -> str:
    """What is said of a line that cannot be decided; the line behind it is decided all the same."""
    code, (first, second) = batch(line, question(2))
    assert code == 9
    assert "decision" not in first
    assert (first["line"], second) == (1, {"id": 2, "decision": "allow"})
    return first["error"]


def test_every_way_to_ask():
    statement = POLICY["Statement"][0]
    denying = {**POLICY, "Statement": [statement, {**statement, "Effect": "Deny"}]}
    tagged = {**CLAIMS, "https://aws.amazon.com/tags": {"principal_tags": {"team": ["b"]}}}
    bare = {"context": None, "action": None, "principal": None}
    code, answers = batch(
        question(1),
        question(2, action="sts:AssumeRole"),
        question(3, policy=denying),
        question(4, policy=json.dumps(POLICY)),
        question(5, **bare, claims=CLAIMS, provider=PROVIDER),
        question(6, **bare, claims={**CLAIMS, "sub": "team:bb:deploy"}, provider=PROVIDER),
        question(7, **bare, claims=tagged, provider=PROVIDER),
        question(8, **bare, claims={**CLAIMS, "https://aws.amazon.com/source_identity": "ann"}, provider=PROVIDER),
        question("a text", context={f"{ISSUER}:aud": ["sts.amazonaws.com"], f"{ISSUER}:sub": "team:a:x"}),
        question([9], more="members of the sender's own"),
        b"   ",
        question(None),
    )
    assert code == 0
    assert answers == [
        {"id": 1, "decision": "allow"},
        {"id": 2, "decision": "implicit_deny"},
        {"id": 3, "decision": "explicit_deny"},
        {"id": 4, "decision": "allow"},
        {"id": 5, "decision": "allow"},
        {"id": 6, "decision": "implicit_deny"},
        {"id": 7, "decision": "allow"},
        {"id": 8, "decision": "implicit_deny"},
        # A set under an operator that takes one value.
        {"id": "a text", "decision": "implicit_deny"},
        {"id": [9], "decision": "allow"},
        {"id": None, "decision": "allow"},
    ]


def test_a_signed_caller():
    """Of another account, it needs its own policies as well, once the role is known."""
    alice, role = "arn:aws:iam::222222222222:user/alice", "arn:aws:iam::123456789012:role/deploy"
    trusting = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": alice}, "Action": "sts:AssumeRole"}]}
    own = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]}
    asked = question(1, policy=trusting, principal=alice, action="sts:AssumeRole", context=None)
    same = "arn:aws:iam::222222222222:role/deploy"
    _, answers = batch(
        asked,
        {**asked, "resource": role},
        {**asked, "resource": role, "identity_policies": [own]},
        {**asked, "resource": role, "identity_policies": [{"Statement": []}, json.dumps(own)]},
        {**asked, "resource": role, "identity_policies": [own, {"Statement": [{**own["Statement"][0], "Effect": "Deny"}]}]},
        {**asked, "resource": same},
        {**asked, "identity_policies": [own]},
    )
    decisions = ["allow", "implicit_deny", "allow", "allow", "explicit_deny", "allow", None]
    assert [answer.get("decision") for answer in answers] == decisions
    assert "`resource`, the role's ARN, is missing" in answers[-1]["error"]


def test_lines_that_are_no_questions():
    assert "JSON object" in error(b"[1, 2]")
    assert "JSON object" in error(b"null")
    assert "JSON object" in error(b"\xff\xfe{}")
    assert "line 1 column" in error(b'{"id": 1, "policy": {]')
    assert "line 1 column" in error(b'{"id": 1, "policy": "\xff\xfe"}')
    assert "missing field `policy`" in error({"id": 1})
    assert "`principal` is missing" in error(question(1, principal=None))
    assert "`action` is missing" in error(question(1, action=None))
    assert "`provider`" in error(question(1, principal=None, claims=CLAIMS))
    assert "expected a string" in error(question(1, action=5))
    assert "`k` in `context`" in error(question(1, context={"k": {"a": "b"}}))
    assert "`k` in `context`" in error(question(1, context={"k": [["a"]]}))
    assert "token" in error(question(1, token="not.a.token", provider=PROVIDER))
    assert "`sub`" in error(question(1, claims={"aud": "a"}, provider=PROVIDER))


def test_an_error_names_the_question():
    _, answers = batch(question("first", action=5), question("second", policy={}))
    assert [(answer["id"], answer["line"]) for answer in answers] == [("first", 1), ("second", 2)]


def test_policies_that_cannot_be_read_have_the_place_and_the_nearest_word():
    wrong = {**POLICY, "Statement": [{**POLICY["Statement"][0], "Condition": {"StringLikes": {"k": "v"}}}]}
    said = error(question(1, policy=json.dumps(wrong, indent=1)))
    assert "policy:14:" in said and "unknown condition operator `StringLikes`" in said
    assert "`StringLike`" in said.split("hint:")[1]
    said = error(question(1, policy={"Statement": [{"Effect": "allow", "Action": "*"}]}))
    assert "`Effect` must be `Allow` or `Deny`" in said
    said = error(question(1, policy='{"Statement": [}'))
    assert "policy:1:16" in said


def test_deep_and_large_lines_end_in_an_error():
    deep = b"[" * 100_000 + b"]" * 100_000
    assert "64 levels" in error(b'{"id":1,"policy":' + deep + b',"principal":"a","action":"b"}')
    assert "64 levels" in error(question(1, policy=deep.decode()))
    assert "recursion limit" in error(b'{"id":1,"context":' + b'{"a":' * 100_000)
    large = {"Statement": [{"Effect": "Allow", "Action": "sts:*", "Sid": "x" * 2_000_000}]}
    assert "1048576" in error(question(1, policy=large))
    assert "longer than 8 MiB" in error(b" " * LINE_LIMIT + b"{}")
    assert "longer than 8 MiB" in error(b"x" * (10 * LINE_LIMIT))
    # What is said of it stays short.
    assert len(error(question(1, policy='"' + "y" * 900_000))) < 10_000


def test_a_line_without_an_end_takes_no_more_memory():
    command = f"head -c 1000000000 /dev/zero | tr '\\0' x | '{ROLECALL}' trust check --batch"
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert done.returncode == 9
    (answer,) = map(json.loads, done.stdout.splitlines())
    assert "longer than 8 MiB" in answer["error"]


def test_the_last_line_needs_no_end():
    done = subprocess.run(
        [ROLECALL, "trust", "check", "--batch"],
        input=json.dumps(question(1)).encode(),
        capture_output=True,
        timeout=300,
    )
    assert (done.returncode, json.loads(done.stdout)) == (0, {"id": 1, "decision": "allow"})
    nothing = subprocess.run([ROLECALL, "trust", "check", "--batch"], stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
    assert (nothing.returncode, nothing.stdout) == (0, b"")


def test_one_question_at_a_time():
    process = subprocess.Popen(
        [ROLECALL, "trust", "check", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        for number in range(3):
            process.stdin.write(json.dumps(question(number)).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"id": number, "decision": "allow"}
        process.stdin.close()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_a_reader_that_goes_away():
    lines = (json.dumps(question(1)).encode() + b"\n") * 50_000
    command = f"'{ROLECALL}' trust check --batch | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], input=lines, capture_output=True, timeout=300)
    first, code = done.stdout.decode().split("\n")[:2]
    assert (json.loads(first)["decision"], code) == ("allow", "0")
    assert done.stderr == b""


def test_a_hundred_thousand_lines():
    # Every other line has a policy of its own, so that nothing is remembered for it.
    statement = POLICY["Statement"][0]
    own = [{**POLICY, "Id": str(number), "Statement": [statement]} for number in range(50)]
    asked = [
        question(
            number,
            policy=own[number % 50] if number % 2 else POLICY,
            context={f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": f"team:{'ab'[number % 2]}:{number}"},
        )
        for number in range(100_000)
    ]
    code, answers = batch(*asked, memory=256 * 1024 * 1024)
    assert code == 0
    assert [answer["id"] for answer in answers] == list(range(100_000))
    expected = ["allow", "implicit_deny"] * 50_000
    assert [answer["decision"] for answer in answers] == expected


def test_pathological_wildcards():
    """Seconds would tell a slip; the operation counts are in the library's own tests."""
    stars = "*a" * 20_000
    text = "a" * 19_999 + "b"
    patterns = [stars, stars + "?", "*" * 40_000 + "c", "?*" * 10_000 + "c", stars[:10_000] + "?" + stars[:10_000]]
    statement = {**POLICY["Statement"][0], "Condition": {"StringLike": {f"{ISSUER}:sub": patterns}}}
    policy = {**POLICY, "Statement": [statement]}
    code, (answer,) = batch(question(1, policy=policy, context={f"{ISSUER}:sub": text}))
    assert (code, answer["decision"]) == (0, "implicit_deny")
