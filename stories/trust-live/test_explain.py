"""`rolecall trust explain --live`: the account itself tells why a real exchange was denied."""

import json
import socket

import pytest
from harness.account import federated, policy, provider_arn, role_arn

DENIED = "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity"


def explain(live, programs, *arguments, **environment):
    return programs.rolecall("trust", "explain", "--live", *arguments, env=live.environment(programs, **environment))


def causes(finished) -> list[str]:
    return [finding["cause"] for finding in finished.json()["findings"]]


@pytest.fixture
def token_file(live, tmp_path):
    path = tmp_path / "token"
    path.write_text(live.token())
    return path


@pytest.fixture
def trusted(live):
    """A role of the test's own, whose trust policy can be changed."""
    iam = live.accounts.admin("iam")
    names = iter(range(100))

    def make(subject: str | None = None, **parameters) -> str:
        name = f"own-{live.accounts.url.rsplit(':', 1)[1]}-{next(names)}-{len(live.accounts.records())}"
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust(live, subject or live.subject)), **parameters)
        return name

    return make


def trust(live, subject: str) -> dict:
    return policy(federated(live.url, {"StringEquals": {"aud": "sts.amazonaws.com", "sub": subject}}))


def test_role_and_event_alone_name_the_cause(live, programs):
    assert live.exchange("wrong", live.token()) == "AccessDenied"
    told = explain(live, programs, "--role-arn", role_arn("wrong"), "--output", "json").json()
    first = told["findings"][0]
    assert first["cause"] == "C01"
    assert first["alignment"]["policy"] == live.wrong_subject
    assert first["alignment"]["token"] == live.subject
    # The line of the live document, and a change that admits the token.
    assert first["place"]["file"] == role_arn("wrong")
    assert live.wrong_subject in first["place"]["text"]
    assert first["patch"]["complete"]
    assert f'"{live.subject}"' in first["patch"]["diff"]
    assert told["presented"]["subject"] == live.subject
    assert told["presented"]["audience"] == "sts.amazonaws.com"
    read = "\n".join(told["live"]["read"])
    assert f"IAM: role {role_arn('wrong')}" in read
    assert f"IAM: provider {provider_arn(live.url)}" in read
    assert "was denied" in read and "CloudTrail (us-east-1)" in read


def test_the_text_for_people_says_the_same(live, programs):
    live.exchange("wrong", live.token())
    told = explain(live, programs, "--role-arn", role_arn("wrong")).done()
    assert told.stderr == ""
    for part in ("read from the account", "1. C01", f"policy  {live.wrong_subject}", f"token   {live.subject}", "^^^^^^^", "patch (with it the token is allowed)"):
        assert part in told.stdout, f"{part} is not in:\n{told.stdout}"


def test_the_patch_is_taken_to_iam_with_the_aws_cli_and_a_retest_says_that_it_works(
    live, programs, trusted, token_file, tmp_path
):
    name = trusted(live.wrong_subject)
    assert live.exchange(name, live.token()) == "AccessDenied"
    told = explain(live, programs, "--role-arn", role_arn(name), "--output", "json").json()
    patch = told["findings"][0]["patch"]
    assert patch["complete"] and patch["diff"]

    # As docs/live.md has it.
    environment = live.environment(programs)
    printed = programs.aws(
        "iam", "get-role", "--role-name", name, "--query", "Role.AssumeRolePolicyDocument", env=environment
    ).done()  # fmt: skip
    (tmp_path / "trust-policy.json").write_text(printed.stdout)
    programs.run("git", "init", "--quiet", cwd=tmp_path).done()
    programs.run("git", "apply", "-", cwd=tmp_path, stdin=patch["diff"]).done()
    programs.aws(
        "iam", "update-assume-role-policy", "--role-name", name, "--policy-document", "file://trust-policy.json",
        env=environment, cwd=tmp_path,
    ).done()  # fmt: skip

    retested = explain(live, programs, "--role-arn", role_arn(name), "--token", token_file, "--retest", "--output", "json").json()
    assert retested["live"]["retest"]["admitted"]
    assert retested["live"]["retest"]["tries"] == [
        f"try 1: admitted as arn:aws:sts::123456789012:assumed-role/{name}/rolecall-retest"
    ]
    assert live.exchange(name, live.token(sub="org:acme:cloud:43")) == "AccessDenied"


