"""Sign-in of the gateway to FOLIO: login with expiry, then refresh, on Okapi and Eureka alike.

Both hand out the tokens as cookies and say in the body when they end; a call then carries the access token in the
header X-Okapi-Token (facts/ils-backends.md 1.3).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie

import structlog

from adapters.library.folio.answers import FolioAnswer, Moment, read_answer
from adapters.library.folio.options import FolioOptions
from adapters.library.rest_answer import RestAnswer, RestCall, make_json_call
from adapters.library.rest_authorisation import AccessToken, SendCall, resolve_secret
from gateway.domain.clock import Clock
from gateway.domain.problems import Unavailable
from gateway.domain.sentences import write_sentence

ACCESS_COOKIE = "folioAccessToken"
REFRESH_COOKIE = "folioRefreshToken"
MIN_TOKEN_SECONDS = 60.0
"""A shorter life is a clock that goes wrong, here or there; FOLIO says with 401 when a token has ended."""

log = structlog.get_logger(component="folio")


class _ExpiryAnswer(FolioAnswer):
    access_token_expiration: Moment
    refresh_token_expiration: Moment


class FolioSignIn:
    """`fetch_token` is what `TokenAuthorisation` calls, once for all who wait."""

    def __init__(self, options: FolioOptions, secrets: Callable[[str], str], clock: Clock) -> None:
        self._options = options
        self._secrets = secrets
        self._clock = clock
        self._refresh_token = ""
        self._refresh_ends = datetime.min.replace(tzinfo=UTC)

    async def fetch_token(self, send: SendCall) -> AccessToken:
        """Fetch a token; raises Unavailable: FOLIO is not reached, or doesn't let us in."""
        if self._refresh_token and self._clock.now() < self._refresh_ends:
            call = make_json_call(
                "POST",
                ("authn", "refresh"),
                {},
                headers={**self._tenant, "Cookie": f"{REFRESH_COOKIE}={self._refresh_token}"},
            )
            answer = await send(call)
            if answer.is_success:
                return self._keep_tokens(answer)
            log.info("folio.refresh_refused", status=answer.status)
        return await self._log_in(send)

    async def _log_in(self, send: SendCall) -> AccessToken:
        self._refresh_token = ""
        answer = await send(self.make_login(self._options.login.user))
        if answer.is_success:
            return self._keep_tokens(answer)
        if answer.status in (400, 401, 403, 422):
            raise Unavailable(
                write_sentence(
                    "FOLIO rejected user '%(user)s' of tenant '%(tenant)s': wrong name, password or tenant "
                    "(HTTP %(status)s)",
                    user=self._options.login.user,
                    tenant=self._options.tenant,
                    status=answer.status,
                )
            )
        raise Unavailable(write_sentence("the login to FOLIO failed (HTTP %(status)s)", status=answer.status))

    def make_login(self, user: str) -> RestCall:
        """Make a login; raises Unavailable when the password is not there."""
        password = resolve_secret(self._secrets, self._options.login.password)
        body = {"username": user, "password": password}
        return make_json_call("POST", ("authn", "login-with-expiry"), body, headers=self._tenant)

    @property
    def _tenant(self) -> dict[str, str]:
        return {"X-Okapi-Tenant": self._options.tenant}

    def _keep_tokens(self, answer: RestAnswer) -> AccessToken:
        tokens = read_cookies(answer)
        if ACCESS_COOKIE not in tokens:
            raise Unavailable(
                write_sentence("FOLIO's answer to the login has no cookie %(cookie)s", cookie=ACCESS_COOKIE)
            )
        ends = read_answer(_ExpiryAnswer, answer.value, "login")
        self._refresh_token = tokens.get(REFRESH_COOKIE, "")
        self._refresh_ends = ends.refresh_token_expiration
        seconds = (ends.access_token_expiration - self._clock.now()).total_seconds()
        headers = {**self._tenant, "X-Okapi-Token": tokens[ACCESS_COOKIE]}
        return AccessToken(headers, max(seconds, MIN_TOKEN_SECONDS))


def read_cookies(answer: RestAnswer) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for line in answer.headers.getall("Set-Cookie", []):
        try:
            cookies.update({name: morsel.value for name, morsel in SimpleCookie(line).items()})
        except CookieError as error:
            raise Unavailable(write_sentence("FOLIO's answer to the login has an invalid cookie")) from error
    return cookies
