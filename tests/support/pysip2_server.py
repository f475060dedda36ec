"""A SIP2 server for tests: pysip2 (PyPI) speaks, a `DeskLibrary` decides. It runs in the test's own event loop.

pysip2 reads and writes the messages by a codec that is not ours. What a real system says in fields beyond the standard
is put into its answers afterwards, with a checksum that pysip2 computes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.fakes.desk_library import DeskLibrary

ZONE = ZoneInfo("Europe/Berlin")
CHARSET = "utf-8"
INSTITUTION = "MAIN"
USER, PASSWORD = "terminal-7", "secret-of-7"
POLICIES = {"standard": "001", "reference": "002"}


def require_pysip2() -> Any:
    """The package. Where CI is set, it is a failure that it isn't installed."""
    try:
        import pysip2
        import pysip2.codec
        import pysip2.server
    except ImportError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"pysip2 is not installed: {error}")
    return pysip2


class Pysip2Server:
    """`library` may be changed while it runs. `frames`: what came in, without its end."""

    def __init__(self, library: DeskLibrary, *, without: tuple[str, ...] = (), login_required: bool = True) -> None:
        """`without`: codes of messages that it doesn't know."""
        self.library = library
        self.frames: list[bytes] = []
        self._sip = require_pysip2()
        self._app = self._make_server(login_required)
        self._add_routes(without)
        self._serving: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        listener = await self._app.listen("127.0.0.1", 0)
        from anyio.abc import SocketAttribute

        self.port = listener.extra(SocketAttribute.local_port)

        async def serve() -> None:
            async with listener:
                await listener.serve(self._app._handle_connection)

        self._serving = asyncio.create_task(serve())

    async def stop(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._serving

    # --- answers -----------------------------------------------------------------------------------------

    def _make_server(self, login_required: bool) -> Any:
        outer, codec = self, self._sip.codec

        class ExtendedServer(self._sip.SIP2Server):  # type: ignore[name-defined,misc]
            async def _process_frame(self, stream: Any, state: Any, frame: bytes) -> None:
                outer.frames.append(frame[:-1])
                outer.library.read_records()
                await super()._process_frame(stream, state, frame)

            async def _write_response(self, stream: Any, state: Any, decoded: Any, response: Any) -> None:
                frame = codec.encode_message(response, encoding=CHARSET)[:-1]
                frame += state.app_state.pop("extra", "").encode(CHARSET)
                if decoded.checksum is not None:
                    frame += b"AY%dAZ" % decoded.sequence_number
                    frame += codec.calculate_checksum(frame).encode()
                await self._send(stream, state, frame + b"\r")

        return ExtendedServer(
            institution_id=INSTITUTION, encoding=CHARSET, login_required=login_required, library_name="Stadtbibliothek"
        )

    def _stamp(self, moment: datetime) -> str:
        return moment.astimezone(ZONE).strftime("%Y%m%d    %H%M%S")

    @property
    def _now(self) -> str:
        return self._stamp(self.library.now())

    def _add_routes(self, without: tuple[str, ...]) -> None:
        sip = self._sip
        routes: tuple[tuple[Any, Callable[..., Any]], ...] = (
            (sip.LOGIN, self._answer_login),
            (sip.SC_STATUS, lambda request, ctx: ctx.server.build_acs_status(request)),
            (sip.PATRON_STATUS, self._answer_patron_status),
            (sip.PATRON_INFORMATION, self._answer_patron_information),
            (sip.ITEM_INFORMATION, self._answer_item_information),
            (sip.CHECKOUT, self._answer_check_out),
            (sip.CHECKIN, self._answer_check_in),
            (sip.RENEW, self._answer_renewal),
            (sip.HOLD, self._answer_hold),
            (sip.END_PATRON_SESSION, self._answer_end_of_session),
        )
        for route, answer in routes:
            if route.command_id not in without:
                self._app.route(route)(_make_handler(answer))

    def _answer_login(self, request: Any, _ctx: Any) -> Any:
        ok = (request.login_user_id, request.login_password) == (USER, PASSWORD)
        return self._sip.LoginResponse(ok="1" if ok else "0")

    def _flags(self, number: str) -> str:
        patron = self.library.patrons.get(number)
        return "YY Y" + " " * 10 if patron is not None and patron.blocked else " " * 14

    def _answer_patron_status(self, request: Any, _ctx: Any) -> Any:
        number = request.patron_identifier
        patron = self.library.patrons.get(number)
        return self._sip.PatronStatusResponse(
            patron_status=self._flags(number),
            language="000",
            transaction_date=self._now,
            institution_id=INSTITUTION,
            patron_identifier=number,
            personal_name=patron.name if patron else "",
            valid_patron="Y" if patron else "N",
            valid_patron_password="Y" if patron and request.patron_password == patron.pin else "N",
        )

    def _answer_patron_information(self, request: Any, ctx: Any) -> Any:
        number, library = request.patron_identifier, self.library
        patron = library.patrons.get(number)
        ready = [hold.barcode for hold in library.holds_of_patron(number) if hold.ready]
        waiting = [hold.barcode for hold in library.holds_of_patron(number) if not hold.ready]
        charged = library.charged(number)
        wanted, start = request.summary, int(request.start_item or 1) - 1
        if patron is not None:
            ctx.connection.state["extra"] = f"PA{patron.expires:%Y%m%d}|PC{patron.category}|AQ{patron.branch}|XXkept|"
        return self._sip.PatronInformationResponse(
            patron_status=self._flags(number),
            language="000",
            transaction_date=self._now,
            hold_items_count=f"{len(ready):04}",
            overdue_items_count="0000",
            charged_items_count=f"{len(charged):04}",
            fine_items_count="0000",
            recall_items_count="0000",
            unavailable_holds_count=f"{len(waiting):04}",
            institution_id=INSTITUTION,
            patron_identifier=number,
            personal_name=patron.name if patron else "",
            valid_patron="Y" if patron else "N",
            valid_patron_password="Y" if patron and request.patron_password == patron.pin else "N",
            currency_type="EUR" if patron else None,
            fee_amount=patron.fees if patron else None,
            email_address=patron.email if patron else None,
            hold_items=tuple(ready) if wanted[0] == "Y" else (),
            charged_items=tuple(charged[start : start + 10]) if wanted[2] == "Y" else (),
            unavailable_hold_items=tuple(waiting) if wanted[5] == "Y" else (),
        )

    def _answer_item_information(self, request: Any, _ctx: Any) -> Any:
        library, barcode = self.library, request.item_identifier
        item, loan = library.items.get(barcode), library.loans.get(barcode)
        return self._sip.ItemInformationResponse(
            circulation_status=library.circulation_status(barcode) if item else "01",
            security_marker="00",
            fee_type="01",
            transaction_date=self._now,
            hold_queue_length=str(len(library.holds_of_item(barcode))) if item else None,
            due_date=self._stamp(loan.due) if loan else None,
            item_identifier=barcode,
            title_identifier=item.title if item else "",
            media_type=POLICIES[item.policy] if item else None,
            permanent_location=item.branch if item else None,
            current_location=item.current if item else None,
            screen_message=() if item else ("Unknown item",),
        )

    def _answer_check_out(self, request: Any, _ctx: Any) -> Any:
        number, barcode, library = request.patron_identifier, request.item_identifier, self.library
        no_block = request.no_block == "Y"
        due = datetime.strptime(request.nb_due_date, "%Y%m%d    %H%M%S").replace(tzinfo=ZONE).astimezone(UTC)
        done = library.check_out(number, barcode, no_block=no_block, due=due if no_block else None)
        loan, item = library.loans.get(barcode), library.items.get(barcode)
        return self._sip.CheckoutResponse(
            ok="1" if done.ok else "0",
            renewal_ok="N",
            magnetic_media="U",
            desensitize="U",
            transaction_date=self._now,
            institution_id=INSTITUTION,
            patron_identifier=number,
            item_identifier=barcode,
            title_identifier=item.title if item else "",
            due_date=self._stamp(loan.due) if done.ok and loan else "",
            screen_message=(done.said,) if done.said else (),
        )

    def _answer_check_in(self, request: Any, ctx: Any) -> Any:
        barcode, library = request.item_identifier, self.library
        done = library.check_in(barcode, request.current_location)
        item = library.items.get(barcode)
        waiting = library.holds_of_item(barcode)
        if waiting:
            ctx.connection.state["extra"] = f"CV01|CY{waiting[0].patron}|"
        if item is not None and item.in_transit_to:
            ctx.connection.state["extra"] = ctx.connection.state.get("extra", "") + f"CT{item.in_transit_to}|"
        return self._sip.CheckinResponse(
            ok="1" if done.ok else "0",
            resensitize="Y",
            magnetic_media="U",
            alert="Y" if waiting else "N",
            transaction_date=self._now,
            institution_id=INSTITUTION,
            item_identifier=barcode,
            permanent_location=item.branch if item else "",
            title_identifier=item.title if item else None,
            screen_message=(done.said,) if done.said else (),
        )

    def _answer_renewal(self, request: Any, _ctx: Any) -> Any:
        number, barcode, library = request.patron_identifier, request.item_identifier or "", self.library
        done = library.renew(number, barcode)
        loan, item = library.loans.get(barcode), library.items.get(barcode)
        return self._sip.RenewResponse(
            ok="1" if done.ok else "0",
            renewal_ok="Y" if done.ok else "N",
            magnetic_media="U",
            desensitize="U",
            transaction_date=self._now,
            institution_id=INSTITUTION,
            patron_identifier=number,
            item_identifier=barcode,
            title_identifier=item.title if item else "",
            due_date=self._stamp(loan.due) if done.ok and loan else "",
            screen_message=(done.said,) if done.said else (),
        )

    def _answer_hold(self, request: Any, _ctx: Any) -> Any:
        number, barcode, library = request.patron_identifier, request.item_identifier or "", self.library
        pickup = request.pickup_location or ""
        act = {
            "+": lambda: library.place_hold(number, barcode, pickup),
            "-": lambda: library.cancel_hold(number, barcode),
            "*": lambda: library.change_hold(number, barcode, pickup),
        }
        done = act[request.hold_mode]()
        return self._sip.HoldResponse(
            ok="1" if done.ok else "0",
            available="N",
            transaction_date=self._now,
            queue_position=str(len(library.holds_of_item(barcode))) if done.ok else None,
            pickup_location=pickup or None,
            institution_id=INSTITUTION,
            patron_identifier=number,
            item_identifier=barcode,
            screen_message=(done.said,) if done.said else (),
        )

    def _answer_end_of_session(self, request: Any, _ctx: Any) -> Any:
        return self._sip.EndSessionResponse(
            end_session="Y",
            transaction_date=self._now,
            institution_id=INSTITUTION,
            patron_identifier=request.patron_identifier,
        )


def _make_handler(answer: Callable[..., Any]) -> Callable[..., Any]:
    """pysip2 runs a plain function in a thread; the library is for one."""

    async def handler(request: Any, ctx: Any) -> Any:
        return answer(request, ctx)

    return handler
