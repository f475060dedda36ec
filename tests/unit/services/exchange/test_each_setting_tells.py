"""Keys of a profile that no story tries: with another value than the default, somebody else is let in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.profile import Profile
from gateway.ports.responder import ClientCertificate
from tests.unit.services.exchange.support import PATRON, House

FJORD = {"kind": "certificate", "user": "Fjord", "fingerprint": "ab" * 32}
BY_KEY = {"kind": "query-key", "secret": "env:ILL_KEY", "parameter": "key"}


@pytest.mark.parametrize(
    ("settings", "wrong", "right"),
    [
        (
            {"auth": [FJORD]},
            {"certificate": ClientCertificate("Fjord", fingerprint="cd" * 32)},
            {"certificate": ClientCertificate("Fjord", fingerprint="ab" * 32)},
        ),
        ({"auth": [BY_KEY]}, {"query": {"apikey": "s3cret"}}, {"query": {"key": "s3cret"}}),
        ({"max_bytes": 1_000}, {"body": b" " * 1_000}, {}),
    ],
)
async def test_what_is_let_in(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, Any],
    wrong: dict[str, Any],
    right: dict[str, Any],
) -> None:
    monkeypatch.setenv("ILL_KEY", "s3cret")
    own = house.profiles["ncip2"]
    house.profiles["ncip2"] = own.model_copy(
        update={name: getattr(Profile.model_validate({"name": "x", **settings}), name) for name in settings}
    )
    message = house.message("lookup-user", patron=PATRON)
    answers = [
        await house.exchange.handle(replace(message, **{**shown, "body": message.body + shown.get("body", b"")}))
        for shown in (wrong, right)
    ]

    assert [b"UserIdentifierValue" in answer.body for answer in answers] == [False, True]
