"""Refused access leaves a trace: a figure for the alarm, and lines with the address, thinned."""

from __future__ import annotations

import re

import structlog

from gateway.services.people.api_keys import KeyScope
from tests.protocol.pages.support import running, visitor
from tests.support.daemon import Installation

SECRET = "ilg_aaaaaaaa_" + "A" * 43


def read_figures(page: str) -> dict[tuple[str, str], float]:
    found = re.findall(r'^illgate_access_refused_total\{place="([^"]+)",reason="([^"]+)"\} (\S+)$', page, re.MULTILINE)
    return {(place, reason): float(number) for place, reason, number in found}


async def test_whoever_is_refused_is_counted_and_named_by_address(installation: Installation) -> None:
    async with running(installation, pages={"tries": 2}) as gateway, visitor(gateway) as anna:
        keys = gateway.gateway.managed.libraries["DEMO"].keys
        narrow = (await keys.create_key("portal", [KeyScope.PATRON])).key
        with structlog.testing.capture_logs() as logs:
            await anna.get("/api/v1/requests")
            await anna.get("/api/v1/requests", Authorization=f"Bearer {SECRET}")
            await anna.get("/api/v1/requests", Authorization=f"Bearer {narrow}")
            for _ in range(3):
                await anna.sign_in(password="0000")
            await anna.post("/staff/sign-in", {"user": "mona", "password": "hunter2"})
            await anna.get("/q/no-such-link")
            await anna.get("/d/no-such-link")
            for allowed in ("/openurl/DEMO", "/api/v1/docs", "/openurl/NOBODY", "/nothing"):
                await anna.get(allowed)
        figures = read_figures((await anna.get("/metrics")).text)

    assert figures == {
        ("api", "key"): 2,
        ("api", "forbidden"): 1,
        ("pages", "sign-in"): 2,
        ("pages", "too-often"): 1,
        ("staff", "sign-in"): 1,
        ("links", "link"): 2,
    }
    lines = [one for one in logs if one["event"] == "access.refused"]
    assert len(lines) == sum(figures.values())
    assert {one["peer"] for one in lines} == {"127.0.0.1"}
    assert {one["log_level"] for one in lines} == {"warning"}
    said = repr(logs)
    assert not any(one in said for one in (SECRET, narrow, "hunter2", "0000", "no-such-link", "mona"))


async def test_the_address_is_that_in_front_of_our_proxies(installation: Installation) -> None:
    http = {"port": 0, "trusted_proxies": ["127.0.0.1"]}
    async with running(installation, http=http) as gateway, visitor(gateway, X_Forwarded_For="192.0.2.66") as anna:
        with structlog.testing.capture_logs() as logs:
            await anna.get("/api/v1/requests")
    assert [one["peer"] for one in logs if one["event"] == "access.refused"] == ["192.0.2.66"]
