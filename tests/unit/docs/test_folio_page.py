"""docs/library-systems/folio.md has every setting as the code has it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.library.folio.options import FolioOptions
from gateway.configuration.yaml_document import parse_yaml
from tests.unit.docs.test_library_systems import flatten, list_keys, read_examples

LEAST: dict[str, Any] = {
    "url": "https://okapi.library.example",
    "tenant": "diku",
    "login": {"user": "illgate", "password": "env:FOLIO_PASSWORD"},
    "service_point": "ILL",
}
SECTIONS = ("login:", "seconds:", "breaker:")


def test_the_page_has_every_key_with_its_default_and_a_comment() -> None:
    (whole,) = read_examples("folio.md")
    document: dict[str, Any] = dict(parse_yaml(whole, "folio.md").data)
    written = dict(document["system"])
    assert written.pop("type") == "folio"
    options = FolioOptions.model_validate(written)

    assert list_keys(options) == list_keys(FolioOptions.model_validate(LEAST))
    assert flatten(written) == set(list_keys(options))
    for line in whole.splitlines()[2:]:
        assert "# " in line or line.rstrip().endswith(SECTIONS), f"no comment: {line}"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "okapi.library.example"}, "String should match pattern"),
        ({"url": "https://okapi.library.example/?x=1"}, "String should match pattern"),
        ({"tenant": ""}, "at least 1 character"),
        ({"login": {"user": "illgate", "password": "secret"}}, "must be env:NAME or file:PATH"),
        ({"login": {"user": "illgate"}}, "Field required"),
        ({"url": "http://okapi", "ca": "ca.pem"}, "ca and certificate are for https"),
        ({"patron_types": ["barcode", "barcode"]}, "stands twice in patron_types"),
        ({"patron_types": ["card"]}, "Input should be 'barcode', 'external' or 'username'"),
        ({"seconds": {"codes": 1}}, "greater than or equal to 10"),
        ({"override": "always"}, "Input should be 'ordinary' or 'override'"),
        ({"reasons": {"x": "no-such-reason"}}, "Input should be"),
        ({"service_points": "ILL"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_said(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        FolioOptions.model_validate({**LEAST, **wrong})
