"""Messages of partners at /staff/messages: conversations with something unread, the oldest first; answered in place, or
marked as read, for the whole house."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from aiohttp import web

from gateway.domain.requests.event_catalogue import EVENT_CATALOGUE
from gateway.domain.requests.events import Event, EventDetails, partner_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Request, Role
from gateway.domain.requests.request_messages import STAFF_ACTOR
from gateway.domain.requests.state_machine import PartnerNotification
from gateway.domain.requests.views import ActionRequest, EventDenied, MessageView, RequestView, VersionConflict
from gateway.domain.roles import Right
from gateway.domain.value import value_object
from gateway.ports.partner_channel import CarryWay
from gateway.services.letters.localization import mark_text
from gateway.services.requests.effects import choose_way_to_tell
from gateway.web.html.forms import FormCheck, SubmittedForm
from gateway.web.staff.request_words import NextMove, find_next_move, tag_of_request
from gateway.web.staff.staff_request import StaffPage, StaffRequest

MAX_UNREAD = 200
"""Messages on the page; the rest comes when these are done."""

SENDINGS: Mapping[str, tuple[str, str]] = {
    "waiting": ("waiting", mark_text("not sent yet")),
    "in-hand": ("waiting", mark_text("sending")),
    "dead": ("late", mark_text("could not be sent")),
    "refused": ("late", mark_text("rejected by the partner")),
    "skipped": ("late", mark_text("skipped by staff")),
}
"""Of what isn't done: a shape, and words."""

CHANNELS = {
    "iso-ill": "ISO ILL",
    "iso18626": "ISO 18626",
    "artemail": "ARTEmail",
    "mail": mark_text("email"),
    "tagged-mail": mark_text("email"),
}
"""Ways to partners as people call them; others by the name of their adapter."""


@value_object(kw_only=True)
class MessageLine:
    """A message as it is shown. `who`: name of the partner or of one of the staff; `did`: what was done with these
    words (empty: nothing else); `reading`: who has read it; `sending` and `sending_kind`: of ours, what hinders it, and
    the shape for it; `by_mail`: it came by email, whatever the partner's channel."""

    id: str
    at: datetime
    ours: bool
    who: str
    did: str
    text: str
    unread: bool
    reading: str = ""
    sending: str = ""
    sending_kind: str = ""
    denied: bool = False
    by_mail: bool = False


def list_message_actors(messages: Iterable[MessageView]) -> Iterator[str]:
    """List who wrote or read the messages, for `ActorNames.load_names`."""
    for message in messages:
        yield from (message.event.actor, message.read_by)


def build_message_lines(
    request: StaffRequest, messages: Iterable[MessageView], by_mail: Collection[str] = ()
) -> tuple[MessageLine, ...]:
    """Build lines for the macro `thread` of `message_parts`, in the order of `messages`; the names of their actors are
    loaded. `by_mail`: ids of those that came by email."""
    return tuple(_build_message_line(request, message, is_mail=message.id in by_mail) for message in messages)


def _build_message_line(request: StaffRequest, message: MessageView, *, is_mail: bool) -> MessageLine:
    event = message.event
    shape, sending = SENDINGS.get(message.sending, ("", ""))
    reading = ""
    if message.read_at is not None:
        reading = request.gettext(
            "read by %(who)s, %(when)s",
            who=name_of_actor(request, message.read_by),
            when=request.format_short(message.read_at),
        )
    return MessageLine(
        id=message.id,
        at=message.at,
        ours=message.ours,
        who=name_of_actor(request, event.actor)
        if message.ours
        else name_of_partner(request, message.partner, message.request),
        did=describe_what_was_done(request, event),
        text=event.details.note.strip(),
        unread=message.unread,
        reading=reading,
        sending=request.gettext(sending) if sending else "",
        sending_kind=shape,
        denied=bool(message.denied),
        by_mail=is_mail and not message.ours,
    )


def describe_what_was_done(request: StaffRequest, event: Event) -> str:
    """Empty: nothing but words."""
    kind = event.kind
    if event.signal == partner_signal(K.RENEW_ACCEPTED) and event.details.due is None:
        return request.gettext("granted the renewal without a new due date")
    words = EVENT_CATALOGUE[kind].said_with
    return request.gettext(words) if words else ""


