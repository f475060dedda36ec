"""Refused access to pages, API and links: counted, and said in the log with the address that it came from.

Seen from the answer, wherever it was made, so that no page has to think of it. Messages of partners are no matter of
this: the journal has each that was refused, and `illgate_messages_total` counts them. Lines are thinned as all are.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiohttp import hdrs, web

from gateway.web.common_headers import ResponseSignal
from gateway.web.trusted_proxies import TrustedProxies

log = structlog.get_logger(component="http")

PLACES = {"api": "api", "staff": "staff", "openurl": "pages", "d": "links", "q": "links"}
"""By the first part of a path: what is asked for there."""

SIGN_IN = "sign-in"
SIGN_IN_FORMS = (f"/{SIGN_IN}", f"/{SIGN_IN}/code")
"""How the paths end to which a secret is sent: a password or PIN, a second factor."""

CountRefusal = Callable[[str, str], None]
"""Gets the place and the reason."""


def ignore_refusal(_place: str, _reason: str) -> None:
    """Ignore refusals where nobody counts."""


def find_refusal(place: str, request: web.Request, status: int) -> str:
    """Find why access was refused; empty: it wasn't. A page that asks who somebody is refuses nobody."""
    if request.method == hdrs.METH_POST and request.path.endswith(SIGN_IN_FORMS) and status in (401, 403, 422):
        return SIGN_IN
    match status:
        case 401 if place == "api":
            return "key"
        case 403:
            return "forbidden"
        case 404 | 410 if place == "links":
            return "link"
        case 429:
            return "too-often"
    return ""


def make_refusal_signal(proxies: TrustedProxies, count: CountRefusal) -> ResponseSignal:
    """Make a signal to be called before a response is sent."""

    async def note_refusal(request: web.Request, response: web.StreamResponse) -> None:
        if response.status < 400:
            return
        # `OPTIONS *` and `GET http://host` ask for a path without a slash
        place = PLACES.get(request.path.removeprefix("/").partition("/")[0], "")
        reason = find_refusal(place, request, response.status) if place else ""
        if reason:
            count(place, reason)
            log.warning("access.refused", place=place, reason=reason, peer=proxies.sender_address(request))

    return note_refusal
