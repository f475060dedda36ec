"""The circulation section of a profile: every key is read by something, and what can't work is refused when read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from gateway.domain import circulation_policy
from gateway.domain.circulation_policy import CirculationPolicy

ROOT = Path(circulation_policy.__file__).resolve().parents[1]
READERS = [*(ROOT / "services" / name for name in ("circulation", "exchange", "requests")), ROOT / "domain"]


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from sections(kind)


def attributes_read() -> set[str]:
    files = [file for folder in READERS for file in folder.glob("*.py")]
    trees = (ast.walk(ast.parse(file.read_text("utf-8"))) for file in files)
    return {node.attr for nodes in trees for node in nodes if isinstance(node, ast.Attribute)}


def test_every_key_is_read() -> None:
    read = attributes_read()
    keys = {(model.__name__, key) for model in sections(CirculationPolicy) for key in model.model_fields}
    assert len(keys) > 80
    assert {key for key in keys if key[1] not in read} == set()


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"patrons": {"rewrite": {"pattern": "("}}}, "not a regular expression"),
        ({"patrons": {"rewrite": {"pattern": "a", "replacement": r"\1"}}}, "names a group"),
        ({"patrons": {"rewrite": {"replacement": "x"}}}, "needs a pattern"),
        ({"patrons": {"institutional": [{"match": "x", "patron": r"\1"}]}}, "names a group"),
        ({"patrons": {"institutional": [{"match": "x", "patron": "{library}"}]}}, "{agency}, {user}"),
        ({"accept": {"barcode_template": "{count}"}}, "{number}, {request}"),
        ({"accept": {"barcode_template": "{number:zz}"}}, "can't be filled in"),
        ({"accept": {"note": "{requst}"}}, "{request}, {agency}"),
        ({"accept": {"call_number": "{"}}, "can't be filled in"),
        ({"as_success": {"checkin": ["unknown-item"]}}, "check-in"),
        ({"as_success": {"check-in": ["patron-blocked"]}}, "these can: not-checked-out"),
        ({"due_dates": {"time_of_day": "24:00"}}, "time_of_day"),
        ({"accept": {"trap_hold": "at-acept"}}, "trap_hold"),
        ({"pickup": {"defualt": "MAIN"}}, "defualt"),
    ],
)
def test_what_cannot_work_is_refused_when_read(section: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CirculationPolicy.model_validate(section)
    assert said in str(caught.value)