def name_of_partner(request: StaffRequest, profile: str, about: Request) -> str:
    party = about.partner
    if profile and profile != party.profile:
        party = request.context.party_of_partner(profile)
    return party.name or party.symbol or party.profile or request.gettext("the partner")


def name_of_actor(request: StaffRequest, actor: str) -> str:
    """Return the name of one of the staff; rules have none."""
    return request.actors.name_actor(actor) if actor.startswith(STAFF_ACTOR) else request.gettext("automatic")


# --- the page --------------------------------------------------------------------------------------------


@value_object(kw_only=True)
class Conversation:
    """A request with unread messages. `partner`: who wrote last; `since`: when the oldest of them came."""

    request: Request
    partner: str
    since: datetime
    count: int
    text: str


async def show_messages(request: StaffRequest) -> web.Response:
    """Show messages. The query has `role`; the oldest conversation is open."""
    conversations = await _list_conversations(request)
    view = None
    if conversations:
        view = await request.library.requests.load_view(conversations[0].request.id)
    return await _render_messages(request, conversations, view, FormCheck(request, SubmittedForm()))


async def show_conversation(request: StaffRequest) -> web.Response:
    return await _render_messages(
        request,
        await _list_conversations(request),
        await _load_request_view(request),
        FormCheck(request, SubmittedForm()),
    )


async def _load_request_view(request: StaffRequest) -> RequestView:
    """Load a view; raises NotFound."""
    record = await request.library.requests.find_request(request.http.match_info["number"])
    return await request.library.requests.load_view(record.id)


def _read_role(request: StaffRequest) -> Role | None:
    word = request.http.query.get("role", "")
    return Role(word) if word in set(Role) else None


async def _list_conversations(request: StaffRequest) -> tuple[Conversation, ...]:
    page = await request.library.messages.list_unread(_read_role(request), MAX_UNREAD, "")
    by_request: dict[str, list[MessageView]] = {}
    for view in page:
        by_request.setdefault(view.request.id, []).append(view)
    return tuple(_build_conversation(request, views) for views in by_request.values())


def _build_conversation(request: StaffRequest, unread: Sequence[MessageView]) -> Conversation:
    first, last = unread[0], unread[-1]
    words = last.event.details.note.strip() if request.sees_patrons else ""
    return Conversation(
        request=first.request,
        partner=name_of_partner(request, last.partner, last.request),
        since=first.at,
        count=len(unread),
        text=words or describe_what_was_done(request, last.event) or request.gettext("Message"),
    )


async def _render_messages(
    request: StaffRequest,
    conversations: Sequence[Conversation],
    shown: RequestView | None,
    checked: FormCheck,
    status: int = 0,
) -> web.Response:
    role = _read_role(request)
    counts = {view.name: view.count for view in await request.library.desk.tasks()}
    await request.actors.load_names(list_message_actors(shown.messages if shown is not None else ()))
    if shown is not None and shown.messages:
        await request.note_words_shown(shown.request.number)
    return request.render(
        "messages",
        request.gettext("Messages from partners"),
        status=status or checked.status,
        help_topic="messages",
        conversations=conversations,
        count=sum(conversation.count for conversation in conversations),
        shown=shown,
        lines=build_message_lines(request, shown.messages) if shown is not None else (),
        tag=tag_of_request(shown.request, request.localization) if shown is not None else None,
        move=_find_move(request, shown) if shown is not None else None,
        answer=describe_answer(request, shown) if shown is not None else None,
        checked=checked,
        role=role.value if role is not None else "",
        mails=counts["unmatched-mails"],
        may_act=request.has_right(Right.MESSAGES_ACT),
    )


def _find_move(request: StaffRequest, shown: RequestView) -> NextMove:
    name = name_of_partner(request, shown.request.partner.profile, shown.request)
    return find_next_move(shown.request, name, request.localization)


# --- answering and marking -------------------------------------------------------------------------------


@value_object(kw_only=True)
class AnswerTarget:
    """The target of a message about a request. `is_answer`: the partner has written; `attempt`: the supplier that wrote
    last (borrowing); `version`: that is seen; `channel`: how the partner gets messages, empty: by hand; `possible`:
    whether a message can be sent now."""

    name: str
    is_answer: bool
    attempt: int
    version: int
    channel: str
    possible: bool


