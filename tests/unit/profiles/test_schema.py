"""The JSON Schema of profiles is current, and the shipped profiles name it."""

from pathlib import Path

import pytest

from gateway.adapter_registry import load_adapters
from gateway.profiles.loader import build_profile_schema, format_profile_schema, make_modeline
from tests.support.paths import ROOT
from tests.unit.profiles.support import ADAPTERS

SHIPPED = ROOT / "profiles"


def test_the_schema_in_the_repository_is_current() -> None:
    current = (SHIPPED / "schema.json").read_text(encoding="utf-8")

    assert current == format_profile_schema(load_adapters()), "run: illgate profile schema -o profiles/schema.json"


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.yml")), ids=lambda file: file.stem)
def test_shipped_profiles_name_the_schema(file: Path) -> None:
    assert file.read_text(encoding="utf-8").startswith(f"{make_modeline(file, SHIPPED)}\n")


def test_the_schema_has_the_profile_and_all_protocols() -> None:
    schema = build_profile_schema(ADAPTERS)

    assert {"match", "auth", "circulation", "plain", "other"} <= set(schema["properties"])
    assert "dialects" not in schema["properties"]
    assert schema["additionalProperties"] is False
    assert "required" not in schema
