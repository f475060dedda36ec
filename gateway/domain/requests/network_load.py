"""A member of our network: another gateway that says how many requests it has open with each supplier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.secret_reference import SecretReference, UrlWithoutSecret
from gateway.domain.value import value_object

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def _check_gateway_url(text: str) -> str:
    """Check the URL of a gateway, and drop a slash at its end. A key is not sent over an open connection."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ValueError("not an address such as https://ill.example") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or parts.username:
        raise ValueError("not an address such as https://ill.example")
    if parts.scheme == "http" and host not in _THIS_MACHINE:
        raise ValueError("a key is not sent over an open connection: it must begin with https://")
    return text.rstrip("/")


class NetworkMember(ProfileSection):
    url: Annotated[UrlWithoutSecret, AfterValidator(_check_gateway_url)] = Field(
        description="where its gateway is, without /api: https://ill.example"
    )
    key: SecretReference = Field(
        min_length=1, description="API key that it has made for us, with the scope network:read: env:NAME or file:PATH"
    )


@value_object(kw_only=True)
class LoadReport:
    """The answer of a member that was asked. `member`: profile; `library`: the symbol that it gives itself; `at`: when
    it came (our clock, aware UTC); `open`: requests open with each supplier, by its symbol without case."""

    member: str
    library: str
    at: datetime
    open: Mapping[str, int]


@value_object
class ReportedLoad:
    """The load of one supplier: requests that members have open with it, and how many members said so."""

    open: int = 0
    members: int = 0


@value_object
class MemberContact:
    """A member's last answer, and why it didn't answer when it was asked last (empty: it did, or nobody has asked)."""

    at: datetime | None = None
    silent: str = ""


NOTHING = ReportedLoad()


def sum_reported_load(
    reports: Iterable[LoadReport], symbols: Iterable[str], us: str, now: datetime, age: timedelta
) -> ReportedLoad:
    """Sum the load of the supplier with these symbols. What is older than `age` doesn't count, nor what a member says
    that is ourselves (`us`) or the supplier; of two members with one symbol the newest counts."""
    wanted = {symbol.casefold() for symbol in symbols}
    by_library: dict[str, LoadReport] = {}
    for load_report in sorted(reports, key=lambda report: report.at):
        if now - load_report.at <= age:
            by_library[load_report.library.casefold()] = load_report
    counts = [
        max((load_report.open.get(symbol, 0) for symbol in wanted), default=0)
        for library, load_report in by_library.items()
        if library != us.casefold() and library not in wanted
    ]
    loads = [count for count in counts if count]
    return ReportedLoad(sum(loads), len(loads))
