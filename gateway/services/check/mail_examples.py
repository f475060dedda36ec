"""A profile's examples that are mails: is the mail understood as the example says?

`send` is the mail as it travels: header, an empty line, text. Its Date is when it was received.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from gateway.configuration.problems import Path, Problem
from gateway.domain.frozen import frozen
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Example
from gateway.ports.mail_format import IncomingMail, MailFormat, Understood
from gateway.ports.mail_reading import ParseMail
from gateway.profiles import LoadedProfile
from gateway.services.check.examples import Ran
from gateway.services.check.looking import look, named, unlike


@frozen
class MailExampleRunner:
    """Runs the examples of one profile in one format. `parse` takes mails apart; `now`: when a mail without a date was
    received."""

    loaded: LoadedProfile
    parse: ParseMail
    mail_format: MailFormat
    now: datetime

    def run(self, index: int, example: Example) -> Ran:
        path: Path = ("examples", index)
        found = self._understood(example)
        return Ran(tuple(self._problems(found, example, path)))

    def _understood(self, example: Example) -> Understood | MalformedMessage:
        try:
            mail = _mail(example.send, self.parse, self.now)
            return self.mail_format.decode(mail, self.loaded.profile)
        except MalformedMessage as malformed:
            return malformed

    def _problems(self, found: Understood | MalformedMessage, example: Example, path: Path) -> Iterator[Problem]:
        if isinstance(found, MalformedMessage):
            if example.outcome != "malformed":
                yield self.loaded.problem((*path, "send"), f"{named(example)} can't be read: {found}")
            return
        if example.outcome != "ok":
            said = f"{named(example)} should be {example.outcome}, but it was read"
            yield self.loaded.problem((*path, "outcome"), said)
        elif example.answer_contains or example.answer_lacks or example.answer_paths:
            yield self.loaded.problem(path, f"{named(example)} is a mail, which has no answer to look at")
        yield from unlike(self.loaded, example, path, lambda key: look(found, key.split(".")))


def _mail(text: str, parse: ParseMail, now: datetime) -> IncomingMail:
    """Raises MalformedMessage."""
    parsed = parse(text.encode(), now)
    return replace(parsed.mail, received=parsed.dated) if parsed.dated is not None else parsed.mail
