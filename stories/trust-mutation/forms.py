"""A policy in every form in which people keep one: what the file is called, and what it says."""

from __future__ import annotations

import json
from urllib.parse import quote

import yaml


def as_json(policy: dict, role: str) -> tuple[str, str]:
    return "trust.json", json.dumps(policy, indent=2) + "\n"


def as_cloudformation_yaml(policy: dict, role: str) -> tuple[str, str]:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Deploy": {
                "Type": "AWS::IAM::Role",
                "Properties": {"RoleName": role, "AssumeRolePolicyDocument": policy},
            }
        },
    }
    return "template.yaml", "# The role of the deployment.\n" + yaml.safe_dump(template, sort_keys=False, width=1000)


def as_cloudformation_json(policy: dict, role: str) -> tuple[str, str]:
    template = {
        "Resources": {
            "Deploy": {
                "Type": "AWS::IAM::Role",
                "Properties": {"RoleName": role, "AssumeRolePolicyDocument": policy},
            }
        }
    }
    return "template.json", json.dumps(template, indent=4) + "\n"


def as_terraform_jsonencode(policy: dict, role: str) -> tuple[str, str]:
    return "main.tf", (
        f'# The role of the deployment.\nresource "aws_iam_role" "deploy" {{\n  name = "{role}"\n'
        f"  assume_role_policy = jsonencode({hcl(policy, 2)})\n}}\n"
    )


def as_terraform_heredoc(policy: dict, role: str) -> tuple[str, str]:
    body = json.dumps(policy, indent=2).replace("${", "$${")
    return "main.tf", (
        f'resource "aws_iam_role" "deploy" {{\n  name = "{role}"\n'
        f"  assume_role_policy = <<EOF\n{body}\nEOF\n}}\n"
    )


def as_terraform_document(policy: dict, role: str) -> tuple[str, str]:
    blocks = "".join(document_statement(statement) for statement in policy["Statement"])
    return "main.tf", (
        f'data "aws_iam_policy_document" "trust" {{\n{blocks}}}\n\n'
        f'resource "aws_iam_role" "deploy" {{\n  name               = "{role}"\n'
        f"  assume_role_policy = data.aws_iam_policy_document.trust.json\n}}\n"
    )


def as_get_role(policy: dict, role: str) -> tuple[str, str]:
    return "role.json", json.dumps(described(policy, role), indent=4) + "\n"


def as_get_role_encoded(policy: dict, role: str) -> tuple[str, str]:
    return "role.json", json.dumps(described(quote(json.dumps(policy)), role), indent=4) + "\n"


def described(document: object, role: str) -> dict:
    """What `aws iam get-role` prints."""
    return {
        "Role": {
            "Path": "/",
            "RoleName": role,
            "RoleId": "AROAEXAMPLEEXAMPLE123",
            "Arn": f"arn:aws:iam::123456789012:role/{role}",
            "CreateDate": "2026-10-01T00:00:00+00:00",
            "AssumeRolePolicyDocument": document,
            "MaxSessionDuration": 3600,
        }
    }


def hcl(value: object, indent: int) -> str:
    """A value as an HCL expression."""
    pad, inner = " " * indent, " " * (indent + 2)
    match value:
        case dict():
            members = "".join(f"{inner}{json.dumps(name)} = {hcl(member, indent + 2)}\n" for name, member in value.items())
            return f"{{\n{members}{pad}}}"
        case list():
            elements = "".join(f"{inner}{hcl(element, indent + 2)},\n" for element in value)
            return f"[\n{elements}{pad}]"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("${", "$${")


def document_statement(statement: dict) -> str:
    """A statement of an `aws_iam_policy_document`."""
    lines = ["  statement {\n"]
    if "Sid" in statement:
        lines.append(f"    sid     = {json.dumps(statement['Sid'])}\n")
    lines.append(f"    effect  = {json.dumps(statement['Effect'])}\n")
    lines.append(f"    actions = {flow(statement['Action'])}\n")
    principal = statement["Principal"]
    for kind, identifiers in ({"*": "*"} if principal == "*" else principal).items():
        lines.append(f'\n    principals {{\n      type        = "{kind}"\n      identifiers = {flow(identifiers)}\n    }}\n')
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            lines.append(
                f'\n    condition {{\n      test     = "{operator}"\n      variable = {json.dumps(key, ensure_ascii=False)}\n'
                f"      values   = {flow(values)}\n    }}\n"
            )
    lines.append("  }\n")
    return "".join(lines)


def flow(values: object) -> str:
    texts = values if isinstance(values, list) else [values]
    written = (json.dumps(str(text), ensure_ascii=False).replace("${", "&{") for text in texts)
    return "[" + ", ".join(written) + "]"


FORMS = {
    "json": as_json,
    "cloudformation-yaml": as_cloudformation_yaml,
    "cloudformation-json": as_cloudformation_json,
    "terraform-jsonencode": as_terraform_jsonencode,
    "terraform-heredoc": as_terraform_heredoc,
    "terraform-document": as_terraform_document,
    "get-role": as_get_role,
    "get-role-encoded": as_get_role_encoded,
}

# What AWS answers is no source: a patch of it would change nothing.
NO_SOURCE = {"get-role", "get-role-encoded"}
