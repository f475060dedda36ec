"""A system that is played which manages requests elsewhere and asks us for the library's work: it sends its messages by
itself, one after the other, as `illgate send` would, for as long as they are done."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from gateway.domain.clock import Clock
from gateway.domain.problems import ConfigurationError, OutcomeUnknown, Refused, Unavailable
from gateway.domain.value import replace, value_object
from gateway.ports.message_transport import Place
from gateway.ports.responder import ExchangeContext
from rehearsal.mock.mock_answers import PassSeconds
from rehearsal.mock.mock_log import GivenAnswer, LoggedMessage, MockParties, ShownRequest
from rehearsal.mock.played_system import PlayedSystem
from rehearsal.ports.partner_simulator import InvalidParameter, MessageFate, PartnerService, PartnerSimulator
from rehearsal.ports.rehearsals import SystemRehearsal
from rehearsal.scenarios.scenario import AskedService, MockScenario

MAX_REQUESTS = 1_000

OWN_VALUES: Mapping[str, str] = {
    "patron": "who asks; a patron of the library",
    "item": "an item of the library, for scenarios that ask for one",
    "record": "the number of its record, for systems that ask by that",
    "pickup": "where the patron collects it",
}
"""What whoever plays may name (`--value`)."""


@value_object(kw_only=True)
class ClientPlay:
    """The system that is played. `exchange`: as the library would see it; `place`: where the messages go; `values`: by
    the names of `OWN_VALUES`."""

    exchange: ExchangeContext
    parties: MockParties
    place: Place
    values: Mapping[str, str]


class PlayedClient(PlayedSystem):
    """`show_body` makes of a message what people may see. `pass_seconds` is told how long it takes its time."""

    def __init__(
        self,
        play: ClientPlay,
        simulator: PartnerSimulator,
        rehearsal: SystemRehearsal,
        show_body: Callable[[bytes], bytes],
        clock: Clock,
        pass_seconds: PassSeconds = asyncio.sleep,
    ) -> None:
        super().__init__(play.parties, show_body, pass_seconds)
        self.play = play
        self._simulator = simulator
        self._rehearsal = rehearsal
        self._clock = clock
        self._requests: OrderedDict[str, ShownRequest] = OrderedDict()
        self._numbers = 0

    # --- what it asks --------------------------------------------------------------------------------------

    def begin_scenario(self, scenario: MockScenario) -> None:
        """Its messages go out in a moment."""
        self._numbers += 1
        number = f"MOCK{self._clock.now():%y%m%d%H%M%S}{self._numbers}"
        self.speak(self._ask_in_turn(number, scenario))

    async def _ask_in_turn(self, number: str, scenario: MockScenario) -> None:
        for asked in scenario.ask:
            services = self._simulator.services(self._make_context())
            service = next((service for service in services if asked.service in (service.name, *service.aliases)), None)
            if service is None or not self._rehearsal.is_sent(service, self.play.exchange.profile):
                self._record_message(asked.service, b"", GivenAnswer(), number, scenario, "never sent by this partner")
                continue
            if asked.after_seconds:
                await self.pass_seconds(asked.after_seconds)
            if not await self._ask_service(number, scenario, asked, service):
                self._note_state(number, scenario, f"ended at {service.wire}")
                return
        self._note_state(number, scenario, "done")

    async def _ask_service(
        self, number: str, scenario: MockScenario, asked: AskedService, service: PartnerService
    ) -> bool:
        """Ask a service, and return whether it was done."""
        context = self._make_context()
        try:
            values = {name: (text,) for name, text in self._choose_values(number, scenario, asked, service).items()}
            body = self._simulator.build(service.name, values, context)
            if asked.elements:
                body = self._rehearsal.change_message(body, asked.elements, context)
        except (InvalidParameter, ConfigurationError) as error:
            self._record_message(service.wire, b"", GivenAnswer(), number, scenario, f"not sent: {error}")
            return False
        is_done = False
        for _ in range(asked.times):
            try:
                reply = await self._simulator.send_message(body, context, self.play.place)
            except (Unavailable, OutcomeUnknown, Refused) as error:
                self._record_message(service.wire, body, GivenAnswer(), number, scenario, f"no answer: {error}")
                return False
            explanation = self._simulator.explain(body, reply, context)
            is_done = explanation.fate is MessageFate.DONE
            note = "" if is_done else "; ".join(line.strip() for line in explanation.lines)
            self._record_message(service.wire, body, GivenAnswer(reply.raw, reply.status), number, scenario, note)
        return is_done

    def _choose_values(
        self, number: str, scenario: MockScenario, asked_service: AskedService, service: PartnerService
    ) -> Mapping[str, str]:
        """Choose what the service can say; of its own item the number is that of the request."""
        values = self.play.values
        chosen = {
            "request": number,
            "item": number if scenario.item == "own" else values.get("item", ""),
            "record": values.get("record", "") if scenario.item == "of-library" else "",
            "patron": values.get("patron", ""),
            "pickup": values.get("pickup", ""),
            "title": scenario.work.title,
            "author": scenario.work.author,
            **asked_service.values,
        }
        names = {parameter.name for parameter in service.parameters}
        return {name: text for name, text in chosen.items() if text and name in names}

    def _make_context(self) -> ExchangeContext:
        return replace(self.play.exchange, now=self._clock.now())

    # --- what is shown ---------------------------------------------------------------------------------------

    def _record_message(
        self, service: str, body: bytes, answer: GivenAnswer, number: str, scenario: MockScenario, note: str
    ) -> None:
        message = LoggedMessage(self._clock.now(), service, body)
        self._log.record_sent(message, answer, note, number, scenario.name)
        self._note_state(number, scenario, "begun")

    def _note_state(self, number: str, scenario: MockScenario, state: str) -> None:
        self._requests[number] = ShownRequest(transaction=number, scenario=scenario.name, state=state)
        while len(self._requests) > MAX_REQUESTS:
            self._requests.popitem(last=False)

    def list_requests(self) -> Sequence[ShownRequest]:
        return list(self._requests.values())
