"""Terraform keeps its state in S3 with credentials from our STS, and its AWS provider sets up the
trust in our IAM."""

import json
import re
from pathlib import Path

import boto3
import pytest
from harness import acme as world
from harness.account import ACCOUNT, emulate, provider_arn, role_arn
from harness.acme import ISSUER, ROLE
from harness.programs import PYTHON, wait_until
from harness.terraform import Workspace, provider_mirror, terraform

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(terraform() is None, reason="terraform is not on PATH")
needs_provider = pytest.mark.skipif(
    provider_mirror() is None,
    reason="Terraform's AWS provider is not on this machine; name its mirror in ROLECALL_TF_PLUGIN_DIR",
)


@pytest.fixture(scope="module")
def acme(module_programs):
    return world.begin(module_programs, module_programs.folder / "acme")


@pytest.fixture(scope="module")
def s3(module_programs):
    """moto's S3, with an empty bucket for the state; its address."""
    server = module_programs.start(
        PYTHON, "-c", MOTO, name="moto", env=module_programs.environment(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
    )
    url = wait_until(lambda: first_line(server), "moto answers", within=20)
    client(url).create_bucket(Bucket="state")
    return url


# moto's server on a port that the system chooses, told on standard output once it listens.
MOTO = """
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
"""


def first_line(server):
    assert server.process.poll() is None, server.stderr.read_text()
    text = server.stdout.read_text()
    return text.split("\n", 1)[0] if "\n" in text else None


def client(url):
    return boto3.client("s3", region_name="us-east-1", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x")


def filled(template: str, **values: str) -> str:
    text = (HERE / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    assert not re.search("@[A-Z0-9]+@", text), "a placeholder of the template has no value"
    return text


@pytest.fixture
def token_file(acme, tmp_path):
    path = tmp_path / "token"
    acme.rolecall("token", "mint", "athena", "--to", path).done()
    acme.programs.ledger.learn_file(path)
    return path


def test_the_state_lies_in_s3_with_credentials_from_our_sts(acme, s3, programs, token_file, tmp_path):
    before = len(acme.accounts.records())
    configuration = filled("main.tf.in", S3=s3, STS=acme.accounts.url, ROLE=ROLE, TOKEN=str(token_file))
    workspace = Workspace(programs, tmp_path / "terraform", configuration)

    workspace.run("init").done()
    workspace.run("apply", "-auto-approve").done()

    state = json.loads(client(s3).get_object(Bucket="state", Key="rolecall/terraform.tfstate")["Body"].read())
    assert state["outputs"]["deployed"]["value"] == "by a workload without a stored key"
    assert workspace.run("output", "-raw", "deployed").done().stdout == "by a workload without a stored key"
    assumed = [r for r in acme.accounts.records()[before:] if r["eventName"] == "AssumeRoleWithWebIdentity"]
    assert assumed and all("errorCode" not in r for r in assumed)
    assert {r["requestParameters"]["roleSessionName"] for r in assumed} == {"terraform"}
    # The backend makes sure of whom it is.
    assert any(r["eventName"] == "GetCallerIdentity" for r in acme.accounts.records()[before:])


def test_a_role_that_does_not_trust_the_workload_stops_terraform(acme, s3, programs, token_file, tmp_path):
    configuration = filled(
        "main.tf.in", S3=s3, STS=acme.accounts.url, ROLE=role_arn("only-store"), TOKEN=str(token_file)
    )
    refused = Workspace(programs, tmp_path / "terraform", configuration).run("init")
    assert refused.code == 1
    # Terraform breaks its lines where it likes.
    assert "Not authorized to perform sts:AssumeRoleWithWebIdentity" in " ".join(refused.stderr.split())


@needs_provider
def test_the_aws_provider_sets_up_the_trust(acme, programs, tmp_path):
    accounts = emulate(programs, tmp_path / "aws", {ACCOUNT: {}}, connect_to={ISSUER: acme.issuer.address})
    keys = accounts.admin_keys()
    values = {
        "URL": accounts.url, "KEY": keys["aws_access_key_id"], "SECRET": keys["aws_secret_access_key"],
        "CLIENTS": '["sts.amazonaws.com"]', "DESCRIPTION": "first", "OWNER": "data", "COMPONENT": "cube_api",
    }  # fmt: skip
    workspace = Workspace(programs, tmp_path / "terraform", filled("iam.tf.in", **values), provider_mirror())
    (tmp_path / "terraform" / "main.tf").chmod(0o600)
    workspace.run("init").done()

    workspace.run("apply", "-auto-approve").done()
    arn = workspace.run("output", "-raw", "role").done().stdout
    assert arn == f"arn:aws:iam::{ACCOUNT}:role/cube/cube-by-terraform"
    assert assume(acme, accounts, arn)
    assert workspace.run("plan", "-detailed-exitcode").code == 0, "a second plan finds changes"

    changed = {"CLIENTS": '["sts.amazonaws.com", "https://example.com"]', "DESCRIPTION": "second", "OWNER": "ops", "COMPONENT": "cube_store"}
    workspace.write(filled("iam.tf.in", **{**values, **changed}))
    workspace.run("apply", "-auto-approve").done()
    iam = accounts.admin("iam")
    role = iam.get_role(RoleName="cube-by-terraform")["Role"]
    assert role["Description"] == "second"
    assert role["Tags"] == [{"Key": "owner", "Value": "ops"}]
    known = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider_arn(ISSUER))
    assert sorted(known["ClientIDList"]) == ["https://example.com", "sts.amazonaws.com"]
    with pytest.raises(iam.exceptions.ClientError, match="AccessDenied"):
        assume(acme, accounts, arn)
    assert workspace.run("plan", "-detailed-exitcode").code == 0, "a plan after the change finds changes"

    workspace.run("destroy", "-auto-approve").done()
    assert iam.list_roles()["Roles"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


def assume(acme, accounts, arn):
    return accounts.anyone().assume_role_with_web_identity(
        RoleArn=arn, RoleSessionName="after-terraform", WebIdentityToken=acme.token()
    )
