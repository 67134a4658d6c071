"""How well denials are explained: every single mistake, in every set-up and every form, explained
by the program. The cause that was made has to be named first nearly always, and within the first
three always; the patch that is offered, applied by git, has to admit the token and nobody else."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from forms import FORMS, NO_SOURCE
from harness.programs import ROLECALL
from mistakes import MISTAKES, Mistake
from setups import SETUPS, Case, Setup

FIRST_AT_LEAST = 0.98


@dataclass
class Outcome:
    """What came of one mistake."""

    name: str
    causes: tuple[str, ...]
    named: list[str]
    faults: list[str] = field(default_factory=list)

    @property
    def first(self) -> bool:
        return bool(self.named) and self.named[0] in self.causes

    @property
    def within_three(self) -> bool:
        return any(cause in self.causes for cause in self.named[:3])


def cases():
    """Every mistake in every set-up as JSON, and in every other form in one set-up each, by turns."""
    turns = itertools.cycle(SETUPS)
    for mistake in MISTAKES:
        made = [(setup, case) for setup in SETUPS if (case := mistake.make(setup))]
        for setup, case in made:
            yield mistake, setup, case, case.form or "json"
        for form in FORMS:
            if made and form != "json" and made[0][1].form is None:
                wanted = next(turns)
                setup, case = next((one for one in made if one[0] is wanted), made[0])
                yield mistake, setup, case, form


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(ROLECALL), "trust", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def explained(folder: Path, mistake: Mistake, setup: Setup, case: Case, form: str) -> Outcome:
    name = f"{mistake.name} in {setup.name} as {form}"
    folder.mkdir()
    file, text = FORMS[form](case.policy, setup.name)
    text = case.damage(text) if case.damage else text
    (folder / file).write_text(text)
    (folder / "claims.json").write_text(json.dumps(case.claims))
    (folder / "error.txt").write_text(case.error)
    arguments: list[object] = ["explain", "--error", "error.txt", "--claims", "claims.json", "--policy", file]
    if case.role_arn:
        arguments += ["--role-arn", case.role_arn]
    if case.provider:
        arguments += ["--provider-url", case.provider["url"]]
        for client in case.provider["client_ids"]:
            arguments += ["--client-id", client]
    if case.pasted:
        (folder / "pasted.txt").write_text(case.pasted)
        arguments.append("pasted.txt")
    ended = run(*arguments, "--output", "json", cwd=folder)
    if ended.returncode != 0:
        return Outcome(name, mistake.causes, [], [f"ended with {ended.returncode}: {ended.stderr}"])
    report = json.loads(ended.stdout)
    outcome = Outcome(name, mistake.causes, [finding["cause"] for finding in report["findings"]])
    if case.patch and outcome.first and form not in NO_SOURCE:
        outcome.faults += patched(folder, setup, case, file, report["findings"][0])
    return outcome


def patched(folder: Path, setup: Setup, case: Case, file: str, finding: dict) -> list[str]:
    """What is wrong with the patch that is offered."""
    diff = (finding.get("patch") or {}).get("diff")
    if not diff:
        return [f"{finding['cause']} has no patch: {finding['message']}"]
    (folder / "change.patch").write_text(diff)
    applied = subprocess.run(["git", "apply", "change.patch"], cwd=folder, capture_output=True, text=True)
    if applied.returncode != 0:
        return [f"git does not apply the patch: {applied.stderr}\n{diff}"]
    context = [part for pair in case.notes.get("context", []) for part in ("--context", pair)]
    provider = ["--provider", setup.provider]
    faults = []
    mine = run("check", "--policy", file, "--claims", "claims.json", *provider, *context, cwd=folder)
    if mine.returncode != 0:
        faults.append(f"the token is still denied: {mine.stdout}{mine.stderr}\n{diff}")
    for foreign in setup.foreign if case.notes.get("foreign", True) else ():
        (folder / "foreign.json").write_text(json.dumps({**case.claims, "sub": foreign}))
        theirs = run("check", "--policy", file, "--claims", "foreign.json", *provider, *context, cwd=folder)
        if theirs.returncode != 9:
            faults.append(f"`{foreign}` is admitted as well: {theirs.stdout}{theirs.stderr}\n{diff}")
    return faults


def test_the_cause_is_named_and_the_patch_mends_it(tmp_path, record_property):
    made = list(cases())
    kinds = {mistake.name for mistake, *_ in made}
    assert len(kinds) >= 60 and {form for *_, form in made} == set(FORMS)
    assert shutil.which("git"), "git applies the patches: install it"
    with ThreadPoolExecutor(max_workers=2) as pool:
        outcomes = list(
            pool.map(lambda numbered: explained(tmp_path / str(numbered[0]), *numbered[1]), enumerate(made))
        )
    first = sum(outcome.first for outcome in outcomes)
    three = sum(outcome.within_three for outcome in outcomes)
    faulty = [outcome for outcome in outcomes if outcome.faults]
    score = f"{len(kinds)} kinds, {len(outcomes)} cases: first {first}, within three {three}, patches at fault {len(faulty)}"
    print(score)
    record_property("score", score)
    lines = [f"{one.name}: {one.causes} wanted, {one.named[:4]} named" for one in outcomes if not one.first]
    lines += [f"{one.name}: {fault}" for one in faulty for fault in one.faults]
    report = "\n".join([score, *lines])
    assert three == len(outcomes), report
    assert first >= FIRST_AT_LEAST * len(outcomes), report
    assert not faulty, report


def fixed(folder: Path, mistake: Mistake, setup: Setup, case: Case, form: str) -> list[str]:
    """What is wrong with the policy's file after `fix --in-place`."""
    folder.mkdir()
    file, text = FORMS[form](case.policy, setup.name)
    (folder / file).write_text(text)
    (folder / "claims.json").write_text(json.dumps(case.claims))
    provider = ["--provider", setup.provider]
    context = [part for pair in case.notes.get("context", []) for part in ("--context", pair)]
    mending = ["fix", "--policy", file, "--claims", "claims.json", *provider, *context, "--in-place", "--output", "json"]
    ended = run(*mending, cwd=folder)
    name = f"{mistake.name} in {setup.name} as {form}"
    if ended.returncode != 0:
        return [f"{name}: fix ended with {ended.returncode}: {ended.stdout}{ended.stderr}"]
    again = run(*mending, cwd=folder)
    faults = [] if "alreadyAllowed" in again.stdout else [f"{name}: a second fix finds more to do: {again.stdout}"]
    for foreign in setup.foreign if case.notes.get("foreign", True) else ():
        (folder / "foreign.json").write_text(json.dumps({**case.claims, "sub": foreign}))
        theirs = run("check", "--policy", file, "--claims", "foreign.json", *provider, *context, cwd=folder)
        if theirs.returncode != 9:
            faults.append(f"{name}: `{foreign}` is admitted as well: {theirs.stdout}{theirs.stderr}")
    comments = text.count("#")
    if (folder / file).read_text().count("#") != comments:
        faults.append(f"{name}: a comment is lost")
    return faults


def test_fix_mends_the_file_in_place(tmp_path):
    made = [
        one for one in cases()
        if one[2].patch and one[3] not in NO_SOURCE and one[3] != "json" and not one[2].damage
    ]  # fmt: skip
    assert len(made) > 300
    with ThreadPoolExecutor(max_workers=2) as pool:
        faults = pool.map(lambda numbered: fixed(tmp_path / str(numbered[0]), *numbered[1]), enumerate(made))
        faults = [fault for several in faults for fault in several]
    assert not faults, f"{len(faults)} faults in {len(made)} cases\n" + "\n".join(faults)
