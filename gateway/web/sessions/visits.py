"""Browsers told apart by a cookie, and the tokens that show that a form is ours.

The cookie holds 256 random bits. What the server keeps of it is its SHA-256; the token of forms is made from it too, so
that only pages of ours, which see the cookie, can hold it (OWASP: HMAC-based double submit).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from aiohttp import hdrs, web

from gateway.domain.frozen import frozen
from gateway.web.senders import TrustedProxies

NAME = "illgate_visit"
HOST_NAME = f"__Host-{NAME}"
"""By https: browsers take it from this host alone, for all of it, and by https."""

LANGUAGE = "illgate_language"
FORWARDED_PROTO = "X-Forwarded-Proto"
YEAR = 365 * 24 * 3600

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@frozen
class Visit:
    """`token`: what is in the cookie; `is_new`: the browser hasn't got it yet."""

    token: str
    is_new: bool
    secure: bool

    @property
    def id(self) -> str:
        return hashed(self.token)

    @property
    def csrf(self) -> str:
        return hmac.new(self.token.encode(), b"illgate form", hashlib.sha256).hexdigest()

    def sent(self, csrf: str) -> bool:
        """Whether a form with this token came from a page of this visit."""
        return not self.is_new and hmac.compare_digest(csrf.encode(), self.csrf.encode())


class Visits:
    """`public_url`: where the pages are reached from outside. `proxies`: whose X-Forwarded-Proto is believed.
    `embedded`: other sites show the pages in a frame, where browsers send only cookies that say so."""

    def __init__(self, public_url: str, proxies: TrustedProxies, embedded: bool) -> None:
        self._public_https = public_url.startswith("https://")
        self._proxies = proxies
        self._embedded = embedded

    def of(self, request: web.Request) -> Visit:
        secure = self.is_https(request)
        token = request.cookies.get(HOST_NAME if secure else NAME, "")
        if _TOKEN.fullmatch(token):
            return Visit(token, False, secure)
        return self.new(secure)

    def new(self, secure: bool) -> Visit:
        return Visit(secrets.token_urlsafe(32), True, secure)

    def is_https(self, request: web.Request) -> bool:
        if request.secure or self._public_https:
            return True
        return self._proxies.trusts(request.remote or "") and request.headers.get(FORWARDED_PROTO) == "https"

    def keep(self, response: web.StreamResponse, visit: Visit) -> None:
        """Until the browser is closed."""
        self._set(response, HOST_NAME if visit.secure else NAME, visit.token, visit.secure)

    def keep_language(self, response: web.StreamResponse, language: str, secure: bool) -> None:
        self._set(response, LANGUAGE, language, secure, f"Max-Age={YEAR}")

    def _set(self, response: web.StreamResponse, name: str, value: str, secure: bool, *more: str) -> None:
        """Written here since Python before 3.14 knows no Partitioned, without which browsers keep nothing for a page in
        a frame. Name and value are letters and digits. SameSite=None is taken by https only."""
        framed = self._embedded and secure
        attributes = ["Path=/", "HttpOnly", *more, f"SameSite={'None' if framed else 'Lax'}"]
        attributes += ["Secure"] if secure else []
        attributes += ["Partitioned"] if framed else []
        response.headers.add(hdrs.SET_COOKIE, "; ".join((f"{name}={value}", *attributes)))


def preferred_languages(request: web.Request) -> tuple[str, ...]:
    """Of Accept-Language, best first; what can't be read is left out."""
    found: list[tuple[float, str]] = []
    for part in request.headers.get(hdrs.ACCEPT_LANGUAGE, "").split(",")[:20]:
        code, _, weight = part.partition(";q=")
        try:
            found.append((-float(weight) if weight else -1.0, code.strip().lower()))
        except ValueError:
            continue
    found.sort(key=lambda one: one[0])
    return tuple(code for weight, code in found if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code) and weight < 0)
