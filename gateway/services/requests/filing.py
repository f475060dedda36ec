"""What is done with orders that wait for others: they come together in files, and each file is sent as one mail."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.requests import gathering as times
from gateway.domain.requests.partner_mail import Gather
from gateway.ports.channel import Delivered, GatheredFile, Gathers, PartnerMessage
from gateway.services.outbox.handled import Handled, Handler
from gateway.services.outbox.retry import said_no
from gateway.services.requests.gathering import channel_of, file_number
from gateway.services.requests.house import House
from gateway.services.requests.telling import told
from gateway.store.ids import exchange_id
from gateway.store.requests import filed, gathering, outbox
from gateway.store.requests.documents import Unreadable, parse_message
from gateway.store.requests.filed import FiledOrder
from gateway.store.requests.gathering import FILE, GATHER
from gateway.store.requests.outbox import Row

LEFT_OVER = timedelta(minutes=1)
"""Shortest wait of an order that could not go with the others, since another message of its request comes first."""


@frozen
class Filing:
    """`houses` by symbol."""

    houses: Mapping[str, House]

    def by_kind(self) -> Mapping[str, Handler]:
        return {GATHER: self.gather, FILE: self.file}

    # --- the alarm ---------------------------------------------------------------------------------------

    async def gather(self, row: Row) -> Handled:
        """All is done in the transaction that ends the row."""
        house = self.houses[row.library]
        found = channel_of(house, row.target)
        if found is None:
            return Handled("not gathered any more", lambda c: gathering.singly(c, house.symbol, row.target))
        return Handled("gathered", lambda c: self._come_together(c, house, *found))

    def _come_together(
        self, connection: Connection, house: House, profile: Profile, rule: Gather, channel: Gathers
    ) -> None:
        ready = gathering.ready(connection, house.symbol, profile.name, gathering.ALL)
        for orders in _files(ready, profile, rule.most, channel):
            _file(connection, house, profile, rule, orders)
        if gathering.any_waits(connection, house.symbol, profile.name):
            now = house.now()
            due = max(times.due(rule, now, house.calendar), now + LEFT_OVER)
            gathering.awaits(connection, house.symbol, profile.name, now, due, gathering.ALL)

    # --- the file ----------------------------------------------------------------------------------------

    async def file(self, row: Row) -> Handled:
        """Each try is the same: its orders, its number, its id."""
        house = self.houses[row.library]
        orders = await house.store.read(lambda c: filed.in_hand(c, house.symbol, row.id))
        profile, policy = house.known_partner(row.target)
        channel = house.channels.get(policy.channel)
        if not isinstance(channel, Gathers):
            return Handled("its orders go one by one", lambda c: filed.dissolve(c, house.symbol, row.id, house.now()))
        messages = [parse_message(one.payload) for one in orders]
        number = str(json.loads(row.payload)["number"])
        outcomes = await channel.send_many(messages, GatheredFile(id=row.id, number=number, at=row.created), profile)
        sent = sum(isinstance(one, Delivered) for one in outcomes)
        ends = tuple(zip(orders, messages, outcomes, strict=True))
        return Handled(f"file {number}: {sent} of {len(ends)} orders", lambda c: _end(c, house, row.id, ends))


def _end(
    connection: Connection, house: House, file_id: str, ends: Sequence[tuple[Row, PartnerMessage, Delivered | Refused]]
) -> None:
    for _, message, outcome in ends:  # first, since what changes a request locks it before the lane
        if isinstance(outcome, Delivered):
            told(connection, house, message, outcome)
    now = house.now()
    for order, _, outcome in ends:
        if isinstance(outcome, Delivered):
            outbox.done(connection, order, outcome.note or "delivered", now)
        else:
            filed.drop(connection, house.symbol, file_id, order.id)
            outbox.dead(connection, order, said_no(outcome), now)


# --- coming together -------------------------------------------------------------------------------------


def _files(
    orders: Sequence[Row], profile: Profile, most: int, channel: Gathers
) -> Iterator[Sequence[tuple[Row, PartnerMessage]]]:
    """Those that can go together, oldest first, no more than `most`."""
    groups: dict[str, list[tuple[Row, PartnerMessage]]] = defaultdict(list)
    for order in orders:
        try:
            message = parse_message(order.payload)
        except Unreadable:  # of a newer release: a node that can read it will be the next to try
            continue
        groups[channel.together(message, profile)].append((order, message))
    for group in groups.values():
        yield from (group[n : n + most] for n in range(0, len(group), most))


def _file(
    connection: Connection,
    house: House,
    profile: Profile,
    rule: Gather,
    orders: Sequence[tuple[Row, PartnerMessage]],
) -> None:
    now = house.now()
    number = file_number(connection, house, profile, rule)
    row = Row(
        library=house.symbol,
        id=exchange_id(now),
        lane="",
        kind=FILE,
        target=profile.name,
        payload=json.dumps({"number": number}),
        created=now,
        next_at=now,
    )
    entries = [
        FiledOrder(
            library=house.symbol,
            profile=profile.name,
            number=number,
            place=place,
            file_id=row.id,
            order_id=order.id,
            request_id=order.request_id,
            reference=message.transaction,
            at=now,
        )
        for place, (order, message) in enumerate(orders, start=1)
    ]
    filed.add(connection, row, entries)
