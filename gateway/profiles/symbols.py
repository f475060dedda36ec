"""Which profile is that of the partner with a symbol: AUTHORITY:SYMBOL, or the symbol alone, without case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gateway.domain.profile import Profile


class PartnerIndex:
    """By every symbol in `partner.symbols`.

    A symbol that comes without its authority is that of the partner who has it with one, as long as only one has;
    one that comes with an authority also fits a partner whose symbol is written without.
    """

    def __init__(self) -> None:
        self._whole: dict[str, list[Profile]] = defaultdict(list)
        self._bare: dict[str, list[Profile]] = defaultdict(list)

    def add(self, profile: Profile) -> None:
        for symbol in profile.partner.symbols if profile.partner is not None else ():
            self._whole[symbol.casefold()].append(profile)
            if ":" in symbol:
                self._bare[_bare(symbol)].append(profile)

    def having(self, symbols: Iterable[str]) -> list[Profile]:
        found = (profile for symbol in symbols for profile in self._with(symbol))
        return list({profile.name: profile for profile in found}.values())

    def _with(self, symbol: str) -> list[Profile]:
        if not symbol:
            return []
        if exact := self._whole.get(symbol.casefold()):
            return exact
        if ":" in symbol:
            return self._whole.get(_bare(symbol), [])
        found = self._bare.get(symbol.casefold(), [])
        partners = {profile.partner.symbols for profile in found if profile.partner is not None}
        return found if len(partners) == 1 else []


def same_symbol(one: str, other: str) -> bool:
    """Without an authority on either side the symbols decide."""
    if ":" in one and ":" in other:
        return one.casefold() == other.casefold()
    return bool(one and other) and _bare(one) == _bare(other)


def _bare(symbol: str) -> str:
    """Split at the first colon (facts/iso-ill-10161.md 12)."""
    authority, colon, rest = symbol.partition(":")
    return (rest if colon else authority).casefold()
