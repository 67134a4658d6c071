"""The prober beside load: nothing that must be refused is ever accepted, and load is served meanwhile."""

import json
import sys
import threading
from pathlib import Path

from harness.evidence import EvidenceIssuer
from harness.issuer import serve
from harness.prober import Prober

ISSUER = "https://acme.cubecloud.dev"
HOST = "acme.cubecloud.dev"
STORIES = Path(__file__).resolve().parents[1]


def tenant(peer: EvidenceIssuer) -> dict:
    return {
        "name": "acme",
        "issuer": ISSUER,
        "token_configs": [
            {"name": "aws", "audience": "sts.amazonaws.com", "algorithm": "ES256", "subject": "w:{name}"}
        ],
        "trusted_issuers": [{"name": "peer", "issuer": peer.url}],
        "workloads": [
            {
                "name": "job",
                "token_configs": ["aws"],
                "evidence": [{"from": "peer", "where": {"sub": "peer:job:1"}}],
            }
        ],
    }


def test_nothing_is_accepted_beside_load(programs, ledger, tmp_path):
    with EvidenceIssuer(ledger, ISSUER) as peer:
        served = serve(programs, tmp_path, [tenant(peer)])
        prober = Prober(served.address, HOST, peer, {"token_config": "aws"})
        loaded = threading.Event()
        granted = []

        def load():
            # Evidence of the very issuer whose forgeries are presented.
            from harness.evidence import exchange

            for _ in range(150):
                granted.append(exchange(served.address, HOST, peer.token(), ledger)[0])
            loaded.set()

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        prober.start()
        for thread in threads:
            thread.join(60)
        prober.stop()
        report = prober.report()
        assert granted == [200] * 450
        assert report["accepted"] == [] and report["odd"] == [] and report["unreachable"] == 0
        assert report["good"] >= 1 and report["refused"] >= 30


def test_it_runs_as_a_program_and_notices_what_is_accepted(programs, ledger, tmp_path):
    # A tenant that trusts the prober's issuer and takes any of its tokens again and again: a fault.
    with EvidenceIssuer(ledger, ISSUER) as free:
        address = free.address
    faulty = tenant(free)
    faulty["trusted_issuers"][0].update(one_use=False, issuer=address)
    served = serve(programs, tmp_path, [faulty])
    program = [sys.executable, "-m", "harness.prober", served.address, HOST, ISSUER, "1"]
    listen = ["--listen", address.removeprefix("http://")]
    run = programs.run(*program, *listen, cwd=STORIES)
    report = json.loads(run.stdout.splitlines()[-1])
    assert run.code == 1 and set(report["accepted"]) == {"used before"}, report
