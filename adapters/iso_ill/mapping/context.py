"""What the mapping has to know beside the message."""

from __future__ import annotations

from datetime import tzinfo
from zoneinfo import ZoneInfo

from adapters.iso_ill.dialect import DEFAULT_DIALECT, IsoIllDialect
from adapters.iso_ill.mapping.identities import same_symbol
from gateway.domain.frozen import frozen_by_name


@frozen_by_name
class Context:
    """`library_zone` and `currency` are those of the library whose request it is; `ours` all its symbols."""

    library_zone: tzinfo
    currency: str
    ours: tuple[str, ...] = ()
    dialect: IsoIllDialect = DEFAULT_DIALECT

    @property
    def zone(self) -> tzinfo:
        """The one in which the partner's days and times are."""
        return ZoneInfo(self.dialect.wire.zone) if self.dialect.wire.zone else self.library_zone

    def is_us(self, symbol: str) -> bool:
        known = (*self.ours, self.dialect.symbols.ours) if self.dialect.symbols.ours else self.ours
        return bool(symbol) and any(same_symbol(symbol, one) for one in known)
