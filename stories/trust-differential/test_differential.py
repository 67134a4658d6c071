"""The engine against `@cloud-copilot/iam-simulate`, which nobody here wrote: the same policies and
requests through both, and every difference either listed with AWS's page or a failure.

`ROLECALL_DIFFERENTIAL_SEED` and `ROLECALL_DIFFERENTIAL_PAIRS` choose other questions and more of
them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.programs import REPOSITORY, ROLECALL

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from differences import DIFFERENCES  # noqa: E402
from pairs import ROLE, pairs  # noqa: E402
from parts import Part, parts, probe, without  # noqa: E402

PACKAGES = REPOSITORY / "stories" / "node" / "node_modules"
USUAL_SEED, USUAL_PAIRS = 20_261_123, 50_000
SEED = int(os.environ.get("ROLECALL_DIFFERENTIAL_SEED", USUAL_SEED))
PAIRS = int(os.environ.get("ROLECALL_DIFFERENTIAL_PAIRS", USUAL_PAIRS))


def test_decisions_of_an_engine_that_nobody_here_wrote():
    """Allowed, denied or denied explicitly: the same answer, or the one that AWS's page gives."""
    print(f"seed {SEED}, {PAIRS} pairs; ROLECALL_DIFFERENTIAL_SEED={SEED} asks the same again")
    questions = pairs(SEED, PAIRS)
    answers = ask_both(questions)
    assert_varied(questions, answers)
    differing = [(question, ours) for question, (peer, ours) in zip(questions, answers) if peer != ours]

    # Which part is it? Every part of these questions by itself, through both.
    taken_apart = [(number, part) for number, (question, _) in enumerate(differing) for part in parts(question)]
    probes = ask_both([probe(differing[number][0], part) for number, part in taken_apart])
    settled: dict[int, list[tuple[Part, bool]]] = {}
    classes: Counter[str] = Counter()
    unlisted: list[str] = []
    for (number, part), (peer, ours) in zip(taken_apart, probes):
        if peer == ours:
            continue
        holds = ours == ("allow" if part.effect == "Allow" else "explicit_deny")
        names = [one.name for one in DIFFERENCES if one.holds in (None, holds) and one.applies(part)]
        if not names:
            unlisted.append(f"{part}: Rolecall says {ours}, the peer {peer}")
        classes.update(names)
        settled.setdefault(number, []).append((part, holds))
    assert not unlisted, f"seed {SEED}: differences that are not listed:\n" + "\n".join(unlisted[:20])

    # Nothing else hides in them: with the listed parts made constant, both have to agree, and on
    # what Rolecall said in the first place.
    made_constant = [without(question, settled.get(number, [])) for number, (question, _) in enumerate(differing)]
    for (question, said), (peer, ours) in zip(differing, ask_both(made_constant)):
        assert peer == ours == said, f"seed {SEED}: {said}, then {ours}, the peer {peer}: {json.dumps(question)}"
    if (SEED, PAIRS) == (USUAL_SEED, USUAL_PAIRS):
        # A line of the table that explains nothing any more is to be taken out of it.
        assert set(classes) == {one.name for one in DIFFERENCES}, classes
    print(f"{len(differing)} questions differ, by listed differences: {dict(classes.most_common())}")


def assert_varied(questions: list[dict], answers: list[tuple[str, str]]) -> None:
    """The questions are worth asking: every answer is frequent, every operator and form occurs."""
    ours = Counter(answer for _, answer in answers)
    assert set(ours) == {"allow", "implicit_deny", "explicit_deny"}, ours
    assert min(ours.values()) > len(questions) // 25, ours
    operators = {part.operator for question in questions[:20_000] for part in parts(question)}
    bases = {operator.split(":")[-1].removesuffix("IfExists") for operator in operators} - {""}
    assert len(bases) == 27, sorted(bases)
    assert len(operators) > 27 * 5, "too few operators with set prefixes and IfExists"


def ask_both(questions: list[dict]) -> list[tuple[str, str]]:
    """The peer's and Rolecall's answers, each engine in a process of its own."""
    text = "".join(json.dumps(question) + "\n" for question in questions)
    with ThreadPoolExecutor(2) as pool:
        peer = pool.submit(run, ["node", HERE / "decide.mjs", PACKAGES, ROLE], text)
        ours = pool.submit(run, [ROLECALL, "trust", "check", "--batch"], text)
    words = [line.get("decision") or line["error"] for line in map(json.loads, ours.result())]
    answers = list(zip(peer.result(), words, strict=True))
    assert len(answers) == len(questions)
    return answers


def run(command: list, text: str) -> list[str]:
    """The lines that a program answers."""
    # Dates without a zone are read in the machine's zone by JavaScript, and as UTC by AWS.
    environment = {"PATH": os.environ["PATH"], "TZ": "UTC", "LANG": "C.UTF-8"}
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    # Not `splitlines`: JSON may hold other line separators.
    return done.stdout.split("\n")[:-1]