def describe_answer(request: StaffRequest, shown: RequestView) -> AnswerTarget:
    """Describe the answer for the macro `answer_form` of `message_parts`."""
    theirs = [message for message in shown.messages if not message.ours]
    attempt = theirs[-1].event.attempt if theirs else 0
    supplier_attempt = shown.request.find_attempt(attempt or shown.request.current)
    profile = supplier_attempt.partner if supplier_attempt is not None else shown.request.partner.profile
    policy = request.context.partner(profile)
    word = PartnerNotification(K.MESSAGE, attempt or shown.request.current)
    is_told = policy is not None and choose_way_to_tell(request.context, word, shown.request) is CarryWay.CARRIED
    channel = policy.channel if policy is not None and is_told else ""
    return AnswerTarget(
        name=name_of_partner(request, profile, shown.request),
        is_answer=bool(theirs),
        attempt=attempt,
        version=shown.request.version,
        channel=request.gettext(CHANNELS.get(channel, channel)) if channel else "",
        possible=K.MESSAGE in shown.allowed and bool(profile),
    )


async def send_answer(request: StaffRequest) -> web.Response:
    """Send an answer; what was typed is never lost: where something came in between, the page shows it above the
    text."""
    shown = await _load_request_view(request)
    checked = FormCheck(request, await request.read_own_form())
    text = checked.read_lines("text")
    if not text:
        answer = request.gettext("Reply")
        label = answer if describe_answer(request, shown).is_answer else request.gettext("Message")
        checked.add_problem("text", "wrong-missing", field=label)
    status = checked.status
    if checked.is_good:
        try:
            await request.library.requests.apply_action(shown.request.id, _make_message(request, checked, text))
        except VersionConflict:
            checked.general.append(
                request.gettext("This request has changed since you opened it. Please check it and send again.")
            )
            shown, status = await _load_request_view(request), 409
        except EventDenied:
            checked.general.append(request.gettext("No message can be sent about this request now."))
            status = 409
        else:
            return request.redirect(_path_back(request), _describe_sending(request, describe_answer(request, shown)))
    return await _render_messages(request, await _list_conversations(request), shown, checked, status)


def _describe_sending(request: StaffRequest, target: AnswerTarget) -> str:
    if target.channel:
        return request.gettext("Sent to %(name)s.", name=target.name)
    return request.gettext("Saved, but not sent: no channel for messages is configured for %(name)s.", name=target.name)


def _make_message(request: StaffRequest, checked: FormCheck, text: str) -> ActionRequest:
    version, attempt = checked.form["version"], checked.form["attempt"]
    return ActionRequest(
        kind=K.MESSAGE,
        details=EventDetails(note=text),
        actor=request.origin.actor,
        version=int(version) if version.isdecimal() else 0,
        attempt=int(attempt) if attempt.isdecimal() else 0,
    )


async def mark_as_read(request: StaffRequest) -> web.Response:
    """Those that the page showed, and no later ones."""
    form = await request.read_own_form()
    record = await request.library.requests.find_request(request.http.match_info["number"])
    ids = [id_ for id_ in form.all_values("message") if id_]
    await request.library.messages.mark_read(record.id, ids, request.origin.actor)
    banner = request.ngettext("%(num)s message marked as read.", "%(num)s messages marked as read.", len(ids))
    return request.redirect(_path_back(request), banner)


def _path_back(request: StaffRequest) -> str:
    """Return where the form came from: the request's own page, or the list of messages."""
    if request.http.query.get("from", "") == "request":
        return f"{request.path('requests', request.http.match_info['number'])}#messages"
    role = _read_role(request)
    return request.path("messages", role=role.value if role is not None else "")


PAGES = (
    StaffPage("GET", "/messages", show_messages, Right.MESSAGES_READ),
    StaffPage("GET", "/messages/{number}", show_conversation, Right.MESSAGES_READ),
    StaffPage("POST", "/messages/{number}/answer", send_answer, Right.MESSAGES_ACT),
    StaffPage("POST", "/messages/{number}/read", mark_as_read, Right.MESSAGES_ACT),
)
