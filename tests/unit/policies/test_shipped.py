"""requests.yml as it is shipped states the defaults, names every key, and its examples are right."""

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from pydantic import BaseModel

from gateway.cli import main
from gateway.configuration.model_validation import validate_section
from gateway.configuration.yaml_document import YamlDocument, parse_yaml
from gateway.domain.requests.policy import Mediation, RequestPolicy, RotaTemplate, TemplateLine
from gateway.policies import MODELINE, build_policy_schema, format_policy_schema
from tests.support.paths import ROOT

EXAMPLE = re.compile(r" *#(-| +[A-Za-z_-]+:( |$)| +- )")

TEXT = (ROOT / "requests.yml").read_text(encoding="utf-8")
SCHEMA = ROOT / "profiles" / "requests.schema.json"


def keys_of(data: object, prefix: str = "") -> set[str]:
    """Dotted keys of mappings."""
    if not isinstance(data, dict):
        return set()
    return {f"{prefix}{key}" for key in data} | {
        path for key, value in data.items() for path in keys_of(value, f"{prefix}{key}.")
    }


def keys_of_model(model: type[BaseModel], prefix: str = "") -> set[str]:
    """Of sections in sections; what stands in lists and tables of free names is in the examples."""
    found = set()
    for name, field in model.model_fields.items():
        found.add(f"{prefix}{name}")
        annotation: Any = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found |= keys_of_model(annotation, f"{prefix}{name}.")
    return found


def with_examples() -> dict[str, Any]:
    """The file with its commented examples taken in: their # goes, and so does the `[]` or `{}` above them."""
    lines: list[str] = []
    example_before = False
    for line in TEXT.splitlines()[1:]:
        is_example = EXAMPLE.match(line) is not None
        if is_example and not example_before:
            lines[-1] = re.sub(r"(\[\]|\{\}) *(#.*)?$", "", lines[-1])
        lines.append(line.replace("#", "", 1) if is_example else line)
        example_before = is_example
    return parse_yaml("\n".join(lines), "requests.yml").data


def test_the_values_are_the_defaults() -> None:
    """But for the numbers: those of an installation that says nothing stay as they were."""
    policy = validate_section(RequestPolicy, parse_yaml(TEXT, "requests.yml"))
    assert policy.model_copy(update={"numbers": RequestPolicy().numbers}) == RequestPolicy()
    for role in ("borrowing", "lending"):
        shipped, before = getattr(policy.numbers, role), getattr(RequestPolicy().numbers, role)
        assert shipped == "{library}-" + before
    assert f'"{policy.numbers.borrowing}"   # default: {RequestPolicy().numbers.borrowing}\n' in TEXT
    assert f'"{policy.numbers.lending}"     # default: {RequestPolicy().numbers.lending}\n' in TEXT


def test_every_key_is_there() -> None:
    assert keys_of(parse_yaml(TEXT, "requests.yml").data) == keys_of_model(RequestPolicy)


def test_it_names_its_schema() -> None:
    assert TEXT.splitlines()[0] == MODELINE
    assert SCHEMA.is_file()


def test_the_schema_is_up_to_date() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == format_policy_schema(), (
        "run: illgate profile schema --of requests -o profiles/requests.schema.json"
    )
    assert json.loads(format_policy_schema()) == build_policy_schema()


def test_the_examples_are_right_and_show_every_kind_of_entry() -> None:
    policy = validate_section(RequestPolicy, YamlDocument("requests.yml", with_examples()))

    assert policy.campuses == {"north": ("SCI", "ENG")}
    assert policy.intake.open_requests.categories == {"undergraduate": 10}
    assert policy.intake.mediation[0].then is Mediation.STRAIGHT_THROUGH
    assert list(policy.numbers.branches) == ["SCI"]
    assert list(policy.numbers.partners) == ["nordviken"]
    assert [line.name for line in policy.rotas["quick"].lines] == [
        "valley",
        "union",
        "nordviken",
        "national-library",
    ]
    assert policy.rules[0].rota in policy.rotas
    assert policy.calendar.closed[0].note == "winter holidays"
    assert [line.count for line in policy.statistics.surveys["national"].lines] == ["filled", "unfilled"]


def test_every_key_of_a_rota_is_shown() -> None:
    data: Any = with_examples()
    rota = data["rotas"]["quick"]

    assert set(rota) == set(RotaTemplate.model_fields) - {"ranking"}
    assert {key for line in rota["lines"] for key in line} == {
        field.alias or name for name, field in TemplateLine.model_fields.items()
    }


def test_a_new_installation_has_it(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["init", "--empty", str(tmp_path / "new")])

    assert done.exit_code == 0, done.output
    assert (tmp_path / "new" / "requests.yml").read_text(encoding="utf-8") == TEXT
    assert (tmp_path / "new" / "profiles" / SCHEMA.name).is_file()
    assert "requests.yml" in done.output
