"""The mail that goes out for a request, made by the partner's own channel and kept instead of sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from sqlalchemy import Connection

from gateway.adapters import Adapters
from gateway.domain.problems import About, Reason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import Details, Kind
from gateway.domain.requests.request import Request, Role, Standing
from gateway.ports.channel import GatheredFile, Gathers, PartnerChannel, PartnerMessage
from gateway.runtime.managed import Managed
from gateway.services.requests.effects import PARTNER, without_patron
from gateway.services.requests.front import house_of
from gateway.services.requests.gathering import channel_of, file_number, waits_for_others
from gateway.services.requests.house import House
from gateway.store.requests import filed, gathering, outbox
from gateway.store.requests.documents import parse_message
from gateway.store.requests.gathering import ORDER
from gateway.store.requests.outbox import Status


class _Keeper:
    """A mailer that sends nothing."""

    def __init__(self) -> None:
        self.kept: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> str:
        self.kept.append(message)
        return "kept"


async def preview_of(managed: Managed, adapters: Adapters, library: str, reference: str) -> tuple[str, ...]:
    """Header and text of each mail. Raises NotThere, Refused (it has no partner, or one that isn't written mails)."""
    house = house_of(managed.houses, library)
    request = await managed.requests.find(library, reference)
    message = await house.store.read(lambda c: _waiting(c, house, request)) or _request_of(house, request)
    profile, partner = house.known_partner(message.receiver.profile)
    adapter = adapters.channels.get(partner.channel)
    if adapter is None or adapter.section not in adapters.mail_formats:
        detail = f"Partner {profile.name} is not written mails: its channel is '{partner.channel}'."
        raise Refused(Reason.UNSUPPORTED_SERVICE, detail, about=About.RECEIVER)
    keeper = _Keeper()
    channel = managed.previewing(keeper)[partner.channel]
    gathered = await house.store.read(lambda c: _together(c, house, profile, channel, message))
    if gathered is not None and isinstance(channel, Gathers):
        file, messages = gathered
        outcomes = await channel.send_many(messages, file, profile)
        outcome = next(one for said, one in zip(messages, outcomes, strict=True) if said.id == message.id)
    else:
        outcome = await channel.send(message, profile)
    if isinstance(outcome, Refused):
        raise outcome
    if not keeper.kept:
        detail = f"Nothing would go out now: {outcome.note or 'the channel waits'}."
        raise Refused(Reason.OTHER, detail, about=About.REQUEST)
    return tuple(_shown(mail) for mail in keeper.kept)


def _waiting(connection: Connection, house: House, request: Request) -> PartnerMessage | None:
    """What the outbox has for a partner: the oldest that isn't sent, else the newest that was."""
    found = outbox.of_request(connection, house.symbol, request.id, 200).rows
    rows = [row for row in found if row.kind in (PARTNER, ORDER)]
    unsent = [row for row in rows if row.status in (Status.WAITING, Status.IN_HAND, Status.DEAD)]
    chosen = unsent[-1] if unsent else (rows[0] if rows else None)
    return parse_message(chosen.payload) if chosen is not None else None


def _together(
    connection: Connection, house: House, profile: Profile, channel: PartnerChannel, message: PartnerMessage
) -> tuple[GatheredFile, Sequence[PartnerMessage]] | None:
    """The file that the message is in, or would be in if it was made now. None: it goes alone."""
    row = outbox.get(connection, house.symbol, message.id)
    if row is not None and row.kind == ORDER and (orders := filed.file_with(connection, house.symbol, row.id)):
        rows = [outbox.get(connection, house.symbol, one.order_id) for one in orders]
        file = GatheredFile(id=orders[0].file_id, number=orders[0].number, at=orders[0].at)
        return file, [parse_message(one.payload) for one in rows if one is not None]
    gathers = channel_of(house, profile.name)
    waits = row.kind == ORDER and row.status is Status.WAITING if row is not None else waits_for_others(house, message)
    if gathers is None or not waits or not isinstance(channel, Gathers):
        return None
    rule = gathers[1]
    ready = gathering.waiting(connection, house.symbol, profile.name, gathering.ALL)
    messages = [parse_message(one.payload) for one in ready if one.id != message.id]
    word = channel.together(message, profile)
    fitting = [one for one in messages if channel.together(one, profile) == word][: rule.most - 1]
    number = file_number(connection, house, profile, rule, taken=False)
    ordered = sorted((*fitting, message), key=lambda one: (one.id == "preview", one.id))
    return GatheredFile(id="preview", number=number, at=house.now()), ordered


def _request_of(house: House, request: Request) -> PartnerMessage:
    """The request to the supplier whose turn comes next."""
    line = next((one for one in request.rota if one.standing is Standing.WAITING), None)
    if request.role is not Role.BORROWING or line is None:
        raise Refused(Reason.DATA_MISSING, "No partner is to be written to for this request.", about=About.REQUEST)
    receiver = house.party_of(line.partner)
    return PartnerMessage(
        id="preview",
        kind=Kind.REQUEST,
        at=house.now(),
        sender=house.party,
        receiver=receiver,
        role=Role.BORROWING,
        transaction=request.number,
        details=Details(),
        request=replace(without_patron(request), partner=receiver),
    )


def _shown(mail: EmailMessage) -> str:
    """As a mail program shows it: the text, and what else is in it by name."""
    read = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    head = [f"{name}: {read[name]}" for name in ("From", "To", "Reply-To", "Subject", "Message-ID") if read[name]]
    body = read.get_body(("plain", "html"))
    text = str(body.get_content()) if body is not None else ""
    files = [f"[{one.get_filename() or 'file'}, {one.get_content_type()}]" for one in read.iter_attachments()]
    return "\n".join([*head, "", text.rstrip(), *files])
