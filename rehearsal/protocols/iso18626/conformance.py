"""The conversations by which a system that speaks ISO 18626 is tried: as a supplier that takes requests and messages
about them, and as a requester that takes a supplier's messages.

What is compared are confirmations, which must come at once, and where somebody listens the messages in which a supplier
says what it has decided (docs/facts/iso-18626.md 1 to 4). Whatever is about a request is tried on one that the system
has confirmed: of a request that it has refused nothing can be proved.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from adapters.iso18626.dialect import dialect_of
from adapters.iso18626.messages.codes import Action, ErrorType, MessageStatus, ReasonForMessage, Status
from gateway.domain.problems import ConfigurationError, ConfigurationProblem
from gateway.domain.profile import Profile
from rehearsal.ports.trials import ConformanceContext, ConformanceConversation, make_conversation
from rehearsal.protocols.iso18626.confirmation_check import Expectation
from rehearsal.protocols.iso18626.trial import Iso18626Trial, make_supplier_words

VALUE_NAMES: Mapping[str, str] = {
    "record": "the system's own number of a record that may be asked for",
    "request": "the number of a request that the system has made to us for the trial",
}


async def try_request(trial: Iso18626Trial) -> None:
    request = trial.write_request()
    repeat = "the same request again, octet by octet"
    if not await trial.make_request(request):
        trial.skip_exchanges(repeat, "Cancel")
        return
    await trial.say_message(repeat, request, Expectation(repeat_of=MessageStatus.OK))
    await trial.hear_messages()
    await trial.cancel_request()


async def try_cancellation(trial: Iso18626Trial) -> None:
    if not await trial.make_request():
        trial.skip_exchanges("StatusRequest", "Notification", "Cancel")
        return
    await trial.hear_messages()
    question = trial.write_action(Action.STATUS_REQUEST)
    if await trial.say_message("StatusRequest", question, Expectation()) == MessageStatus.OK:
        await trial.hear_messages(ReasonForMessage.STATUS_REQUEST_RESPONSE)
    note = trial.write_action(Action.NOTIFICATION, note="Takk! Vennlig hilsen, Ødegård")
    await trial.say_message("Notification", note, Expectation())
    await trial.cancel_request()


async def try_unknown_request(trial: Iso18626Trial) -> None:
    """Try an unknown request beside one that is known, so that nothing else than the number is wrong."""
    title = "Received, about a request that was never made"
    if not await trial.make_request():
        trial.skip_exchanges(title, "Cancel")
        return
    await trial.hear_messages(is_required=False)
    await trial.say_message(title, trial.write_action(Action.RECEIVED, trial.other_number), Expectation(refused=True))
    await trial.cancel_request()


async def try_unknown_action(trial: Iso18626Trial) -> None:
    title = "an action that there isn't"
    if not await trial.make_request():
        trial.skip_exchanges(title, "Cancel")
        return
    await trial.hear_messages(is_required=False)
    action = trial.write_action(Action.RENEW)
    await trial.say_odd_word(title, action, Action.RENEW.value, ErrorType.UNSUPPORTED_ACTION_TYPE)
    await trial.cancel_request()


async def try_supplier_message(trial: Iso18626Trial) -> None:
    answer = trial.write_answer(ReasonForMessage.STATUS_CHANGE, Status.LOANED, trial.other_number)
    await trial.say_message("StatusChange, about a request that was never made", answer, Expectation(refused=True))


async def try_answers(trial: Iso18626Trial) -> None:
    """Try answers on the system's own request, which this ends."""
    number = trial.values["request"]
    first = trial.write_answer(ReasonForMessage.REQUEST_RESPONSE, Status.WILL_SUPPLY, number)
    titles = "a reason that there isn't", "StatusChange Unfilled"
    if await trial.say_message("RequestResponse WillSupply", first, Expectation()) != MessageStatus.OK:
        trial.skip_exchanges(*titles, why="the answer to the request was not confirmed OK")
        return
    odd = trial.write_answer(ReasonForMessage.STATUS_CHANGE, Status.WILL_SUPPLY, number)
    unsupported = ErrorType.UNSUPPORTED_REASON_FOR_MESSAGE_TYPE
    await trial.say_odd_word(titles[0], odd, ReasonForMessage.STATUS_CHANGE.value, unsupported)
    last = trial.write_answer(ReasonForMessage.STATUS_CHANGE, Status.UNFILLED, number)
    await trial.say_message(titles[1], last, Expectation())


async def try_broken_messages(trial: Iso18626Trial) -> None:
    whole = trial.encode_body(trial.write_request())
    await trial.say_octets("XML that ends in the middle", whole[: len(whole) // 2])
    await trial.say_octets("XML that is no message", b"<order><title>Sult</title></order>")
    await trial.say_octets("plain text", b"Please send us a book.", "text/plain")
    await trial.say_octets("GET instead of POST", None)


async def hear_late_messages(trial: Iso18626Trial) -> None:
    await trial.hear_messages(is_required=False)


Hold = Callable[[Iso18626Trial], Awaitable[None]]


def _choose_conversations(context: ConformanceContext) -> Iterator[tuple[str, str, Hold]]:
    yield "request", "A request, and the same once more", try_request
    yield "cancellation", "A request, a question, a note, a cancellation", try_cancellation
    yield "unknown-request", "A requester's message about an unknown request", try_unknown_request
    yield "unknown-action", "A requester's message with an unknown action", try_unknown_action
    yield "supplier-message", "A supplier's message about an unknown request", try_supplier_message
    if "request" in context.values:
        yield "answers", "A supplier's messages about the system's own request", try_answers
    yield "broken-messages", "What is no message", try_broken_messages
    if context.arrivals is not None:
        yield "late-messages", "What came besides", hear_late_messages


class Iso18626Trials:
    value_names = VALUE_NAMES
    can_listen = True

    def describe_version(self, profile: Profile) -> str:
        return dialect_of(profile).version

    def aim_section(self, section: Mapping[str, Any], address: str) -> Mapping[str, Any]:
        return {**section, "http": {**section.get("http", {}), "url": address, "lending_url": ""}}

    def list_conversations(self, context: ConformanceContext) -> Sequence[ConformanceConversation]:
        """List conversations; raises ConfigurationError where the partner has no symbol."""
        if not context.partner:
            words = "names no symbol for the partner, and messages say who speaks with whom"
            name = f"profile {context.profile.name}"
            raise ConfigurationError([ConfigurationProblem(name, 0, ("partner", "symbols"), words)])
        heard = make_supplier_words(context)
        return [
            make_conversation(name, title, hold, partial(Iso18626Trial, name, context, heard))
            for name, title, hold in _choose_conversations(context)
        ]
