import pytest
from harness import acme as world


@pytest.fixture(scope="module")
def acme(module_programs):
    """The tenant acme and the accounts that trust it."""
    return world.begin(module_programs, module_programs.folder / "acme")