def test_after_an_edit_the_token_is_tried_without_being_asked(live, programs, trusted, token_file):
    name = trusted(live.wrong_subject)
    live.exchange(name, live.token())
    live.accounts.admin("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust(live, live.subject)))
    told = explain(live, programs, "--role-arn", role_arn(name), "--token", token_file).done()
    assert "try 1: admitted" in told.stdout
    assert "nothing is left to mend" in told.stdout


def test_a_change_that_is_still_spreading_is_waited_for(live, programs, trusted, token_file, tmp_path):
    # STS that denies twice and then passes on to the account: what a change of IAM looks like.
    name = trusted()
    with Spreading(live.accounts.url, denials=2) as sts:
        told = explain(
            live, programs, "--role-arn", role_arn(name), "--token", token_file, "--retest",
            "--retest-interval", "50ms", "--output", "json", AWS_ENDPOINT_URL_STS=sts.url,
        ).json()  # fmt: skip
    tries = told["live"]["retest"]["tries"]
    assert [line.split(":")[0] for line in tries] == ["try 1", "try 2", "try 3"]
    assert "AccessDenied" in tries[0] and "AccessDenied" in tries[1] and "admitted" in tries[2]


def test_a_retest_ends_after_six_tries(live, programs, trusted, token_file):
    name = trusted()
    with Spreading(live.accounts.url, denials=100) as sts:
        told = explain(
            live, programs, "--role-arn", role_arn(name), "--token", token_file, "--retest",
            "--retest-interval", "1ms", "--output", "json", AWS_ENDPOINT_URL_STS=sts.url,
        ).json()  # fmt: skip
    assert len(told["live"]["retest"]["tries"]) == 6 and not told["live"]["retest"]["admitted"]
    # The live policy allows the token, and waiting did not help: something above the role decides.
    assert told["findings"][0]["cause"] == "C21"


def test_a_token_that_is_not_good_is_not_tried_twice(live, programs, trusted, tmp_path):
    expired = tmp_path / "expired"
    expired.write_text(live.token(exp=1_700_000_000, iat=1_699_999_000, nbf=1_699_999_000))
    told = explain(live, programs, "--role-arn", role_arn(trusted()), "--token", expired, "--retest", "--output", "json").json()
    assert len(told["live"]["retest"]["tries"]) == 1
    assert told["findings"][0]["cause"] == "R06"


def test_the_file_is_right_and_not_what_is_live(live, programs, trusted, token_file, tmp_path):
    name = trusted(live.wrong_subject)
    live.exchange(name, live.token())
    mended = tmp_path / "trust.json"
    mended.write_text(json.dumps(trust(live, live.subject), indent=2))
    told = explain(live, programs, "--role-arn", role_arn(name), "--policy", mended, "--output", "json").json()
    assert told["findings"][0]["cause"] == "C19"
    assert "not applied" in told["findings"][0]["message"]
    differences = "\n".join(told["live"]["differences"])
    assert "is not what is live" in differences
    assert f"`{live.subject}` in the file, `{live.wrong_subject}` live" in differences
    # Why the live one denies stands right behind.
    assert "C01" in [finding["cause"] for finding in told["findings"]]


def test_a_file_that_is_what_is_live_is_said_to_be(live, programs, trusted, tmp_path):
    name = trusted(live.wrong_subject)
    live.exchange(name, live.token())
    same = tmp_path / "trust.json"
    same.write_text(json.dumps(trust(live, live.wrong_subject)))
    told = explain(live, programs, "--role-arn", role_arn(name), "--policy", same, "--output", "json").json()
    assert any("is what is live" in line for line in told["live"]["differences"])
    assert told["findings"][0]["cause"] == "C01"


def test_a_role_that_is_not_there(live, programs, token_file):
    live.exchange("gone", live.token())
    told = explain(live, programs, "--role-arn", role_arn("gone"), "--token", token_file, "--output", "json").json()
    first = told["findings"][0]
    assert (first["cause"], first["confidence"]) == ("C18", "certain")
    assert "there is no role" in first["message"]


@pytest.mark.parametrize("token", [True, False])
def test_a_provider_that_is_not_registered(live, programs, tmp_path, token):
    stranger = "https://stranger.example/org"
    name = f"stranger-{token}"
    trusts = policy(federated(stranger, {"StringEquals": {"aud": "sts.amazonaws.com", "sub": "a"}}))
    live.accounts.admin("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trusts))
    token_file = tmp_path / "token"
    token_file.write_text(live.token(iss=stranger, sub="a"))
    given = ["--token", token_file] if token else []
    told = explain(live, programs, "--role-arn", role_arn(name), "--output", "json", *given).json()
    first = told["findings"][0]
    assert (first["cause"], first["confidence"]) == ("R01", "certain")
    assert any(provider_arn(live.url) in line for line in first["evidence"])


def test_a_token_for_another_audience_than_the_provider_takes(live, programs, tmp_path):
    token_file = tmp_path / "token"
    token_file.write_text(live.token(aud="https://elsewhere.example"))
    told = explain(live, programs, "--role-arn", role_arn("good"), "--token", token_file, "--output", "json").json()
    assert told["findings"][0]["cause"] == "R02"


def test_a_live_policy_that_allows_is_not_compared_with_itself(live, programs, token_file):
    told = explain(live, programs, "--role-arn", role_arn("good"), "--token", token_file, "--output", "json").json()
    first = told["findings"][0]
    assert first["cause"] == "C19" and "the live policy allows this token" in first["message"]
    assert "--retest" in first["mend"]
    assert "C18" not in [finding["cause"] for finding in told["findings"]]
    assert not any("get-role" in line for line in told["supply"])


def test_a_role_with_a_path_that_the_call_leaves_out(live, programs, trusted):
    name = trusted(Path="/team/")
    told = explain(live, programs, "--role-arn", role_arn(name), "--output", "json").json()
    assert told["findings"][0]["cause"] == "C18"
    assert any(role_arn(f"team/{name}") in line for line in told["live"]["read"])


def test_the_token_s_own_denial_is_explained_among_others(live, programs, trusted, tmp_path):
    name = trusted("org:acme:cloud:7")
    for subject in ("org:acme:account:7", "org:other:cloud:7", "org:other:cloud:7"):
        assert live.exchange(name, live.token(sub=subject)) == "AccessDenied"
    token_file = tmp_path / "token"
    token_file.write_text(live.token(sub="org:acme:account:7"))
    told = explain(live, programs, "--role-arn", role_arn(name), "--token", token_file, "--output", "json").json()
    assert told["presented"]["subject"] == "org:acme:account:7"
    assert any("other subjects were denied too: `org:other:cloud:7` (2)" in line for line in told["live"]["read"])
    # Without a token it is the newest.
    told = explain(live, programs, "--role-arn", role_arn(name), "--output", "json").json()
    assert told["presented"]["subject"] == "org:other:cloud:7"


def test_a_pasted_error_names_the_role(live, programs):
    live.exchange("wrong", live.token())
    pasted = f"role_arn: {role_arn('wrong')}\n{DENIED}\n"
    told = programs.rolecall(
        "trust", "explain", "--live", "--output", "json", stdin=pasted, env=live.environment(programs)
    ).json()
    assert told["findings"][0]["cause"] == "C01"
    assert told["errors"]


def test_without_a_role_it_asks_for_one(live, programs):
    asked = programs.rolecall("trust", "explain", "--live", stdin=DENIED, env=live.environment(programs))
    assert asked.code == 2
    assert "--role-arn" in asked.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--retest"], "--token"),
        (["--retest", "--token", "-"], "Give --token a file"),
        (["--since", "0s"], "90 days"),
        (["--since", "yesterday"], "such as 90m"),
        (["--retest-interval", "1h"], "such as 10s"),
    ],
)
def test_wrong_flags_are_refused_before_anything_is_called(live, programs, arguments, told):
    refused = explain(live, programs, "--role-arn", role_arn("wrong"), *arguments, AWS_ENDPOINT_URL_IAM="http://127.0.0.1:1")
    assert refused.code == 2
    assert told in refused.stderr


