"""An act that was done, with all that claims are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage

from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import RequestFlag as F
from gateway.domain.requests.request import VolumeState as V
from tests.protocol.staff_acts.pages import Shown
from tests.protocol.staff_acts.world import Facts, Scene, Told


@dataclass(frozen=True, kw_only=True)
class Press:
    """An act that was done. `audience`: who is told of it, as was said beforehand; `page`: once all that follows has
    been done; `letters`: mails to the patron that came of it."""

    scene: Scene
    name: str
    audience: str = ""
    before: Facts
    after: Facts
    page_before: Shown
    page: Shown
    letters: tuple[EmailMessage, ...]

    # --- what claims are made of -------------------------------------------------------------------------

    @property
    def state(self) -> str:
        return self.after.request.state.value

    @property
    def flags(self) -> frozenset[F]:
        return self.after.request.flags

    def was_done(self, *kinds: str) -> bool:
        new = self.after.view.history[len(self.before.view.history) :]
        return any(line.event.kind.value in kinds and not line.denied for line in new)

    def is_sent(self, *kinds: str) -> bool:
        """A message has reached a partner."""
        return any(
            one.name in kinds and one.status == "done" for one in self._new(self.before.messages, self.after.messages)
        )

    @property
    def sent_kinds(self) -> list[str]:
        return [one.name for one in self._new(self.before.messages, self.after.messages)]

    @property
    def failed_kinds(self) -> list[str]:
        """Of messages that were queued and can't be sent."""
        new = (one for id_, one in self.after.messages.items() if id_ not in self.before.messages)
        return [one.name for one in new if one.status == "dead"]

    def is_mailed(self, letter: str = "") -> bool:
        """The patron has got it by mail."""
        rows = self._new(self.before.letters, self.after.letters)
        named = [one for one in rows if letter in ("", one.name) and one.status == "done"]
        return bool(named) and bool(self.letters)

    @property
    def letter_names(self) -> list[str]:
        return [one.name for one in self._new(self.before.letters, self.after.letters)]

    @staticmethod
    def _new(before: Mapping[str, Told], after: Mapping[str, Told]) -> list[Told]:
        """Without what nobody gets."""
        return [one for id_, one in after.items() if id_ not in before and one.status not in ("skipped", "dead")]

    def volumes(self, *states: V) -> int:
        return sum(one.state in states for one in self.after.request.volumes)

    def can(self, *kinds: K) -> bool:
        return all(kind in self.after.view.allowed for kind in kinds)

    def is_on(self, task: str) -> bool:
        return task in self.after.tasks
