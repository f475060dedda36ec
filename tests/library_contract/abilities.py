"""What each system is expected to be able to do: an ability that vanishes is a failure, though the tests that need it
are then skipped."""

from __future__ import annotations

from typing import ClassVar

from gateway.ports.library_system import Capability
from tests.library_contract.world import World

PATRONS = frozenset({Capability.PATRON_LOOKUP, Capability.BLOCKS_DETAILED, Capability.AUTHENTICATE, Capability.CONTACT})
CIRCULATION = frozenset({Capability.CHECK_OUT, Capability.CHECK_IN, Capability.RENEW})
HOLDS = frozenset({Capability.HOLD_ITEM, Capability.HOLD_PICKUP, Capability.HOLD_CANCEL, Capability.HOLD_UPDATE})
PARTNERS_ITEMS = frozenset(
    {
        Capability.TEMPORARY_ITEM,
        Capability.ITEM_WITHOUT_HOLD,
        Capability.SUPPRESS,
        Capability.CHANGE_BARCODE,
        Capability.ITEM_BY_REQUEST,
    }
)


class PinnedAbilities:
    """`abilities`: all that the library of this test's world can do, no more and no less."""

    abilities: ClassVar[frozenset[Capability]]

    async def test_it_can_do_what_is_expected_of_it(self, world: World) -> None:
        await world.library.ping()
        able = world.library.capabilities
        vanished, new = self.abilities - able, able - self.abilities

        assert not vanished, f"vanished: {', '.join(sorted(vanished))}"
        assert not new, f"not pinned yet: {', '.join(sorted(new))}"
