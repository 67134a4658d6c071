"""The corpus of decisions through `rolecall trust check --batch`."""

import json
from collections import Counter

# As the batch says it.
WORDS = {"allow": "allow", "deny": "implicit_deny", "explicit-deny": "explicit_deny"}
MEMBERS = ["id", "policy", "principal", "action", "resource", "context", "identity_policies"]


def test_every_case(programs, cases):
    asked = [{member: case[member] for member in MEMBERS if case.get(member) is not None} for case in cases]
    lines = "".join(json.dumps(question) + "\n" for question in asked)
    done = programs.rolecall("trust", "check", "--batch", stdin=lines).done()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [case["id"] for case in cases]
    wrong = [
        f"{case['id']} ({case['grade']}): expected {case['expected']}, decided {answer['decision']}"
        for case, answer in zip(cases, answers)
        if answer["decision"] != WORDS[case["expected"]]
    ]
    print(f"decided as expected: {len(cases) - len(wrong)} of {len(cases)}; by grade {dict(Counter(case['grade'] for case in cases))}")
    assert not wrong, "\n".join(wrong)
