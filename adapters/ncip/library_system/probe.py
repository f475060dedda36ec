"""`illgate check --live` on a system that answers NCIP, step by step, so that whoever sets it up sees where it
stops."""

from __future__ import annotations

import asyncio
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from yarl import URL

from adapters.ncip.library_system.client import SenderRejectedError
from adapters.ncip.library_system.lookups import NcipDesk
from adapters.ncip.library_system.options import NcipLibraryOptions
from adapters.ncip.library_system.records import BLOCKED, CHARGED, EXPIRED, PatronAnswer
from adapters.ncip.transport import make_tls_context
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_system import PatronKey, ProbeStep
from gateway.ports.partner_simulator import HttpPlace, Place
from gateway.ports.tls import ClientTls

NOBODY = "illgate-check-nobody"
"""A patron's number that no library gives."""


class _StepFailedError(Exception):
    """`key`: of the setting to look at."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


class NcipProbe:
    def __init__(self, options: NcipLibraryOptions, folder: Path, desk: NcipDesk) -> None:
        self._options = options
        self._desk = desk
        self._place: Place = options.make_place(folder, options.seconds.look_up)
        self._steps: list[ProbeStep] = []

    async def try_steps(self) -> tuple[ProbeStep, ...]:
        """Until a step fails that the others need."""
        if not (
            await self._try_step("DNS", self._resolve_host) and await self._try_step("TCP", self._connect_to_server)
        ):
            return tuple(self._steps)
        if self._tls is not None and not await self._try_step("TLS", self._connect_by_tls):
            return tuple(self._steps)
        if await self._try_step("message", self._look_up_nobody):
            if self._options.trial.patron:
                await self._try_step("patron", self._look_up_patron)
                if self._options.patrons.pin_input:
                    await self._try_step("PIN", self._try_wrong_pin)
            if self._options.trial.item:
                await self._try_step("item", self._look_up_item)
        return tuple(self._steps)

    async def _try_step(self, name: str, act: Callable[[], Awaitable[str]]) -> bool:
        begun = time.perf_counter()
        said = problem = key = ""
        try:
            said = await act()
        except _StepFailedError as failed:
            problem, key = str(failed), failed.key
        except (Unavailable, OutcomeUnknown) as failed:
            problem = str(failed)
        except Refused as refused:
            problem = refused.internal or refused.detail
        self._steps.append(ProbeStep(name, time.perf_counter() - begun, said, problem, key))
        return not problem

    # --- the connection ----------------------------------------------------------------------------------

    @property
    def _address(self) -> tuple[str, int]:
        if isinstance(self._place, HttpPlace):
            url = URL(self._place.url)
            return url.host or "", url.port or 0
        return self._place.host, self._place.port

    @property
    def _tls(self) -> ClientTls | None:
        if isinstance(self._place, HttpPlace):
            return self._place.tls if URL(self._place.url).scheme == "https" else None
        return self._place.tls

    @property
    def _address_key(self) -> str:
        return "url" if isinstance(self._place, HttpPlace) else "ncip.tcp.address"

    async def _resolve_host(self) -> str:
        host, port = self._address
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._options.seconds.connect):
                found = await loop.getaddrinfo(host, port)
        except TimeoutError as error:
            raise _StepFailedError(self._address_key, "no answer in time") from error
        except (OSError, UnicodeError) as error:
            raise _StepFailedError(self._address_key, str(error)) from error
        return f"{host} is {', '.join(sorted({str(one[4][0]) for one in found}))}"

    async def _connect_to_server(self) -> str:
        await self._open_connection(None)
        host, port = self._address
        return f"{host}:{port} is reached"

    async def _connect_by_tls(self) -> str:
        try:
            await self._open_connection(make_tls_context(self._tls or ClientTls()))
        except Unavailable as unusable:
            raise _StepFailedError("ca", str(unusable)) from unusable
        return "the certificate is right"

    async def _open_connection(self, tls: ssl.SSLContext | None) -> None:
        host, port = self._address
        try:
            async with asyncio.timeout(self._options.seconds.connect):
                _reader, writer = await asyncio.open_connection(host, port, ssl=tls)
        except TimeoutError as error:
            raise _StepFailedError(self._address_key, "no connection in time") from error
        except ssl.SSLError as error:
            raise _StepFailedError("ca", f"the certificate is not trusted: {error.reason or error}") from error
        except OSError as error:
            raise _StepFailedError(self._address_key, str(error)) from error
        writer.close()

    # --- the messages ------------------------------------------------------------------------------------

    async def _look_up_nobody(self) -> str:
        """Whether our messages are understood and let in: a system that is asked for nobody says so."""
        try:
            await self._desk.ask_patron(NOBODY)
        except Refused as refused:
            if refused.reason is RefusalReason.UNKNOWN_PATRON:
                return "LookupUser is answered"
            if refused.reason is RefusalReason.OTHER:
                words = refused.internal or "nothing"
                problem = f"in which words does it say that it knows no such patron? It says: {words}"
                raise _StepFailedError("ncip.errors.map", problem) from refused
            raise _StepFailedError("ncip", f"LookupUser is refused: {refused.internal}") from refused
        except Unavailable as down:
            key = "ncip.header" if isinstance(down, SenderRejectedError) else self._address_key
            raise _StepFailedError(key, str(down)) from down
        raise _StepFailedError(self._address_key, f"it claims to know a patron '{NOBODY}'")

    async def _look_up_patron(self) -> str:
        """What is said names nobody."""
        answer = await self._find_trial_patron()
        patron = answer.patron
        if not patron.name.surname:
            raise _StepFailedError("ncip.patrons", "the answer has no name of the patron")
        if not patron.home_library:
            raise _StepFailedError("branch", "the system names no branch of patrons (privilege LIBRARY): set branch")
        if patron.loan_count and not answer.loans:
            raise _StepFailedError(
                "patrons.lists", "it counts loans and doesn't list them: a lost answer can't be asked about"
            )
        blocks = [block.reason for block in patron.blocks]
        state = "blocked: " + ", ".join(blocks) if blocks else "not blocked"
        more = "" if patron.expires or BLOCKED in blocks or EXPIRED in blocks else "; without the end of the membership"
        return f"found, {state}{more}"

    async def _find_trial_patron(self) -> PatronAnswer:
        try:
            return await self._desk.find_patron(PatronKey(self._options.trial.patron))
        except Refused as refused:
            raise _StepFailedError("trial.patron", refused.internal or refused.detail) from refused

    async def _try_wrong_pin(self) -> str:
        """A system that lets everybody in must not check PINs for us."""
        try:
            await self._desk.check_secret(self._options.trial.patron, secrets.token_hex(8))
        except Refused as refused:
            if refused.reason in (RefusalReason.PATRON_AUTH_FAILED, RefusalReason.UNKNOWN_PATRON):
                return "a wrong PIN is refused"
            raise
        raise _StepFailedError("patrons.pin_input", "any PIN is taken for right: leave pin_input empty")

    async def _look_up_item(self) -> str:
        if not self._options.is_answered("LookupItem"):
            return "not asked: the system has no LookupItem"
        try:
            item = (await self._desk.look_up_item(self._options.trial.item)).item
        except Refused as refused:
            raise _StepFailedError("trial.item", refused.internal or refused.detail) from refused
        if not item.home.library:
            raise _StepFailedError("branch", "the system names no branch of items (Location): set branch")
        if item.status in CHARGED and item.due is None:
            raise _StepFailedError("ncip.xml.date_in", "it is on loan, and no DateDue can be read")
        return f"found, {item.status.value}, at {item.home.library}"
