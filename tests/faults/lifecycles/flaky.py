"""Library systems and partners that fail at random: before anything is done, after all of it is done, or slowly."""

from __future__ import annotations

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.adapter import ChannelAdapter, ChannelContext, LibraryAdapter, LibraryAdapterContext
from gateway.ports.guarded_library import LibrarySystem
from gateway.ports.partner_channel import PartnerChannel

LONGEST = 0.25
"""Seconds that a slow call takes before it is carried out, and again before it is answered."""


@dataclass(frozen=True)
class Weather:
    """Shares of all calls, 0 to 1. `after`: carried out, and yet answered with a failure."""

    before: float = 0.0
    after: float = 0.0
    slow: float = 0.0


CALM = Weather()
STORM = Weather(before=0.05, after=0.08, slow=0.2)


@dataclass(frozen=True)
class Flaky:
    """Whatever it wraps, its asynchronous methods fail as the weather is."""

    system: Any
    weather: Weather
    chance: random.Random

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.system, name)
        return self._failing(name, found) if inspect.iscoroutinefunction(found) else found

    def _failing(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def failing(*arguments: Any, **named: Any) -> Any:
            await self._pause()
            if self.chance.random() < self.weather.before:
                raise Unavailable(f"{name}: nobody answers")
            result = await method(*arguments, **named)
            await self._pause()
            if self.chance.random() < self.weather.after:
                kinds = [Unavailable] if name == "ping" else [OutcomeUnknown, Unavailable]  # a ping has no outcome
                raise self.chance.choice(kinds)(f"{name}: the answer got lost")
            return result

        return failing

    async def _pause(self) -> None:
        if self.chance.random() < self.weather.slow:
            await asyncio.sleep(LONGEST * self.chance.random())


def in_weather(adapters: AdapterRegistry, weather: Weather, chance: random.Random) -> AdapterRegistry:
    """The same adapters, but their libraries and channels fail."""

    def library(adapter: LibraryAdapter) -> LibraryAdapter:
        async def opened(context: LibraryAdapterContext, options: Any) -> LibrarySystem:
            return cast(LibrarySystem, Flaky(await adapter.open(context, options), weather, chance))

        return replace(adapter, open=opened)

    def channel(adapter: ChannelAdapter) -> ChannelAdapter:
        def made(context: ChannelContext) -> PartnerChannel:
            return cast(PartnerChannel, Flaky(adapter.make(context), weather, chance))

        return replace(adapter, make=made)

    return replace(
        adapters,
        libraries={name: library(one) for name, one in adapters.libraries.items()},
        channels={name: channel(one) for name, one in adapters.channels.items()},
    )
