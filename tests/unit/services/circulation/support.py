"""Short ways to say who, what and at which desk; and libraries that lack something or fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from gateway.domain.circulation_policy import CirculationPolicy
from gateway.domain.clock import FixedClock
from gateway.domain.commands import Command, Credential, Named, PatronRef
from gateway.domain.problems import Refused, Unavailable
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.library_system import Capability
from gateway.ports.shared_store import Store
from gateway.services.circulation import CirculationContext, dispatch_command
from gateway.services.circulation.own_things import OwnThings
from gateway.store.partner_things import StoredPartnerThings
from tests.support.partner_rights import ALL_RIGHTS

# The sample library: Ana Müller, and others of whom something is to be said.
ANA, ANA_USERNAME = "21000000000017", "reader01"
CHIDI, CHIDI_EXTERNAL = "21000000000025", "S4701"
BLOCKED = str(21000000000017 + 8 * 27)
EXPIRED = str(21000000000017 + 8 * 29)
IN_DEBT = str(21000000000017 + 8 * 31)
PSEUDOPATRON, EASTBROOK = "pseudopatron", "inst-ebu"
PIN = "1234"
BOOK = "39000000000011"  # of record 1001, 'The Three-Body Problem'
RECORD, RECORD_OCLC = "1001", "90001001"


def who(barcode: str) -> PatronRef:
    return PatronRef(Named(barcode))


def signs_in(**credentials: str) -> tuple[Credential, ...]:
    """signs_in(barcode_id=ANA, pin=PIN)"""
    return tuple(Credential(type_.replace("_", " "), value) for type_, value in credentials.items())


def policy(**sections: Any) -> CirculationPolicy:
    """The `circulation` section of a profile, as it would stand in YAML; where nothing is said of them, with all rights
    on the library's own things."""
    return CirculationPolicy.model_validate({"rights": ALL_RIGHTS, **sections})


@dataclass(frozen=True, slots=True)
class Counter:
    library: Any
    clock: FixedClock
    zone: tzinfo
    store: Store

    def desk(
        self,
        sender: str = "EBU",
        library: LibrarySystem | None = None,
        profile: str = "illiad-alma",
        **sections: Any,
    ) -> CirculationContext:
        asked, chosen = library or self.library, policy(**sections)
        store = self.store
        things = StoredPartnerThings("BERG", store.read, store.write, self.clock)
        return CirculationContext(
            library=asked,
            things=OwnThings(things, profile, chosen.rights.profiles),
            authenticate=asked.authenticate,
            policy=chosen,
            profile=profile,
            zone=self.zone,
            currency="EUR",
            clock=self.clock,
            symbol="BERG",
            sender=sender,
        )

    async def ask(self, command: Command, **sections: Any) -> Any:
        return await dispatch_command(command, self.desk(**sections))

    async def refusal(self, command: Command, **sections: Any) -> Refused:
        """The refusal that this command gets; an error when it gets none."""
        try:
            done = await dispatch_command(command, self.desk(**sections))
        except Refused as refused:
            return refused
        raise AssertionError(f"not refused: {done}")


class Without:
    """A library system that can't do some things."""

    def __init__(self, library: Any, *missing: Capability) -> None:
        self._library = library
        self.capabilities = frozenset(library.capabilities) - set(missing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)


class Failing:
    """A library system whose method is down for the first call."""

    def __init__(self, library: Any, method: str) -> None:
        self._library = library
        self._method = method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self._method = ""
            return self._down
        return getattr(self._library, name)

    async def _down(self, *_: Any, **__: Any) -> None:
        raise Unavailable("the library system doesn't answer")
