"""docs/library-systems/paired.md, and what is said of wrong settings of a pair, by file and line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.library.paired.options import TASKS, PairedOptions, PairedTask
from gateway.cli.installation import Installation
from gateway.domain.problems import ConfigurationError
from gateway.ports.adapter import NestedSystem
from gateway.ports.library_system import Capability
from tests.unit.docs.test_library_systems import PAGES, read_examples

KOHA, SIP2, WHOLE = read_examples("paired.md")


def load_options(folder: Path, text: str) -> Any:
    (folder / "gateway.yml").write_text(f"libraries:\n- symbol: LIB\n{indent(text)}", encoding="utf-8")
    return Installation(folder / "gateway.yml").settings.find_library("LIB").system.options


def indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def test_the_page_lists_the_tasks() -> None:
    page = (PAGES / "paired.md").read_text("utf-8")
    assert re.findall(r"^\| `([\w-]+)` \|", page, flags=re.MULTILINE) == list(PairedTask)


def test_every_capability_but_those_about_patrons_belongs_to_a_task() -> None:
    assert set(Capability) - set(TASKS) == {
        Capability.PATRON_LOOKUP,
        Capability.BLOCKS_DETAILED,
        Capability.CONTACT,
    }


def test_the_page_has_every_key_with_its_default(tmp_path: Path) -> None:
    options = load_options(tmp_path, WHOLE)

    assert isinstance(options, PairedOptions)
    assert set(re.findall(r"^  (\w+):", WHOLE, flags=re.MULTILINE)) == {"type", *PairedOptions.model_fields}
    assert options.second_does == (PairedTask.CHECK_IN,)
    for line in WHOLE.splitlines()[2:]:
        assert "# " in line, f"no comment: {line}"


def test_a_library_with_sip2_alone_borrows_by_an_embedded_one(tmp_path: Path) -> None:
    options = load_options(tmp_path, SIP2)

    assert options.main.type == "sip2"
    assert options.main.options.host == "ils.library.example"
    assert isinstance(options.second, NestedSystem)
    assert options.second.options is not None


def test_koha_takes_items_back_by_sip2(tmp_path: Path) -> None:
    options = load_options(tmp_path, KOHA)

    assert options.data == "shared"
    assert options.second_does == (PairedTask.CHECK_IN,)
    assert options.main.options.url == "https://koha.library.example/api/v1"
    assert options.second.options.login.user == "illgate"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SIP2.replace("host: ils", "hots: ils"), "gateway.yml:10: libraries.0.system.main.hots"),
        (SIP2.replace("type: sip2", "type: sip"), "libraries.0.system.main.type: no such adapter, found 'sip'"),
        (SIP2.replace("apart", "shared"), "with data: shared, something must be done by the second system"),
        (SIP2.replace("data: apart\n", "data: apart\n  second_does: [fees]\n"), "second_does is for data: shared"),
        (WHOLE.replace("[check-in]", "[check-inn]"), "libraries.0.system.second_does.0"),
        (WHOLE.replace('copy_branch: ""', "copy_branch: MAIN"), "are for data: apart"),
        (WHOLE.replace("main: {type: embedded}", "main: {type: paired}"), "a pair in a pair"),
        (WHOLE.replace("main: {type: embedded}", ""), "libraries.0.system.main"),
    ],
)
def test_a_wrong_setting_is_said_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_options(tmp_path, text)
    assert said in str(caught.value)


def test_the_secrets_of_both_are_looked_for(tmp_path: Path) -> None:
    from gateway.services.operation.check.runner import _list_system_secrets

    text = SIP2.replace("host: ils", "login: {user: t, password: env:TERMINAL}\n    host: ils")
    installation_options = load_options(tmp_path, text)
    adapters = Installation(tmp_path / "gateway.yml").adapters
    found = _list_system_secrets(adapters, "paired", installation_options)

    assert found["main.login.password"] == "env:TERMINAL"


def test_koha_by_rest_takes_back_by_sip2() -> None:
    assert "second_does: [check-in]" in KOHA
