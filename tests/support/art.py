"""A library that orders from a service by ARTEmail, several orders in one mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from gateway.domain.requests.request import Request
from tests.support.mail_house import MailHouse, mail

NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
"""A Monday; noon in the library's zone."""

ART = "art"
SERVICE = "replies@art.example"
PASSWORD = "SESAM-0PEN-7"


def art(gather: Mapping[str, Any] | None, **artemail: Any) -> dict[str, Any]:
    """Profile of the service."""
    section = {
        "customers": [{"code": "99-9999", "password": PASSWORD_AT}],
        "delivery": {"file": "none"},
        **artemail,
    }
    return {
        "extends": "bldss",
        "abstract": False,
        "partner": {
            "symbols": ["LOCAL:ART"],
            "email": "orders@art.example",
            "owns": "everything",
            "mail": {"addresses": ["@art.example"], **({"gather": dict(gather)} if gather else {})},
        },
        "artemail": section,
    }


PASSWORD_AT = "file:art-password"
ONLY_ART: Mapping[str, Any] = {
    "rotas": {"art": {"lines": [{"partner": ART}]}},
    "default_rota": ART,
    "intake": {"duplicates": {"action": "allow"}},
}


def answer(text: str, subject: str = "Your requests", **headers: str) -> bytes:
    """A mail of the service."""
    return mail(text, sender=SERVICE, Subject=subject, **headers)


def orders_in(sent: EmailMessage) -> list[str]:
    """Numbers of the requests in a file, in their order."""
    body = sent.get_body(("plain",))
    assert body is not None
    lines = str(body.get_content()).splitlines()
    return [line.split()[0].removeprefix("TX") for line in lines if line.startswith("TX")]


def file_number(sent: EmailMessage) -> str:
    return str(sent["Subject"]).removeprefix("FILEREFNO ")


async def number_of(house: MailHouse, request: Request) -> str:
    """By which the service knows it."""
    return (await house.show(request)).request.attempts[0].transaction
