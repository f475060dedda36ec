"""A pydantic error becomes a line that says where, what was found, what is allowed and what was probably meant."""

from enum import StrEnum
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import parse_yaml
from gateway.domain.problems import ConfigurationError
from gateway.domain.secret_reference import SecretReference


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Inner(Strict):
    trap_hold: Literal["at-accept", "at-check-in"] = "at-accept"
    days: int = Field(1, ge=1)


class Outer(Strict):
    name: str = ""
    inner: Inner = Inner()
    several: tuple[Inner, ...] = ()
    table: dict[str, Colour] = {}
    either: Inner | None = None
    loose: bool = False
    secret: SecretReference = ""


class Needy(Strict):
    name: str


class Holder(Strict):
    rules: tuple[Needy, ...] = ()


def said(text: str, model: type[BaseModel] = Outer) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        validate_section(model, parse_yaml(text, "x.yml"))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "inner:\n  trap_hold: at-acept\n",
            "x.yml:2: inner.trap_hold: found 'at-acept', allowed: at-accept, at-check-in (did you mean 'at-accept'?)",
        ),
        (
            "inner:\n  trap_hodl: at-accept\n",
            "x.yml:2: inner.trap_hodl: unknown key, allowed: days, trap_hold (did you mean 'trap_hold'?)",
        ),
        (
            "several:\n  - {}\n  - dayz: 1\n",
            "x.yml:3: several.1.dayz: unknown key, allowed: days, trap_hold (did you mean 'days'?)",
        ),
        (
            "table:\n  a: red\n  b: gren\n",
            "x.yml:3: table.b: found 'gren', allowed: red, green (did you mean 'green'?)",
        ),
        ("either:\n  dayz: 1\n", "x.yml:2: either.dayz: unknown key, allowed: days, trap_hold (did you mean 'days'?)"),
        ("inner:\n  days: soon\n", "x.yml:2: inner.days: expected a whole number, found 'soon'"),
        ("inner:\n  days: 0\n", "x.yml:2: inner.days: input should be greater than or equal to 1, found 0"),
        ("inner: 3\n", "x.yml:1: inner: expected `key: value` lines, found 3"),
        ("several:\n  a: 1\n", "x.yml:1: several: expected a list, found `key: value` lines"),
        ("loose: maybe\n", "x.yml:1: loose: expected true or false, found 'maybe'"),
        ("name: [a]\n", "x.yml:1: name: expected text (put it in quotes), found a list"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, line: str) -> None:
    assert said(text) == [line]


def test_a_missing_key_names_its_parents_line() -> None:
    assert said("rules:\n  - name: a\n  - {}\n", Holder) == ["x.yml:3: rules.1.name: is missing"]


def test_all_problems_are_said_at_once() -> None:
    assert len(said("nmae: x\ninner:\n  days: 0\n  trap_hold: x\n")) == 3


def test_numbers_and_truth_values_are_text_where_text_is_wanted() -> None:
    assert validate_section(Outer, parse_yaml("name: 2.00\n", "x.yml")).name == "2.00"
    assert validate_section(Outer, parse_yaml("name: true\n", "x.yml")).name == "true"


def test_yes_and_no_are_truth_values_where_those_are_wanted() -> None:
    assert validate_section(Outer, parse_yaml("loose: yes\n", "x.yml")).loose is True
    assert validate_section(Outer, parse_yaml("name: no\n", "x.yml")).name == "no"


def test_a_secret_in_plain_text_is_refused_and_not_shown() -> None:
    (line,) = said("secret: hunter2\n")

    assert line == "x.yml:1: secret: must be env:NAME or file:PATH; the secret itself never stands here"


def test_a_secret_of_the_wrong_kind_is_not_shown_either() -> None:
    assert "hunter2" not in said("secret: [hunter2]\n")[0]
