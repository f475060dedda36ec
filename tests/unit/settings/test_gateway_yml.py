"""The shipped gateway.yml runs as it is, has every key with a comment, and states the defaults."""

import re
from typing import Any, get_args

from pydantic import BaseModel

from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import parse_yaml
from gateway.settings import Settings
from tests.support.paths import ROOT

TEXT = (ROOT / "gateway.yml").read_text(encoding="utf-8")


def keys_of_model(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Dotted keys, all list positions as `[]`; `options` stands for the adapter's own keys."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        if name == "options":
            continue
        path = f"{prefix}{name}"
        found.add(path)
        annotation: Any = field.annotation
        inner = next(
            (one for one in get_args(annotation) if isinstance(one, type) and issubclass(one, BaseModel)), None
        )
        if inner is not None:
            found |= keys_of_model(inner, f"{path}[].")
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= keys_of_model(annotation, f"{path}.")
    return found


def keys_of_data(data: object, prefix: str = "") -> set[str]:
    if isinstance(data, dict):
        return {f"{prefix}{key}" for key in data} | {
            path for key, value in data.items() for path in keys_of_data(value, f"{prefix}{key}.")
        }
    if isinstance(data, list):
        return {path for item in data for path in keys_of_data(item, f"{prefix[:-1]}[].")}
    return set()


def with_examples() -> str:
    """The file with its commented examples taken in."""
    text = re.sub(r"\b(tcp|sources|mailboxes|grants): \[\](?!.*crossref)", r"\1:", TEXT)
    return re.sub(r"(?m)^( *)#(?=-|  +[a-z_]+:)", r"\1 ", text)


def test_every_key_of_the_settings_is_there_and_no_other() -> None:
    assert keys_of_data(parse_yaml(with_examples(), "gateway.yml").data) == keys_of_model(Settings)


def test_the_values_are_the_defaults() -> None:
    assert validate_section(Settings, parse_yaml(TEXT, "gateway.yml")) == Settings()


def test_every_default_is_said() -> None:
    said = keys_of_data(parse_yaml(TEXT, "gateway.yml").data)

    assert said == {
        key
        for key in keys_of_model(Settings)
        if not key.startswith(("tcp[]", "directory.sources[]", "mailboxes[]")) and "oidc.grants[]" not in key
    }


def test_every_key_has_a_comment() -> None:
    """On its line, or on one above it in the same block."""
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        key = re.match(r"( *)(?:- )?([a-z_]+):", line)
        if key and "#" not in line:
            block = [above for above in lines[max(0, number - 2) : number] if above.lstrip().startswith("#")]
            nested = line.rstrip().endswith(":") or key[2] in ("host", "folder")
            assert block or nested, f"no comment: {line}"
