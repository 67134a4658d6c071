"""A question taken apart, so that a difference between two engines can be tied to the one condition,
principal or action on which they differ, and to nothing else."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field

from pairs import ALWAYS, naming


@dataclass(frozen=True)
class Part:
    """One part of one statement of a question."""

    statement: int
    kind: str  # `condition`, `principal` or `action`
    effect: str
    version: str | None
    context: dict = field(hash=False)
    caller: str = ""
    asked: str = ""
    # Of a condition:
    operator: str = ""
    key: str = ""
    values: tuple[str, ...] = ()
    # Of a principal or an action: the element's name and content.
    element: str = ""
    content: object = field(default=None, hash=False)


def statements(policy: dict) -> list[dict]:
    """The statements, of which one may stand without a list."""
    found = policy["Statement"]
    return found if isinstance(found, list) else [found]


def parts(question: dict) -> list[Part]:
    """Everything on which two engines may differ."""
    policy = question["policy"]
    found = []
    for index, statement in enumerate(statements(policy)):
        common = {
            "statement": index,
            "effect": statement["Effect"],
            "version": policy.get("Version"),
            "context": question["context"],
            "caller": question["principal"],
            "asked": question["action"],
        }
        for element in ("Principal", "NotPrincipal"):
            if element in statement:
                found.append(Part(kind="principal", element=element, content=statement[element], **common))
        for element in ("Action", "NotAction"):
            if element in statement:
                found.append(Part(kind="action", element=element, content=statement[element], **common))
        for operator, keys in statement.get("Condition", {}).items():
            for key, values in keys.items():
                values = tuple(map(text, values if isinstance(values, list) else [values]))
                found.append(Part(kind="condition", operator=operator, key=key, values=values, **common))
    return found


def text(value: object) -> str:
    """A policy's value as a condition reads it."""
    return value if isinstance(value, str) else json.dumps(value)


def probe(question: dict, part: Part) -> dict:
    """A question that hangs on this part alone: with a Deny, beside a statement that allows."""
    caller = question["principal"]
    statement = {"Effect": part.effect, **naming(caller), "Action": "*"}
    if part.kind == "principal":
        del statement["Principal"]
        statement[part.element] = part.content
    elif part.kind == "action":
        del statement["Action"]
        statement[part.element] = part.content
    else:
        statement["Condition"] = {part.operator: {part.key: list(part.values)}}
    allowing = {"Effect": "Allow", **naming(caller), "Action": "*"}
    policy = {"Statement": [statement] if part.effect == "Allow" else [statement, allowing]}
    if part.version:
        policy = {"Version": part.version, **policy}
    return {**question, "policy": policy}


def without(question: dict, settled: list[tuple[Part, bool]]) -> dict:
    """The question with these parts made constant: true, or false."""
    question = copy.deepcopy(question)
    found = statements(question["policy"])
    for part, holds in settled:
        statement = found[part.statement]
        if part.kind == "principal":
            del statement[part.element]
            nobody = {"Principal": {"AWS": "arn:aws:iam::999999999999:user/nobody"}}
            statement.update(naming(question["principal"]) if holds else nobody)
        elif part.kind == "action":
            del statement[part.element]
            statement["Action"] = "*" if holds else "s3:*"
        else:
            del statement["Condition"][part.operator][part.key]
            if not statement["Condition"][part.operator]:
                del statement["Condition"][part.operator]
            if not holds:
                statement["Condition"].setdefault("StringEquals", {})[ALWAYS[0]] = "no"
    return question
