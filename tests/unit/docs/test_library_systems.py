"""docs/library-systems says what each kind of library system can do and how it is set up, as the code has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from adapters.library.alma import WAYS as ALMA_WAYS
from adapters.library.alma.options import AlmaOptions
from adapters.library.koha.abilities import CALLS
from adapters.library.koha.options import KohaOptions
from adapters.library.sip2.options import PickupOptions, Sip2Options
from adapters.library.sip2.system import ABILITIES
from gateway.configuration.yaml_document import parse_yaml
from gateway.ports.library_system import Capability
from tests.support.capability_table import ADAPTERS, render_table
from tests.support.paths import ROOT

PAGES = ROOT / "docs" / "library-systems"
KNOWN_CAPABILITIES: Mapping[str, Iterable[Capability]] = {"sip2": ABILITIES, "koha": CALLS, "alma": ALMA_WAYS}


def read_examples(name: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (PAGES / name).read_text("utf-8"), flags=re.DOTALL)


def list_keys(model: BaseModel, prefix: str = "") -> dict[str, Any]:
    """Dotted keys and their values, sections included."""
    found: dict[str, Any] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found |= list_keys(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def flatten(data: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in data.items():
        found |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}"}
    return found


def test_the_table_is_that_of_the_adapters() -> None:
    assert render_table() in (PAGES / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", KNOWN_CAPABILITIES)
def test_a_kind_says_how_it_does_each_thing_that_it_can_do(name: str) -> None:
    kind = next(adapter for adapter in ADAPTERS if adapter.name == name)
    assert set(kind.ways) == set(KNOWN_CAPABILITIES[name])


def test_each_kind_has_a_guide() -> None:
    page = (PAGES / "README.md").read_text("utf-8")
    for adapter in ADAPTERS:
        assert f"| `{adapter.name}` |" in page


def test_the_page_on_sip2_has_every_key_with_its_default_and_a_comment() -> None:
    whole, pickup, reasons = read_examples("sip2.md")
    document: dict[str, Any] = dict(parse_yaml(whole, "sip2.md").data)
    written = dict(document["system"])
    assert written.pop("type") == "sip2"
    options = Sip2Options.model_validate(written)

    assert list_keys(options) == {**list_keys(Sip2Options(host="x")), "host": options.host}
    assert flatten(written) == set(list_keys(options))
    (one,) = parse_yaml(pickup, "sip2.md").data["pickups"]
    assert set(one) == set(PickupOptions.model_fields)
    assert Sip2Options.model_validate({"host": "x", "pickups": [one], **parse_yaml(reasons, "sip2.md").data}).reasons
    check_comments((*whole.splitlines()[2:], *pickup.splitlines()[1:]))


def check_comments(lines: Iterable[str]) -> None:
    for line in lines:
        assert "# " in line or line.rstrip().endswith(("login:", "seconds:", "breaker:")), f"no comment: {line}"


def test_the_page_on_koha_has_every_key_with_its_default_and_a_comment() -> None:
    whole, reasons = read_examples("koha.md")
    written = dict(parse_yaml(whole, "koha.md").data["system"])
    assert written.pop("type") == "koha"
    options = KohaOptions.model_validate(written)
    sign_in = {f"sign_in.{key}": value for key, value in options.sign_in.model_dump().items()}

    plain = KohaOptions(url="https://x/api/v1", sign_in=options.sign_in)
    assert list_keys(options) == {**list_keys(plain), **sign_in, "url": options.url}
    assert flatten(written) == set(list_keys(options))
    assert KohaOptions.model_validate({**written, **parse_yaml(reasons, "koha.md").data}).reasons
    check_comments(whole.splitlines()[2:])


def test_the_page_on_alma_has_every_key_with_its_default_and_a_comment() -> None:
    whole, reasons = read_examples("alma.md")
    written = dict(parse_yaml(whole, "alma.md").data["system"])
    assert written.pop("type") == "alma"
    options = AlmaOptions.model_validate(written)

    plain = AlmaOptions(url=options.url, api_key=options.api_key, library=options.library)
    assert list_keys(options) == list_keys(plain)
    assert flatten(written) == set(list_keys(options))
    assert AlmaOptions.model_validate({**written, **parse_yaml(reasons, "alma.md").data}).reasons
    check_comments(whole.splitlines()[2:])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "api-eu.hosted.exlibrisgroup.com"}, "String should match pattern"),
        ({"api_key": "l8xx"}, "must be env:NAME or file:PATH"),
        ({"calls_per_second": 26}, "less than or equal to 25"),
        ({"library": ""}, "at least 1 character"),
        ({"url": "http://x/almaws/v1", "ca": "ca.pem"}, "ca and certificate are for https"),
    ],
)
def test_a_wrong_setting_of_alma_is_said(wrong: dict[str, Any], said: str) -> None:
    right = {"url": "https://x/almaws/v1", "api_key": "env:X", "library": "RS"}
    with pytest.raises(ValidationError, match=re.escape(said)):
        AlmaOptions.model_validate({**right, **wrong})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "koha.library.example"}, "String should match pattern"),
        ({"sign_in": {"client_id": "x"}}, "client_id and client_secret go together"),
        ({"sign_in": {}}, "either client_id or user must be there"),
        ({"confirmed": ["RESERVED"]}, "RESERVED can't be confirmed"),
        ({"url": "http://x/api/v1", "ca": "ca.pem"}, "ca and certificate are for https"),
        ({"breaker": {"failures": 0}}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_of_koha_is_said(wrong: dict[str, Any], said: str) -> None:
    right = {"url": "https://x/api/v1", "sign_in": {"user": "x", "password": "env:X"}}
    with pytest.raises(ValidationError, match=re.escape(said)):
        KohaOptions.model_validate({**right, **wrong})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"host": ""}, "at least 1 character"),
        ({"port": 70_000}, "less than or equal to 65535"),
        ({"charset": "klingon"}, "Python knows no such character set"),
        ({"charset": "utf-16"}, "ASCII must be a part of it"),
        ({"login": {"user": "t"}}, "user and password go together"),
        ({"login": {"user": "t", "password": "secret"}}, "must be env:NAME or file:PATH"),
        ({"ca": "ca.pem"}, "ca and certificate are for security: tls"),
        ({"pickups": [{"code": "A"}, {"code": "A"}]}, "a pickup code stands twice"),
        ({"reasons": {"x": "no-such-reason"}}, "Input should be"),
        ({"fields": {"borrower": "too long"}}, "String should match pattern"),
        ({"sessions": "one-message", "login": {"user": "t", "password": "env:T"}}, "one-message leaves no time"),
        ({"hosts": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_said(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(said)):
        Sip2Options.model_validate({"host": "ils.library.example", **wrong})