def test_what_may_not_be_read_is_said_and_the_rest_is_used(live, programs):
    live.exchange("wrong", live.token())
    keys = live.user("no-trail", "iam:GetRole", "iam:GetOpenIDConnectProvider")
    told = explain(live, programs, "--role-arn", role_arn("wrong"), "--output", "json", **keys).json()
    assert any("may not cloudtrail:LookupEvents" in line for line in told["live"]["read"])
    # With the event alone the subject is known, and not what the policy wants of it.
    keys = live.user("no-role", "cloudtrail:LookupEvents")
    told = explain(live, programs, "--role-arn", role_arn("wrong"), "--output", "json", **keys).json()
    assert any("may not iam:GetRole" in line for line in told["live"]["read"])
    assert told["presented"]["subject"] == live.subject


def test_nothing_that_may_be_read_is_an_error(live, programs):
    refused = explain(live, programs, "--role-arn", role_arn("wrong"), **live.user("sees-nothing"))
    assert refused.code == 5
    assert "may not" in refused.stderr and "docs/live.md" in refused.stderr


def test_the_least_policy_of_the_guide_is_enough(live, programs):
    from harness.programs import REPOSITORY

    guide = (REPOSITORY / "docs" / "live.md").read_text()
    least = json.loads(guide.split("```json", 1)[1].split("```", 1)[0])
    actions = least["Statement"][0]["Action"]
    live.exchange("wrong", live.token())
    keys = live.user("least", *actions)
    told = explain(live, programs, "--role-arn", role_arn("wrong"), "--output", "json", **keys).json()
    assert told["findings"][0]["cause"] == "C01"
    assert not any("not read" in line for line in told["live"]["read"])


