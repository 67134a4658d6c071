"""A denial explained from what people paste: a thread out of a chat, then the same with the token."""

import base64
import json
import re
from pathlib import Path

import pytest

THREAD = (Path(__file__).parent / "thread.txt").read_text(encoding="utf-8")
ACCOUNT = "6b1f2a3c-0000-4000-8000-00000000cafe"
CLAIMS = {
    "iss": "https://api.prefect.cloud/oidc-provider",
    "aud": "prefect-cloud",
    "sub": f"prefect:account:{ACCOUNT}",
    "iat": 1_790_000_000,
    "exp": 1_790_003_600,
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Federated": "arn:aws:iam::123456789012:oidc-provider/api.prefect.cloud/oidc-provider"
            },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    "api.prefect.cloud/oidc-provider:aud": "prefect-cloud",
                    "api.prefect.cloud/oidc-provider:sub": f"prefect:cloud:{ACCOUNT}",
                }
            },
        }
    ],
}
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: "
    "Not authorized to perform sts:AssumeRoleWithWebIdentity"
)


def token(claims=CLAIMS) -> str:
    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    header = json.dumps({"alg": "RS256", "kid": "k"}).encode()
    return ".".join([part(header), part(json.dumps(claims).encode()), part(b"s" * 256)])


def explained(programs, *arguments, stdin=None) -> dict:
    return programs.rolecall("trust", "explain", "--output", "json", *arguments, stdin=stdin).json()


def test_the_thread_as_it_was_pasted(programs):
    told = programs.rolecall("trust", "explain", stdin=THREAD).done().stdout
    # What the error proves comes first.
    assert told.index("what the error already proves") < told.index("causes")
    assert "its audience is among the provider's client IDs" in told
    # The segment, where it stands, how sure it is, and from where that is known.
    assert re.search(r"1\. C01 .*\(likely, \d+ of 100\)", told)
    policy, below, usual = re.search(r"policy  (.+)\n(.+)\n +usual   (.+)\n", told).groups()
    assert below.index("^") == len("     policy  ") + policy.index("cloud")
    assert usual == "prefect:account:*"
    assert "Prefect's guide" in told and "2026-03" in told
    # Issuer and audience were right, whatever the thread advised.
    kept = told[told.index("right, and to stay as it is") :]
    assert "https://api.prefect.cloud/oidc-provider" in kept
    assert "prefect-cloud: the audience that the issuer documents" in kept
    # What would settle it.
    assert "CloudTrail event" in told[told.index("to be surer, supply") :]


def test_the_thread_with_the_token(programs):
    diagnosis = explained(programs, stdin=f"{THREAD}\nthe token: {token()}\n")
    first = diagnosis["findings"][0]
    assert (first["cause"], first["place"]["line"]) == ("C01", 14)
    assert first["alignment"]["tokenMark"] == [8, 7]
    assert diagnosis["presented"]["subject"] == CLAIMS["sub"]
    assert any("prefect-cloud" in line for line in diagnosis["kept"])


def test_neither_tokens_nor_keys_are_repeated(programs):
    keys = "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
    pasted = f"{keys}{DENIED} {token()}\n{json.dumps(POLICY, indent=2)}\n"
    for output in ("text", "json"):
        told = programs.rolecall("trust", "explain", "--all", "--output", output, stdin=pasted).done()
        for secret in ("eyJ", "AKIA", "wJalr"):
            assert secret not in told.stdout + told.stderr


@pytest.mark.parametrize("by", ["files", "flags", "paste"])
def test_policy_and_token_however_they_come(programs, by):
    policy, presented = programs.folder / "trust.json", programs.folder / "token"
    policy.write_text(json.dumps(POLICY, indent=2))
    presented.write_text(token())
    arguments = {
        "files": [policy, presented],
        "flags": ["--policy", policy, "--token", presented, "--error", DENIED],
        "paste": [],
    }[by]
    stdin = f"{DENIED}\n{policy.read_text()}\n{token()}" if by == "paste" else None
    diagnosis = explained(programs, *arguments, stdin=stdin)
    first = diagnosis["findings"][0]
    assert (first["cause"], first["confidence"]) == ("C01", "certain")
    assert first["patch"]["complete"]
    assert diagnosis["decision"] == "implicitDeny"


def test_a_policy_that_allows_is_not_the_one_that_decided(programs):
    policy, claims = programs.folder / "trust.json", programs.folder / "claims.json"
    policy.write_text(json.dumps(POLICY).replace("prefect:cloud", "prefect:account"))
    claims.write_text(json.dumps(CLAIMS))
    diagnosis = explained(programs, "--policy", policy, "--claims", claims, "--error", DENIED)
    assert diagnosis["decision"] == "allow"
    assert diagnosis["findings"][0]["cause"] == "C19"


def test_nothing_to_explain(programs):
    refused = programs.rolecall("trust", "explain", stdin="hello")
    assert refused.code == 2
    assert "nothing that could be explained" in refused.stderr
