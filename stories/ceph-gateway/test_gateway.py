"""A real security token service fetches our discovery and JWKS, verifies our token, applies a trust
policy, and its S3 obeys."""

import json

import jwt
import pytest
import yaml
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.ceph import ACCOUNT, gateway
from harness.clock import Clock
from harness.issuer import asking, workload_key
from harness.key_backend_sites import serve_at
from harness.verifiers import AUDIENCE, jwks

CONFIGS = {"s3": "RS256", "s3-fast": "ES256"}


@pytest.fixture(scope="module")
def ceph(module_programs):
    return gateway(module_programs, module_programs.folder / "ceph")


class Site:
    """An issuer of a tenant, known to the gateway, with a role that its workload `etl` may take."""

    def __init__(self, programs, ceph, folder, name, jwks):
        folder.mkdir()
        self.programs, self.ceph, self.name, self.folder = programs, ceph, name, folder
        self.clock = Clock(folder / "clock")
        self.env = programs.environment(**self.clock.environment())
        self.workloads = {who: workload_key(programs, folder, who) for who in ("etl", "guest")}
        aws = {"session_tags": {"team": "{team}"}}
        tenant = {
            "name": name, "issuer": f"http://{{listen}}/{name}", "jwks": jwks,
            "token_configs": [
                {"name": config, "audience": audience, "lifetime": "5m", "algorithm": algorithm, "subject": "job:{name}", "aws": aws}
                for config, audience, algorithm in [
                    *((config, AUDIENCE, algorithm) for config, algorithm in CONFIGS.items()),
                    ("elsewhere", "https://other.example", "RS256"),
                ]
            ],
            "workloads": [
                {"name": who, "attributes": {"team": team}, "token_configs": [*CONFIGS, "elsewhere"], "keys": [self.workloads[who].jwk]}
                for who, team in (("etl", "data"), ("guest", "sales"))
            ],
        }  # fmt: skip
        server = {"listen": "127.0.0.1:0", "state": str(folder / "state"), "master_key_file": str(folder / "master.key")}
        config = folder / "rolecall.yaml"
        config.write_text(yaml.safe_dump({"server": server, "tenants": [tenant]}))
        self.issuer = serve_at(programs, config, self.env).issuers[0]
        self.known()

    def known(self):
        """What an administrator does once: the provider, and a role of the tenant."""
        iam = self.ceph.client("iam")
        iam.create_open_id_connect_provider(Url=self.issuer, ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40])
        bare = self.issuer.removeprefix("http://")
        trust = {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Federated": [f"arn:aws:iam::{ACCOUNT}:oidc-provider/{bare}"]},
                "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
                "Condition": {"StringEquals": {f"{bare}:sub": "job:etl"}},
            }],
        }  # fmt: skip
        created = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=compact(trust))
        self.role = created["Role"]["Arn"]
        self.allow("data")

    def allow(self, team):
        """The role's sessions may do everything in S3, if they carry this team."""
        policy = {
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": ["s3:*"], "Resource": [f"arn:aws:s3::{ACCOUNT}:data", f"arn:aws:s3::{ACCOUNT}:data/*"],
                "Condition": {"StringEquals": {"aws:PrincipalTag/team": team}},
            }],
        }  # fmt: skip
        self.ceph.client("iam").put_role_policy(RoleName=self.name, PolicyName="s3", PolicyDocument=compact(policy))

    def token(self, config="s3", who="etl"):
        file = asking(self.folder / f"{who}.yaml", self.workloads[who], self.issuer, {})
        asked = ("token", "mint", "--config", file, "--token-config", config)
        return self.programs.rolecall(*asked, env=self.env, prints_secrets=True).done().stdout.strip()

    def session(self, token):
        """The gateway's answer to the token."""
        answer = self.ceph.client("sts").assume_role_with_web_identity(
            RoleArn=self.role, RoleSessionName="story", WebIdentityToken=token
        )
        self.programs.ledger.learn(json.dumps(answer["Credentials"], default=str), "the gateway")
        return answer["Credentials"]

    def refuses(self, token):
        with pytest.raises(ClientError) as refused:
            self.session(token)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)


@pytest.fixture(scope="module")
def site(module_programs, ceph):
    ceph.client("s3").create_bucket(Bucket="data")
    ceph.client("s3").create_bucket(Bucket="other")
    return Site(module_programs, ceph, module_programs.folder / "rsa", "rsa", {"members": "with_x5c"})


def compact(policy):
    """Without blanks: the gateway reads none in a form."""
    return json.dumps(policy, separators=(",", ":"))


def test_a_token_becomes_a_session_and_s3_obeys(site):
    session = site.session(site.token())
    s3 = site.ceph.client("s3", session)
    s3.put_object(Bucket="data", Key="hello", Body=b"from no stored key")
    assert s3.get_object(Bucket="data", Key="hello")["Body"].read() == b"from no stored key"
    with pytest.raises(ClientError):
        s3.put_object(Bucket="other", Key="hello", Body=b"x")


def test_the_tag_in_the_token_decides(site):
    session = site.session(site.token())
    site.allow("sales")
    with pytest.raises(ClientError):
        site.ceph.client("s3", session).list_objects_v2(Bucket="data")
    site.allow("data")
    site.ceph.client("s3", session).list_objects_v2(Bucket="data")


def test_the_wrong_workload_is_refused(site):
    site.refuses(site.token(who="guest"))


def test_the_wrong_audience_is_refused(site):
    site.refuses(site.token("elsewhere"))


def test_an_expired_token_is_refused(site):
    site.clock.file.write_text("-3600")
    old = site.token()
    site.clock.ahead(0)
    claims = jwt.decode(old, options={"verify_signature": False})
    assert claims["exp"] < jwt.decode(site.token(), options={"verify_signature": False})["iat"]
    site.refuses(old)
    site.session(site.token())


def test_a_token_of_another_key_is_refused(site):
    token = site.token()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    headers = {"kid": jwt.get_unverified_header(token)["kid"]}
    forged = jwt.encode(jwt.decode(token, options={"verify_signature": False}), key, algorithm="RS256", headers=headers)
    site.refuses(forged)
    site.session(token)


def test_a_changed_token_is_refused(site):
    header, payload, signature = site.token().split(".")
    other = site.token(who="guest").split(".")[1]
    site.refuses(f"{header}.{other}.{signature}")


def test_es256_works_where_its_key_is_first(site, module_programs, ceph):
    site.refuses(site.token("s3-fast"))
    form = {"members": "with_x5c", "first": "ES256"}
    elliptic = Site(module_programs, ceph, module_programs.folder / "elliptic", "elliptic", form)
    assert [key["alg"] for key in jwks(elliptic.issuer)] == ["ES256", "RS256"]
    elliptic.session(elliptic.token("s3-fast"))


def test_the_form_that_aws_reads_is_not_enough(module_programs, ceph):
    minimal = Site(module_programs, ceph, module_programs.folder / "minimal", "minimal", {"members": "minimal"})
    minimal.refuses(minimal.token())
    assert "x5c not present" in ceph.log()
