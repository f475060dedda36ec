"""What is to be different of a hold, for library systems outside the gateway."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from gateway.domain.library import Hold
from gateway.domain.value import value_object


@value_object
class HoldEdit:
    """None: it stays. `pickup`: as the caller named it; it is still to be looked up."""

    pickup: str | None = None
    need_by: date | None = None
    expires: date | None = None

    def edit_hold(self, hold: Hold, pickup: str | None) -> Hold:
        """`pickup`: as was found, None: it stays."""
        return replace(
            hold,
            pickup=pickup if pickup is not None else hold.pickup,
            need_by=self.need_by or hold.need_by,
            expires=self.expires or hold.expires,
        )
