"""The outbox's handlers for managed requests: what each kind of row does when its turn comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import About, OutcomeUnknown, Reason, Refused
from gateway.domain.requests.events import Event
from gateway.domain.requests.machine import Denied
from gateway.domain.requests.request import Request
from gateway.domain.requests.table import Library
from gateway.ports.library import PatronKey
from gateway.ports.mailer import Mailer, Sender
from gateway.services.letters import Letters, NoticeFacts, build_mail, mail_address
from gateway.services.outbox.handled import Handled, Handler
from gateway.services.outbox.retry import may_have_arrived
from gateway.services.requests.acts import DESK, require_request
from gateway.services.requests.desk_acts import TooLate, at_the_desk, undo
from gateway.services.requests.effects import LETTER, LIBRARY, PARTNER, WORK, reader_of
from gateway.services.requests.filing import Filing
from gateway.services.requests.following import follow_up
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.services.requests.library_calls import call
from gateway.services.requests.questions import answer_links
from gateway.services.requests.telling import told
from gateway.store.requests.documents import parse, parse_event, parse_message
from gateway.store.requests.outbox import Row

QUERY = "query"
"""The letter that asks the patron something."""


@frozen
class Handlers:
    """`houses` by symbol; `sender`: whose address letters to patrons carry."""

    houses: Mapping[str, House]
    letters: Letters
    mailer: Mailer
    sender: Sender

    def by_kind(self) -> Mapping[str, Handler]:
        own: dict[str, Handler] = {
            PARTNER: self.partner,
            LETTER: self.letter,
            LIBRARY: self.library,
            WORK: self.work,
        }
        return {**own, **Filing(self.houses).by_kind()}

    # --- partners ----------------------------------------------------------------------------------------

    async def partner(self, row: Row) -> Handled:
        """Raises Refused when the partner has no channel that works."""
        house = self.houses[row.library]
        message = replace(parse_message(row.payload), repeated=may_have_arrived(row.tries, row.error))
        profile, policy = house.known_partner(row.target)
        channel = house.channels.get(policy.channel)
        if channel is None:
            raise Refused(
                Reason.UNSUPPORTED_SERVICE, f"The channel '{policy.channel}' is not there.", about=About.RECEIVER
            )
        delivered = await channel.send(message, profile)
        return Handled(delivered.note or "delivered", lambda c: told(c, house, message, delivered))

    # --- patrons -----------------------------------------------------------------------------------------

    async def letter(self, row: Row) -> Handled:
        house = self.houses[row.library]
        request = await require_request(house, row.request_id)
        reader = reader_of(request)
        if not reader.id:
            return Handled("not sent: the request has no patron any more")
        patron = await house.system.find_patron(PatronKey(reader.id, ("internal",)))
        if not mail_address(patron, house.today()):
            return Handled("not sent: the patron has no e-mail address")
        written = replace(parse(json.loads(row.payload)["request"]), patron=request.patron)
        letter = self.letters.for_patron(
            row.target, written, patron, house.info, house.zone, row.created, await self._facts(house, written, row)
        )
        return Handled(await self.mailer.send(build_mail(letter, self.sender.of(house.info))))

    async def _facts(self, house: House, request: Request, row: Row) -> NoticeFacts:
        details = parse_event(json.loads(row.payload)["event"]).details
        places = {place.code: place.name for place in await house.system.pickup_locations()}
        answers = await answer_links(house, request) if row.target == QUERY else {}
        return NoticeFacts(
            message_id=row.id,
            details=details,
            link=details.link,
            pickup=places.get(reader_of(request).pickup, reader_of(request).pickup),
            answer_yes=answers.get("yes", ""),
            answer_no=answers.get("no", ""),
            account=house.policy().notices.account_url,
        )

    # --- the library -------------------------------------------------------------------------------------

    async def library(self, row: Row) -> Handled:
        house = self.houses[row.library]
        request = await require_request(house, row.request_id)
        if not row.target.startswith(f"{DESK}:"):
            attempt: int = json.loads(row.payload).get("attempt", 0)
            return Handled(await call(house, Library(row.target), request, row.id, attempt))
        event = parse_event(json.loads(row.payload)["event"])
        try:
            leaves = await at_the_desk(house, request, event, row.id)
        except TooLate:
            if row.tries > 1:
                await undo(house, request, event, row.id)
            raise
        return Handled(event.kind.value, _happens(house, row.request_id, event, leaves))

    async def work(self, row: Row) -> Handled:
        return Handled(await follow_up(self.houses[row.library], row.target, row.request_id))


def _happens(
    house: House, request_id: str, event: Event, prepare: Callable[[Request], Request]
) -> Callable[[Connection], None]:
    """The event that follows from the library's yes, in the transaction that ends the row. Where another event was
    quicker and this one doesn't fit any more, the next try finds that first: it undoes what the library did, and
    staff find the row among those that failed."""

    def then(connection: Connection) -> None:
        outcome = happen_in(connection, house, Happening(request_id=request_id, event=event, prepare=prepare))
        if isinstance(outcome, Denied):
            raise OutcomeUnknown("the request has changed while the library was asked")

    return then
