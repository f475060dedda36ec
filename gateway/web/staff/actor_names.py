"""Names of those who did something, as a page names them: staff by the name that they are shown as."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.requests.request_messages import STAFF_ACTOR
from gateway.services.people.users import UserService


class ActorNames:
    """The names of one page. Actors as histories keep them: `staff:r.okafor`."""

    def __init__(self, users: UserService) -> None:
        self._users = users
        self._shown: dict[str, str] = {}

    async def load_names(self, actors: Iterable[str]) -> None:
        """Load names once for all that the page shows. Raises Unavailable."""
        names = {
            actor.removeprefix(STAFF_ACTOR)
            for actor in actors
            if actor.startswith(STAFF_ACTOR) and actor not in self._shown
        }
        if names:
            shown_names = await self._users.list_shown_names(names)
            self._shown.update((f"{STAFF_ACTOR}{name}", text) for name, text in shown_names.items())

    def name_actor(self, actor: str) -> str:
        """A program, a command, and a user who isn't known: by the name in the actor."""
        return self._shown.get(actor) or actor.partition(":")[2] or actor

    def find_sign_in_name(self, actor: str) -> str:
        """Find the sign-in name of a user who is shown by another name; else empty."""
        name = actor.removeprefix(STAFF_ACTOR)
        return name if self._shown.get(actor, name) != name else ""