def test_an_unreachable_account_and_wrong_credentials(live, programs):
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
    refused = explain(live, programs, "--role-arn", role_arn("wrong"), AWS_ENDPOINT_URL_IAM=url)
    assert refused.code == 6
    refused = explain(live, programs, "--role-arn", role_arn("wrong"), AWS_SECRET_ACCESS_KEY="other")
    assert refused.code == 5 and "AWS does not take the credentials" in refused.stderr


def test_no_denial_in_the_window_is_said(live, programs, trusted):
    told = explain(live, programs, "--role-arn", role_arn(trusted()), "--since", "1m", "--output", "json").json()
    assert any("no denied exchange for the role" in line and "5 minutes" in line for line in told["live"]["read"])


def test_explaining_writes_nothing(live, programs):
    live.exchange("wrong", live.token())
    before = len(live.accounts.records())
    explain(live, programs, "--role-arn", role_arn("wrong")).done()
    records = live.accounts.records()[before:]
    assert {record["eventName"] for record in records} == {"GetRole", "LookupEvents", "GetOpenIDConnectProvider"}
    assert all(record["readOnly"] for record in records)


class Spreading:
    """STS in front of the account's, that denies so many exchanges before it passes one on."""

    def __init__(self, behind: str, denials: int):
        self.behind, self.denials = behind, denials

    def __enter__(self):
        import threading
        import urllib.error
        import urllib.request
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.denials > 0:
                    outer.denials -= 1
                    status, answer = 403, (
                        b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                        b"<Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message>"
                        b"</Error><RequestId>r-1</RequestId></ErrorResponse>"
                    )
                else:
                    request = urllib.request.Request(
                        outer.behind, body, {"Content-Type": self.headers["Content-Type"]}
                    )
                    try:
                        with urllib.request.urlopen(request) as passed:
                            status, answer = passed.status, passed.read()
                    except urllib.error.HTTPError as refused:
                        status, answer = refused.code, refused.read()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
