"""A file is shown without the secrets that somebody wrote into it, however YAML lets them be written."""

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from gateway.adapter_registry import load_adapters
from gateway.configuration.written_secrets import conceal_written_secrets, is_secret_path, split_at_secrets
from gateway.domain.profile import Profile
from gateway.domain.secret_reference import SecretReference

IS_SECRET = typing.get_args(SecretReference)[1]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("auth:\n  - secret: hunter2 # why not\n    user: ill\n", "auth:\n  - secret: ********\n    user: ill\n"),
        ("secret: |\n  hunter2\n\n  Кот\nname: x\n", "secret: ********\n  ********\n\n  ********\nname: x\n"),
        ("secret: >-\n    hunter2\n\n# the end\n", "secret: ********\n    ********\n\n# the end\n"),
        ("secret:\n  hunter2\n  Кот\n", "secret:\n  ********\n  ********\n"),
        ('secret: "hun\n  ter2" # new\n', "secret: ********\n  ******** # new\n"),
        ("secret: 'it''s'\n", "secret: ********\n"),
        ("? secret\n: hunter2\n", "? secret\n: ********\n"),
        ('"secret" : hunter2\n', '"secret" : ********\n'),
        ("\ufeff# 🗝\nsecret: hunter2\r\nurl: x\r\n", "# 🗝\nsecret: ********\r\nurl: x\r\n"),
        ("{api_key: hunter2, url: https://ill.example}\n", "{api_key: ********\n"),
        ('{api_key: "hunter2", url: x} # new\n', "{api_key: ********, url: x} # new\n"),
        ("account: {id: ill, code: '4711'}\n", "account: {id: ill, code: ********}\n"),
        ("account:\n  code: |-\n    4711\n", "account:\n  code: ********\n    ********\n"),
        ("encryption_keys:\n  - hunter2\n  - env:NEW\n", "encryption_keys:\n  - ********\n  - env:NEW\n"),
        ("secret: {value: hunter2}\n", "secret: {value: ********\n"),
        ("x: &once hunter2\nsecret: *once\n", "x: ********\nsecret: *once\n"),
        ("x: &both [hunter2, Кот]\nsecret: *both\n", "x: &both [********\nsecret: *both\n"),
        ("- password:hunter2\n", "- ********\n"),
        ("# secret: hunter2\nname: x # token: 'Кот'\n", "# secret: ********\nname: x # token: ********\n"),
    ],
)
def test_a_written_secret_is_not_shown(written: str, shown: str) -> None:
    assert conceal_written_secrets(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "secret: env:PARTNER\npassword: 'file:/run/secrets/ill' # as before\n",
        "secret: ''\npassword:\nsecret_required: true\nmax_open: 5\nkeep_open: true\n",
        "replies:\n  codes:\n    - code: NFD\ncustomer: {code: 99-9999, password: env:BL}\n",
        "description: |\n  The key: ask for it.\n  password: that of the desk\n",
    ],
)
def test_what_is_no_secret_is_shown(written: str) -> None:
    assert conceal_written_secrets(written) == written


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (
            "match: [\nsecret: |\n  hunter2\n  Кот\nname: x\n",
            "match: [\nsecret: ********\n  ********\n  ********\nname: x\n",
        ),
        ('secret: "hunter2\nname: x\n', "secret: ********\nname: x\n"),
        ("secret: [hunter2,\n  Кот,\n  {{\n", "secret: ********\n  ********\n  ********\n"),
        ("secret: hunter2: x\n", "secret: ********\n"),
        ("account:\n\t code: 4711\n", "account:\n\t code: ********\n"),
        ("name: \x00\nsecret:hunter2\nurl: x\n", "name: \x00\nsecret:********\nurl: x\n"),
    ],
)
def test_nor_is_one_in_a_file_that_is_no_yaml(written: str, shown: str) -> None:
    assert conceal_written_secrets(written) == shown


def test_a_secret_that_is_named_often_is_concealed_once() -> None:
    """Each of 20,000 names stands for all of 20,000 values: 400 million of them don't fit into any machine."""
    values, names = "x, " * 20_000, "*a, " * 20_000
    shown = conceal_written_secrets(f"list: &a [{values}]\nsecret: [{names}]\nother: &b [y]\npin: *b\n")

    assert shown.count("x") == 0
    assert "y" not in shown
    assert len(split_at_secrets(f"list: &a [{values}]\nsecret: [{names}]\n")) < 50_000


def test_all_secrets_of_profiles_have_keys_that_are_known() -> None:
    sections = {"profile": Profile, **load_adapters().sections}
    paths = {(section, *path) for section, model in sections.items() for path in find_secrets(model)}

    assert ("iso18626", "account", "code") in paths
    assert [path for path in sorted(paths) if not is_secret_path(path)] == []


def find_secrets(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        if IS_SECRET in field.metadata:
            yield (name,)
        yield from ((name, *path) for found in find_types(field.annotation) for path in find_secrets_within(found))


def find_secrets_within(found: object) -> Iterator[tuple[str, ...]]:
    if found is IS_SECRET:
        yield ()
    elif isinstance(found, type) and issubclass(found, BaseModel):
        yield from find_secrets(found)


def find_types(annotation: object) -> Iterator[object]:
    """It and all that stand in it."""
    yield annotation
    for one in typing.get_args(annotation):
        yield from find_types(one)
