"""The corpus of decisions through the emulated account: a role with the case's policy, and a token
that a test issuer signs with the case's claims."""

import json
import re
from collections import Counter

from botocore.exceptions import ClientError
from harness.account import ACCOUNT, emulate, provider, role, role_arn
from harness.peer_issuer import PeerIssuer

PREFIX = f"arn:aws:iam::{ACCOUNT}:oidc-provider/"
AUDIENCE = "rolecall-conformance"
# Behind `<issuer>:`: what every token gives, and the issuers of which AWS makes more claims keys.
CLAIMS = ["aud", "sub", "amr"]
PROVIDERS = ["token.actions.githubusercontent.com", "gitlab.com", "oidc.circleci.com/org/acme"]
# At most so many audiences are registered with one provider.
AUDIENCES = 99


def test_every_case_that_can_be_posed(programs, ledger, tmp_path, cases):
    """The others are counted with the reason why not."""
    posed, left_out = [], Counter()
    for case in cases:
        question = pose(case)
        if isinstance(question, str):
            left_out[question] += 1
        else:
            posed.append((case, *question))
    if not posed:
        return
    issuers = sorted({issuer for _, issuer, *_ in posed})
    audiences = {issuer: [AUDIENCE] for issuer in issuers}
    for _, issuer, _, claims, _ in posed:
        if claims["aud"] not in audiences[issuer] and len(audiences[issuer]) < AUDIENCES:
            audiences[issuer].append(claims["aud"])
    peers = {issuer: PeerIssuer(f"https://{issuer}", ledger) for issuer in issuers}
    try:
        for peer in peers.values():
            peer.__enter__()
        wrong, refused = run(programs, tmp_path, posed, peers, audiences)
    finally:
        for peer in peers.values():
            if hasattr(peer, "_server"):
                peer.__exit__()
    left_out["IAM refuses to store the policy"] += refused
    decided = len(posed) - refused
    print(f"{decided} of {len(cases)} decided by STS, {decided - len(wrong)} as expected; left out: {dict(left_out)}")
    assert not wrong, "\n".join(wrong)
    assert decided > len(cases) // 2


def run(programs, folder, posed, peers, audiences) -> tuple[list[str], int]:
    """What came out otherwise than expected, and how many policies IAM refused."""
    # All providers at one origin a host; each host is reached at its own issuer.
    connect_to = {peer.origin: peer.address for peer in peers.values()}
    accounts = emulate(
        programs,
        folder / "account",
        {ACCOUNT: {"oidc_providers": [provider(f"https://{issuer}", *audiences[issuer]) for issuer in peers],
                   "roles": [role("before", placeholder(posed[0][1]))]}},
        connect_to=connect_to,
    )  # fmt: skip
    iam, sts = accounts.admin("iam"), accounts.anyone()
    wrong, refused = [], 0
    for number, (case, issuer, policy, claims, session) in enumerate(posed):
        name = f"case-{number}"
        try:
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))
        except ClientError as error:
            assert error.response["Error"]["Code"] == "MalformedPolicyDocument", (case["id"], error)
            refused += 1
            continue
        token = peers[issuer].token(kid="ec-1", **claims)
        try:
            sts.assume_role_with_web_identity(RoleArn=role_arn(name), RoleSessionName=session, WebIdentityToken=token)
            decided = "allow"
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", (case["id"], error)
            decided = "deny"
        iam.delete_role(RoleName=name)
        # STS tells no explicit denial from another.
        if decided != case["expected"].removeprefix("explicit-"):
            wrong.append(f"{case['id']} ({case['grade']}): expected {case['expected']}, {decided}: {json.dumps(policy)} {claims}")
    return wrong, refused


def placeholder(issuer: str) -> dict:
    """Any policy."""
    statement = {"Effect": "Allow", "Principal": {"Federated": PREFIX + issuer}, "Action": "sts:AssumeRoleWithWebIdentity",
                 "Condition": {"StringEquals": {f"{issuer}:sub": "nobody"}}}  # fmt: skip
    return {"Version": "2012-10-17", "Statement": [statement]}


def pose(case: dict) -> tuple[str, dict, dict, str] | str:
    """Issuer, policy, claims and session name; or why the case cannot be posed."""
    if case["principal_kind"] != "Federated" or not case["principal"].startswith(PREFIX):
        return "the caller has no OIDC token of this account"
    if case["action"].lower() != "sts:assumerolewithwebidentity":
        return "asks about a companion action alone"
    issuer = case["principal"].removeprefix(PREFIX)
    if "/" in issuer and issuer.endswith("/"):
        return "the provider's URL ends with a slash"
    policy = json.dumps(case["policy"])
    context = {key.lower(): value for key, value in case["context"].items()}
    keys = {key.lower() for key in condition_keys(case["policy"])}
    keys |= {name.strip().lower() for name in re.findall(r"\$\{([^*?$,}]+)", policy)}
    claims: dict = {"aud": AUDIENCE, "sub": "anybody"}
    session, renamed = "session-1", {}
    free = {"single": ["sub"], "set": ["amr"], "absent": ["oaud"]}
    # Keys of this issuer come as claims; any other key is renamed to one that is free.
    for key in sorted(keys, key=lambda key: not key.startswith(issuer.lower() + ":")):
        value = context.get(key)
        name = key.removeprefix(issuer.lower() + ":")
        if name in CLAIMS or (key != name and issuer in PROVIDERS):
            kind = name
            if value is None and name in ("sub", "aud"):
                return "no token is without a subject and an audience"
            if name == "aud" and (not isinstance(value, str) or not value):
                return "an audience that cannot be registered"
            if value is not None:
                claims[name] = value
        elif key == "sts:rolesessionname" and isinstance(value, str) and re.fullmatch(r"[\w+=,.@-]{2,64}", value):
            session, kind = value, None
        else:
            wanted = "absent" if value in (None, []) else "set" if isinstance(value, list) else "single"
            if not free[wanted]:
                return "more keys of a kind than a token has"
            kind = free[wanted].pop()
            renamed[key] = f"{issuer}:{kind}"
            if wanted == "single":
                claims[kind] = value if isinstance(value, str) else json.dumps(value)
            elif wanted == "set":
                claims[kind] = [one if isinstance(one, str) else json.dumps(one) for one in value]
        for kinds in free.values():
            if kind in kinds:
                kinds.remove(kind)
    if any(isinstance(claims.get(name), list) for name in ("sub", "aud")):
        return "a subject or an audience with several values"
    return issuer, rename(case["policy"], renamed), claims, session


def condition_keys(policy: dict) -> set[str]:
    """The keys of a policy's conditions."""
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    return {key for one in statements for keys in one.get("Condition", {}).values() for key in keys}


def rename(policy: dict, renamed: dict[str, str]) -> dict:
    """The policy with other names for keys, in variables as well."""
    policy = json.loads(json.dumps(policy))
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    new = lambda key: renamed.get(key.strip().lower(), key)  # noqa: E731
    inside = lambda text: re.sub(r"\$\{([^*?$,}]+)", lambda found: "${" + new(found[1]), text)  # noqa: E731
    for one in statements:
        for operator, keys in one.get("Condition", {}).items():
            one["Condition"][operator] = {
                new(key): [inside(value) if isinstance(value, str) else value for value in values]
                if isinstance(values, list)
                else inside(values) if isinstance(values, str) else values
                for key, values in keys.items()
            }
    return policy
