"""A file in which somebody has written a secret is known, however YAML lets it be written."""

import typing
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from gateway.adapter_registry import load_adapters
from gateway.configuration.written_secrets import has_written_secret, is_secret_path
from gateway.domain.profile import Profile
from gateway.domain.secret_reference import SecretReference
from gateway.profiles.shipped import find_shipped_folder

IS_SECRET = typing.get_args(SecretReference)[1]


@pytest.mark.parametrize(
    "written",
    [
        "auth:\n  - secret: hunter2 # why not\n    user: ill\n",
        "secret: |\n  hunter2\n\n  Кот\nname: x\n",
        "secret:\n  hunter2\n  Кот\n",
        'secret: "hun\n  ter2" # new\n',
        "? secret\n: hunter2\n",
        '"secret" : hunter2\n',
        "\ufeff# 🗝\nsecret: hunter2\r\nurl: x\r\n",
        "{api_key: hunter2, url: https://ill.example}\n",
        "account: {id: ill, code: '4711'}\n",
        "account:\n  code: 4711\n",
        "account:\n  id: ill\n  # code: '4711'\n",
        "account:\n  code:4711\n",
        "encryption_keys:\n  - hunter2\n  - env:NEW\n",
        "secret: {value: hunter2}\n",
        "x: &once hunter2\nsecret: *once\n",
        "x:\n- password:hunter2\n",
        "# secret: hunter2\nname: x\n",
        "name: x # token: 'Кот'\n",
        "url: https://user:s3same@ill.example/x\n",
        'url: "https:\\/\\/user:s3same@ill.example/x"\n',
        "name: x  # was https://user:s3same@ill.example/x\n",
        # no YAML
        "match: [\nsecret: |\n  hunter2\n",
        'secret: "hunter2\nname: x\n',
        "account:\n\t code: 4711\n",
        "name: \x00\nsecret:hunter2\nurl: x\n",
        "secret: [" + "*a, " * 20_000 + "]\nx: &a hunter2\n",
    ],
)
def test_a_written_secret_is_seen(written: str) -> None:
    assert has_written_secret(written)


@pytest.mark.parametrize(
    "written",
    [
        "secret: env:PARTNER\npassword: 'file:/run/secrets/ill' # as before\n",
        "# password: env:PARTNER\nauth: [\n",
        "secret: ''\npassword:\nsecret_required: true\nmax_open: 5\nkeep_open: true\n",
        "replies:\n  codes:\n    - code: NFD\ncustomer: {code: 99-9999, password: env:BL}\n",
        "description: |\n  The key: ask for it.\n  password: that of the desk\n",
        "replies: # of an account\n  # code: NFD\n  - code:NFD\n",
        "url: https://ill.example:8443/a@b\n",
        "",
    ],
)
def test_what_is_no_secret_may_be_shown(written: str) -> None:
    assert not has_written_secret(written)


def test_no_shipped_profile_has_one() -> None:
    files = sorted((find_shipped_folder() / "profiles").rglob("*.yml"))

    assert files
    assert [file.name for file in files if has_written_secret(file.read_text(encoding="utf-8"))] == []


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
