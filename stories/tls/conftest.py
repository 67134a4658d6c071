"""An issuer that ends TLS itself."""

import pytest
from harness.tls_site import build


@pytest.fixture
def site(programs, tmp_path):
    """Everything in place, nothing started."""
    return build(programs, tmp_path)


@pytest.fixture(scope="module")
def served(module_programs):
    """One that runs, for what changes nothing."""
    folder = module_programs.folder / "site"
    folder.mkdir()
    return build(module_programs, folder).start()
