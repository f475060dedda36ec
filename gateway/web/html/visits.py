"""Visits of browsers: the cookie that names one, and the tokens of forms that are made from it; and the cookie by which
a browser is known on which an account was signed in before.

The cookie holds 256 random bits. What the server keeps of it is its SHA-256; the token of forms is made from it too, so
that only pages of ours, which see the cookie, can hold it (OWASP: HMAC-based double submit). Browsers also say which
site a form comes from (`is_foreign_form`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from aiohttp import hdrs, web

from gateway.domain.value import value_object
from gateway.services.people.sign_in_attempts import BrowserDevice
from gateway.web.common_headers import is_https
from gateway.web.trusted_proxies import TrustedProxies

LANGUAGE = "illgate_language"
YEAR = 365 * 24 * 3600

SEPARATOR = "~"
"""Between the tokens of a device."""

MAX_DEVICE_CHARS = 1_000

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def hash_token(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@value_object
class BrowserVisit:
    """`token`: what is in the cookie; `is_new`: the browser hasn't got it yet."""

    token: str
    is_new: bool
    secure: bool

    @property
    def id(self) -> str:
        return hash_token(self.token)

    @property
    def csrf(self) -> str:
        return hmac.new(self.token.encode(), b"illgate form", hashlib.sha256).hexdigest()

    def is_own_token(self, csrf: str) -> bool:
        """Return whether a form with this token came from a page of this visit."""
        return not self.is_new and hmac.compare_digest(csrf.encode(), self.csrf.encode())


class BrowserVisits:
    """`name`: of the cookie. `public_url`: where the pages are reached from outside. `proxies`: whose
    X-Forwarded-Proto is believed. `embedded`: other sites show the pages in a frame, where browsers send only cookies
    that say so."""

    def __init__(self, name: str, public_url: str, proxies: TrustedProxies, embedded: bool) -> None:
        self._name = name
        self._public_https = public_url.startswith("https://")
        self._public_host = public_url.partition("://")[2].partition("/")[0].lower()
        self._proxies = proxies
        self._embedded = embedded

    def visit_of_request(self, request: web.Request) -> BrowserVisit:
        secure = self.is_https(request)
        token = request.cookies.get(self._cookie_name(secure), "")
        if _TOKEN.fullmatch(token):
            return BrowserVisit(token, False, secure)
        return self.new_visit(secure)

    def new_visit(self, secure: bool) -> BrowserVisit:
        return BrowserVisit(secrets.token_urlsafe(32), True, secure)

    def is_https(self, request: web.Request) -> bool:
        return self._public_https or is_https(request, self._proxies)

    def is_foreign_form(self, request: web.Request) -> bool:
        """Return whether a page of another site sends it: as Sec-Fetch-Site says (Fetch Metadata), or as Origin does
        (RFC 6454) where a browser doesn't say that, such as over plain HTTP. Our pages give no referrer, and then
        Origin is `null` for their own forms too; such a form is known by its token alone."""
        if request.method != "POST":
            return False
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            return site not in ("same-origin", "none")
        origin = request.headers.get(hdrs.ORIGIN, "null")
        host = origin.partition("://")[2].lower()
        ours = request.host.lower()
        is_ours = host in (ours, self._public_host) or host.rpartition(":")[0] == ours  # proxies leave the port out
        return origin != "null" and not (host and is_ours)

    def set_visit_cookie(
        self, request: web.Request, response: web.StreamResponse, arrived: BrowserVisit, visit: BrowserVisit
    ) -> None:
        """Set the cookie where the browser hasn't got it yet, until it is closed. `arrived`: the visit as the request
        named it.

        A form that comes without a cookie gets none: browsers leave it out of what other sites send, and a new one
        would take the place of that of whoever is signed in.
        """
        if visit.is_new and (visit is not arrived or request.method != "POST"):
            self._set_cookie(response, self._cookie_name(visit.secure), visit.token, visit.secure)

    def device_of_request(self, request: web.Request) -> BrowserDevice:
        """See `services.sign_in_attempts`."""
        cookie = request.cookies.get(self._device_name(self.is_https(request)), "")
        return BrowserDevice(cookie.split(SEPARATOR) if len(cookie) <= MAX_DEVICE_CHARS else ())

    def set_device_cookie(self, response: web.StreamResponse, device: BrowserDevice, secure: bool) -> None:
        value = SEPARATOR.join(device.tokens)
        self._set_cookie(response, self._device_name(secure), value, secure, f"Max-Age={YEAR}")

    def set_language_cookie(self, response: web.StreamResponse, language: str, secure: bool) -> None:
        self._set_cookie(response, LANGUAGE, language, secure, f"Max-Age={YEAR}")

    def _device_name(self, secure: bool) -> str:
        return f"{self._cookie_name(secure)}_device"

    def _cookie_name(self, secure: bool) -> str:
        """Return the cookie's name: by https, browsers take it from this host alone, for all of it, and by https."""
        return f"__Host-{self._name}" if secure else self._name

    def _set_cookie(self, response: web.StreamResponse, name: str, value: str, secure: bool, *more: str) -> None:
        """Set a cookie; written here since Python before 3.14 knows no Partitioned, without which browsers keep nothing
        for a page in a frame. Name and value need no quotes. SameSite=None is taken by https only."""
        framed = self._embedded and secure
        attributes = ["Path=/", "HttpOnly", *more, f"SameSite={'None' if framed else 'Lax'}"]
        attributes += ["Secure"] if secure else []
        attributes += ["Partitioned"] if framed else []
        response.headers.add(hdrs.SET_COOKIE, "; ".join((f"{name}={value}", *attributes)))


def preferred_languages(request: web.Request) -> tuple[str, ...]:
    """List the languages of Accept-Language, best first; what can't be read is left out."""
    weighted: list[tuple[float, str]] = []
    for part in request.headers.get(hdrs.ACCEPT_LANGUAGE, "").split(",")[:20]:
        code, _, weight = part.partition(";q=")
        try:
            weighted.append((-float(weight) if weight else -1.0, code.strip().lower()))
        except ValueError:
            continue
    weighted.sort(key=lambda pair: pair[0])
    return tuple(code for weight, code in weighted if re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", code) and weight < 0)
