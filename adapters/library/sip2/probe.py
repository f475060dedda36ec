"""`illgate check --live` on a SIP2 system, step by step, so that whoever sets it up sees where it stops and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from adapters.library.probe_recorder import ProbedServer, ProbeFailureError, ProbeRecorder
from adapters.library.rest_authorisation import resolve_secret
from adapters.library.sip2.client import ServerAbility, ServerStatus, make_endpoint, read_status
from adapters.library.sip2.codec import Query, Sip2Reply, UnsendableValueError
from adapters.library.sip2.messages import PatronList, QueryWriter
from adapters.library.sip2.options import Sip2Options
from adapters.library.sip2.records import CHARGED, EXPIRED, Sip2RecordReader
from adapters.library.sip2.transport import TerminalConnection
from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.domain.value import replace
from gateway.ports.library_system import ProbeStep

UNDECODABLE = "\ufffd"

_NEEDED = {
    ServerAbility.ITEM_INFORMATION: "look up items (17)",
    ServerAbility.CHECK_OUT: "check out (11)",
    ServerAbility.CHECK_IN: "check in (09)",
    ServerAbility.RENEW: "renew (29)",
    ServerAbility.HOLD: "reserve (15)",
}


class Sip2Probe:
    def __init__(
        self,
        options: Sip2Options,
        folder: Path,
        secrets: Callable[[str], str],
        writer: QueryWriter,
        reader: Sip2RecordReader,
        clock: Clock,
    ) -> None:
        self._options = options
        self._secrets = secrets
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._place = make_endpoint(options, folder)
        self._connection: TerminalConnection | None = None
        self._recorder = ProbeRecorder({UnsendableValueError: ""})

    async def try_steps(self) -> tuple[ProbeStep, ...]:
        """Try steps until one fails that the others need."""
        try:
            await self._try_all()
        finally:
            self._end_connection()
        return tuple(self._recorder.steps)

    async def _try_all(self) -> None:
        try_step, place = self._recorder.try_step, self._place
        server = ProbedServer(place.host, place.port, "host", place.connect_seconds)
        if not (await try_step("DNS", server.resolve_host) and await try_step("TCP", self._connect_openly)):
            return
        if place.tls is not None and not await try_step("TLS", self._connect_by_tls):
            return
        if self._options.login.user and not await try_step("login", self._sign_in):
            return
        if not await try_step("status", self._ask_status):
            return
        if self._options.trial.patron:
            await try_step("patron", self._look_up_patron)
        if self._options.trial.item:
            await try_step("item", self._look_up_item)

    # --- the connection ----------------------------------------------------------------------------------

    async def _connect_openly(self) -> str:
        try:
            connection = await TerminalConnection.open(replace(self._place, tls=None))
        except Unavailable as down:
            raise ProbeFailureError("port", str(down)) from down
        if self._place.tls is None and self._options.sessions == "kept":
            self._connection = connection
        else:
            connection.end_connection()
        return f"{self._place} is reached"

    async def _connect_by_tls(self) -> str:
        try:
            self._connection = await TerminalConnection.open(self._place)
        except Unavailable as down:
            is_about_trust = any(words in str(down).casefold() for words in ("certificate", "cannot be used"))
            raise ProbeFailureError("ca" if is_about_trust else "security", str(down)) from down
        return "the certificate is right"

    async def _exchange(self, query: Query) -> Sip2Reply:
        if self._connection is None or self._options.sessions == "one-message":
            self._end_connection()
            self._connection = await TerminalConnection.open(self._place)
        return await self._connection.exchange(query, self._options.seconds.look_up)

    def _end_connection(self) -> None:
        if self._connection is not None:
            self._connection.end_connection()
            self._connection = None

    # --- the messages ------------------------------------------------------------------------------------

    async def _sign_in(self) -> str:
        login = self._options.login
        try:
            password = resolve_secret(self._secrets, login.password)
        except Unavailable as error:
            raise ProbeFailureError("login.password", str(error)) from error
        try:
            reply = await self._exchange(self._writer.login(login.user, password, login.location))
        except OutcomeUnknown as unknown:
            hint = "many servers close at a wrong name or password, or want another message_end or error_detection"
            raise ProbeFailureError("login", f"{unknown} ({hint}; {self._name_need()})") from unknown
        if reply.fixed["ok"] != "1":
            raise ProbeFailureError(
                "login", f"the server refuses name or password of terminal '{login.user}' (or {self._name_need()})"
            )
        return f"terminal '{login.user}' is accepted"

    def _name_need(self) -> str:
        """Name what this check needs beside a gateway that is at work."""
        kept = self._options.connections
        return f"it allows no more connections: a running gateway keeps up to {kept}, and this check is one more"

    async def _ask_status(self) -> str:
        try:
            reply = await self._exchange(self._writer.status())
        except OutcomeUnknown as unknown:
            hint = f"does the server want a login, or another message_end or error_detection? or {self._name_need()}"
            raise ProbeFailureError("message_end", f"{unknown} ({hint})") from unknown
        status = read_status(reply)
        self._refuse_undecodable(reply)
        if not status.is_online:
            raise ProbeFailureError("host", "the server says that the library's system is off line")
        if not self._can_find_patrons(status):
            raise ProbeFailureError("login", "this terminal may not look up patrons (63 or 23): allow it in the system")
        wanted = self._options.institution
        if status.institution and wanted and status.institution != wanted:
            raise ProbeFailureError("institution", f"the server calls the library '{status.institution}'")
        lacking = [what for ability, what in _NEEDED.items() if not status.can_do(ability)]
        words = f"SIP {status.version}, {status.library or status.institution or 'without a name'}"
        if lacking:
            words += f"; this terminal can't {', '.join(lacking)}"
        if status.named_off:
            words += f"; it says that {', '.join(status.named_off)} is off, which may not be so"
        return words

    @staticmethod
    def _can_find_patrons(status: ServerStatus) -> bool:
        return status.can_do(ServerAbility.PATRON_INFORMATION) or status.can_do(ServerAbility.PATRON_STATUS)

    async def _look_up_patron(self) -> str:
        """Look up the patron; what is said names nobody."""
        now = self._clock.now()
        query = self._writer.patron_information(self._options.trial.patron, now, wanted=PatronList.CHARGED)
        reply = await self._exchange(query)
        self._refuse_undecodable(reply)
        answer = self._reader.read_patron(reply, self._options.trial.patron, now.astimezone(self._reader.zone).date())
        patron = answer.patron
        if patron is None:
            raise ProbeFailureError(
                "trial.patron", f"the system knows no such patron; it says: {answer.said or 'nothing'}"
            )
        if not patron.home_library:
            raise ProbeFailureError(
                "branch", "the system names no branch of patrons: set branch or fields.patron_library"
            )
        if patron.loan_count and not reply.values_of(PatronList.CHARGED.value):
            raise ProbeFailureError(
                "trial.patron",
                "the system counts loans of this patron and doesn't list them: a lost answer can't be asked about",
            )
        blocks = [block.reason for block in patron.blocks]
        state = "blocked: " + ", ".join(blocks) if blocks else "not blocked"
        return f"found, {state}" + (
            "" if EXPIRED in blocks or patron.expires else "; without the end of the membership"
        )

    async def _look_up_item(self) -> str:
        barcode = self._options.trial.item
        reply = await self._exchange(self._writer.item_information(barcode, self._clock.now()))
        self._refuse_undecodable(reply)
        item = self._reader.read_item(reply, barcode)
        if item is None:
            words = reply.screen_message or "nothing"
            raise ProbeFailureError("trial.item", f"the system knows no such item; it says: {words}")
        if not item.home.library:
            raise ProbeFailureError("branch", "the system names no branch of items (AQ): set branch")
        due = reply.first("AH")
        if item.status in CHARGED and item.due is None:
            raise ProbeFailureError("due_formats", f"none of them fits the due date '{due}'")
        read = f", due {item.due.astimezone(self._reader.zone):%Y-%m-%d %H:%M} ({due})" if item.due is not None else ""
        return f"found, {item.status.value}, at {item.home.library}{read}"

    def _refuse_undecodable(self, reply: Sip2Reply) -> None:
        for name, value in reply.fields:
            if UNDECODABLE in value:
                raise ProbeFailureError("charset", f"field {name} of the answer is not {self._options.charset}")
