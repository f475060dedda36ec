"""What may hold a secret by mistake is refused, and shown nowhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from gateway.adapter_registry import load_adapters
from gateway.configuration.model_validation import validate_section
from gateway.configuration.written_secrets import has_written_secret
from gateway.configuration.yaml_document import parse_yaml
from gateway.domain.peer_authentication import TrustedPeer
from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.network_load import NetworkMember
from gateway.settings.identity_provider import IdentityProviderSettings
from gateway.settings.sections import StoreSettings

SECRET = "s3same"
HOST = "ill.example.org"
BAD = (
    f"https://user:{SECRET}@{HOST}/",
    f"https://{SECRET}@{HOST}/",
    f"https://{HOST}/?apikey={SECRET}",
    f"https://{HOST}/?a=1&Access-Token={SECRET}",
    f"https://{HOST}/?clientSecret={SECRET}#x",
    f"https://{HOST}/?dbpassword={SECRET}",
    f"htp://user:{SECRET}@{HOST}",
)


def url_sections() -> list[tuple[type[BaseModel], tuple[str, ...]]]:
    """All settings that are called `url` or end so, in profiles and for library systems."""
    adapters = load_adapters()
    models = [*adapters.sections.values(), *(one.options for one in adapters.libraries.values())]
    found: list[tuple[type[BaseModel], tuple[str, ...]]] = [
        (IdentityProviderSettings, ("issuer",)),
        (TrustedPeer, ("jwks_url",)),
        (NetworkMember, ("url",)),
    ]
    for model in models:
        found += [(model, path) for path in find_urls(model)]
    return found


def find_urls(model: type[BaseModel]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, field in model.model_fields.items():
        if name == "url" or name.endswith("_url"):
            found.append((name,))
        for inner in (field.annotation, *get_args(field.annotation)):  # of `X | None` too
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found += [(name, *path) for path in find_urls(inner)]
    return found


def write_section(path: tuple[str, ...], text: str) -> str:
    return "".join(f"{'  ' * depth}{name}:\n" for depth, name in enumerate(path)).rstrip("\n") + f" '{text}'\n"


def describe_problems(model: type[BaseModel], written: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        validate_section(model, parse_yaml(written, "x.yml"))
    return "\n".join(map(str, refused.value.problems))


@pytest.mark.parametrize(
    ("model", "path"), url_sections(), ids=lambda one: one.__name__ if isinstance(one, type) else ".".join(one)
)
def test_no_url_holds_a_secret(model: type[BaseModel], path: tuple[str, ...]) -> None:
    for url in BAD:
        said = describe_problems(model, write_section(path, url))
        assert SECRET not in said, said
        assert ".".join(path) in said


@pytest.mark.parametrize("query", ["password", "sslpassword", "sslmode=require&passwd"])
def test_nor_does_that_of_the_store(query: str) -> None:
    """Its user stands there."""
    said = describe_problems(StoreSettings, f"url: postgresql://illgate@{HOST}/ill?{query}={SECRET}\n")
    assert SECRET not in said, said


def test_nor_does_a_header_or_a_parameter() -> None:
    sections = load_adapters().sections
    rows: Mapping[str, tuple[str, ...]] = {"iso18626": ("http", "headers"), "sru": ("parameters",)}
    for section, path in rows.items():
        for name in ("Authorization", "X-Api-Key", "Cookie", "x-clientSecret", "access_token"):
            said = describe_problems(sections[section], write_section((*path, name), SECRET))
            assert SECRET not in said, said


def test_what_holds_none_is_taken(tmp_path: Path) -> None:
    sections = load_adapters().sections
    written = (
        "http:\n  url: https://ill.example.org/iso18626?tenant=diku&keyword=x\n"
        "  headers: {X-Okapi-Tenant: diku, Accept-Language: de}\n"
    )
    found = validate_section(sections["iso18626"], parse_yaml(written, "x.yml"))

    assert "https://ill.example.org/iso18626?tenant=diku" in repr(found)


@pytest.mark.parametrize("unit", ["a", "a.", "x://", "x://a:", "x://a:b@", ":"])
def test_a_long_line_is_looked_through_in_time(unit: str) -> None:
    """On a page, while everybody waits."""
    began = time.process_time()
    for before in ("x: 1  # ", "broken: [\n"):
        has_written_secret(f"{before}{unit * (60_000 // len(unit))}\n")
    assert time.process_time() - began < 1
