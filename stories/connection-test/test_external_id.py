"""An external ID that is composed of who asks: the role of another account opens to this one only."""

import pytest
import yaml


@pytest.fixture
def composed(acme, tmp_path):
    """A configuration whose hop composes its external ID, with these attributes."""

    def written(external_id, **attributes):
        document = yaml.safe_load(acme.config.read_text())
        document["workload"]["attributes"] = attributes
        document["connections"]["reader"]["hops"][0]["external_id"] = external_id
        path = tmp_path / "composed.yaml"
        path.write_text(yaml.safe_dump(document))
        return path

    return written


def ask(acme, config, *arguments):
    return acme.programs.rolecall("connection", "test", "reader", "--config", config, *arguments)


def test_the_role_opens_to_the_one_that_it_was_composed_of(acme, composed):
    passed = ask(acme, composed("superset-{stage}-{number}", stage="prod", number="12345")).done()
    assert "superset-prod-12345" not in passed.stdout + passed.stderr
    other = ask(acme, composed("superset-{stage}-{number}", stage="test", number="12345"))
    assert other.code == 5 and "sts:ExternalId" in other.stdout + other.stderr


def test_a_value_that_reaches_into_the_next_is_refused_before_aws_is_asked(acme, composed):
    calls = len(acme.accounts.records())
    refused = ask(acme, composed("superset-{stage}-{number}", stage="prod-1", number="2345"))
    assert refused.code == 3 and "separates the values" in refused.stderr
    assert len(acme.accounts.records()) == calls


def test_a_template_that_is_none_is_told_at_its_place(acme, composed):
    refused = ask(acme, composed("superset-{stage}{number}", stage="prod", number="12345"))
    assert refused.code == 3 and "composed.yaml" in refused.stderr and "nothing separates" in refused.stderr
