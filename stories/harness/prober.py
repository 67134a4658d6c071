"""A prober that runs beside load: again and again it presents what must be refused, and keeps whatever
was accepted. Nothing of it counts as load; it shows that load changes no verdict.

As a program, `python -m harness.prober ADDRESS HOST AUDIENCE SECONDS --listen 127.0.0.1:4100`, it serves
an issuer of its own at that address, which the tenant must trust, and ends with 1 if anything was
accepted that must not be, or if the good evidence between was refused."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from dataclasses import dataclass, field

from .evidence import EvidenceIssuer, exchange, forgeries
from .ledger import Ledger


@dataclass
class Prober:
    """Presents forged and used evidence of `issuer` until it is stopped."""

    address: str
    host: str
    issuer: EvidenceIssuer
    form: dict = field(default_factory=dict)
    # What is wrong with it -> what was answered.
    accepted: list[tuple[str, dict]] = field(default_factory=list)
    # Refused, but with a code that does not fit.
    odd: list[tuple[str, int, dict]] = field(default_factory=list)
    refused: int = 0
    good: int = 0
    unreachable: int = 0

    def start(self) -> "Prober":
        """Probe in a thread of its own."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the round that is under way."""
        self._stop.set()
        self._thread.join(60)

    def probe(self) -> None:
        """One round: every forgery once, then good evidence, then the same once more."""
        for what, token in forgeries(self.issuer).items():
            self._present(what, token)
        once = self.issuer.token(kid=next(iter(self.issuer.keys)))
        first = self._ask(once)
        if first is not None and first[0] == 200:
            self.good += 1
            self._present("used before", once)
            self._present("used before, altered signature", once[:-4] + "AAAA")

    def _present(self, what: str, token: str) -> None:
        answered = self._ask(token)
        if answered is None:
            return
        status, body = answered
        if status == 200 or "access_token" in body:
            self.accepted.append((what, {name: body[name] for name in body if name != "access_token"}))
        elif (status, body.get("error")) in EXPECTED:
            self.refused += 1
        else:
            self.odd.append((what, status, body))

    def _ask(self, token: str) -> tuple[int, dict] | None:
        try:
            return exchange(self.address, self.host, token, **self.form)
        except (OSError, ValueError):
            # A replica that was killed, or restarts; that is the load's business.
            self.unreachable += 1
            return None

    def _run(self) -> None:
        while not self._stop.is_set():
            self.probe()

    def report(self) -> dict:
        """What happened, as numbers and as what must not be."""
        return {
            "refused": self.refused,
            "good": self.good,
            "unreachable": self.unreachable,
            "accepted": [what for what, _ in self.accepted],
            "odd": self.odd,
        }


EXPECTED = {(400, "invalid_request"), (503, "temporarily_unavailable")}


def main() -> int:
    """Serve the issuer and probe for some seconds."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("address", help="where the server under load listens, such as http://127.0.0.1:4000")
    arguments.add_argument("host", help="the host of the tenant's issuer URL")
    arguments.add_argument("audience", help="the audience that the tenant expects of evidence")
    arguments.add_argument("seconds", type=float)
    arguments.add_argument("--listen", default="127.0.0.1:0", help="where the trusted issuer serves")
    arguments.add_argument("--token-config", default="aws")
    chosen = arguments.parse_args()
    issuer = EvidenceIssuer(Ledger(), chosen.audience)
    issuer.listen = chosen.listen
    with issuer:
        print(json.dumps({"issuer": issuer.url}), flush=True)
        prober = Prober(chosen.address, chosen.host, issuer, {"token_config": chosen.token_config}).start()
        time.sleep(chosen.seconds)
        prober.stop()
    print(json.dumps(prober.report()), flush=True)
    return 0 if prober.good and not prober.accepted and not prober.odd else 1


if __name__ == "__main__":
    sys.exit(main())
