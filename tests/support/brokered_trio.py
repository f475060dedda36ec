"""Three gateways of which the one in the middle brokers: NORTH asks SOUTH, and SOUTH asks EAST, each by a protocol of
its own.

    async with Trio(template, folder, TwoWays(Http18626(), Tcp("call-back"))) as trio:
        await trio.ask()
        await trio.east(EventKind.SHIPPED)
        assert await trio.all_states() == ("shipped", "shipped", "shipped", "shipped")
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Role
from tests.faults.joined.installations import Template
from tests.faults.joined.town import Town
from tests.support.dovecot import PASSWORD
from tests.support.iso18626_joining import Http18626
from tests.support.iso_mail import Mail
from tests.support.iso_pair import Joining, Pair, Tcp
from tests.support.paths import ROOT
from tests.support.yaml_files import read_yaml_file, write_yaml_file

ADDRESS = "Storgata 1\n0155 Fjordby"


def copy_mail_profiles(folder: Path) -> None:
    """Of partners by mail, into an installation, with the password that some want: its own profiles may extend them."""
    for name in ("relais-gsm", "bldss", "email-partner"):
        shutil.copy(ROOT / "profiles" / f"{name}.yml", folder / "profiles")
    (folder / "password").write_text(PASSWORD, "utf-8")


class MailedPair(Pair):
    """Whose profiles may extend those of partners by mail."""

    def _install(self, symbol: str, config: Path, rota: tuple[str, ...]) -> None:
        copy_mail_profiles(config.parent)
        super()._install(symbol, config, rota)


@dataclass
class TwoWays:
    """NORTH and SOUTH are joined by `near`, SOUTH and EAST by `far`."""

    near: Joining
    far: Joining
    carries_extras = True

    def settings(self, symbol: str) -> Mapping[str, Any]:
        """Of both, and of a section that both have what either says in it."""
        near, far = self.near.settings(symbol), self.far.settings(symbol)
        both = {name: {**near[name], **far[name]} for name in ("http", "mail") if name in near and name in far}
        return {**near, **far, **both}

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        return (self.far if "EAST" in (ours, theirs) else self.near).profile(ours, theirs)

    async def start(self, towns: Mapping[str, Town]) -> None:
        await self.near.start(towns)
        await self.far.start(towns)

    async def stop(self) -> None:
        await self.near.stop()
        await self.far.stop()

    async def bring(self) -> int:
        return await self.near.bring() + await self.far.bring()

    async def at_rest(self) -> bool:
        return await self.near.at_rest() and await self.far.at_rest()


@dataclass
class OneTransport(TwoWays):
    """Both ways go by one transport, of which a gateway has one listener and one mailbox: those of `near`. Of `far`
    counts what profiles say, and the listener that only letters have."""

    def __post_init__(self) -> None:
        self._unused = self.far
        if isinstance(self.near, Http18626) and isinstance(self.far, Http18626):
            self.far, dialect = copy(self.near), self.far.dialect
            self.far.dialect = dialect
        elif isinstance(self.near, Tcp) and isinstance(self.far, Tcp):
            self.far, mode = copy(self.near), self.far.mode
            self.far.mode = mode

    async def start(self, towns: Mapping[str, Town]) -> None:
        await self.near.start(towns)

    async def stop(self) -> None:
        await self.near.stop()
        await self._unused.stop()

    async def bring(self) -> int:
        return await self.near.bring()

    async def at_rest(self) -> bool:
        return await self.near.at_rest()


@dataclass
class MailInFormat(Mail):
    """By mail in another format. `content`: the partner's profile, which may extend a shipped one; `lending`: of its
    workflow, besides."""

    content: Mapping[str, Any] = field(default_factory=dict)
    lending: Mapping[str, Any] = field(default_factory=dict)
    carries_extras = False

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        partner = self.content.get("partner", {})
        workflow = partner.get("workflow", {})
        lending = {**workflow.get("lending", {}), **self.lending}
        said = {**partner, "email": self.address(theirs), "workflow": {**workflow, "lending": lending}}
        return {**self.content, "partner": said}


class Trio(MailedPair):
    """`brokering`: that section of SOUTH's requests.yml, beside its rota; `far_brokering`: that of EAST's, whose rota
    `both` names the two others; `workflow`: of all."""

    def __init__(
        self,
        template: Template,
        folder: Path,
        joining: Joining,
        workflow: Mapping[str, Any] | None = None,
        brokering: Mapping[str, Any] | None = None,
        far_brokering: Mapping[str, Any] | None = None,
    ) -> None:
        self._brokering = {
            "SOUTH": {"rota": "others", **(brokering or {"what": "everything"})},
            "EAST": far_brokering or {},
        }
        super().__init__(template, folder, joining, workflow, rota=("SOUTH",))

    def _install(self, symbol: str, config: Path, rota: tuple[str, ...]) -> None:
        super()._install(symbol, config, rota)
        settings = read_yaml_file(config)
        settings["libraries"][0]["address"] = f"{symbol.title()}\n{ADDRESS}"
        write_yaml_file(config, settings)
        file = config.parent / "requests.yml"
        requests = read_yaml_file(file)
        if symbol == "SOUTH":
            requests["rotas"] = {"others": {"lines": [{"partner": "east"}], "only_owning": "no"}}
            requests["default_rota"] = "others"
        requests["brokering"] = self._brokering.get(symbol, {})
        write_yaml_file(file, requests)

    async def __aenter__(self) -> Trio:
        await super().__aenter__()
        return self

    # --- who does what -----------------------------------------------------------------------------------

    async def east(self, kind: EventKind, *, quiet: bool = True, **details: Any) -> None:
        """Staff of the supplier."""
        await self._act("EAST", await self.supplied(), kind, details, quiet)

    async def broker(self, request: Request, kind: EventKind, **details: Any) -> None:
        """Staff of the broker, on one of its legs."""
        await self._act("SOUTH", request, kind, details, quiet=True)

    # --- what has become of it ---------------------------------------------------------------------------

    async def legs(self) -> tuple[Request, Request]:
        """The broker's lending leg and its borrowing leg."""
        found = await self.towns["SOUTH"].requests()
        lending = await self.lending("SOUTH")
        assert lending.other_leg is not None, "it is not brokered"
        borrowing = found[lending.other_leg.request_id]
        assert borrowing.other_leg is not None
        assert borrowing.other_leg.request_id == lending.id
        return lending, borrowing

    async def supplied(self) -> Request:
        """The supplier's request: the newest lending request there."""
        found = [one for one in (await self.towns["EAST"].requests()).values() if one.role is Role.LENDING]
        assert found, "the supplier was never asked"
        return found[-1]

    async def all_states(self) -> tuple[str, str, str, str]:
        """Of the requester, the broker's two legs, and the supplier."""
        lending, borrowing = await self.legs()
        states = (await self.borrowing(), lending, borrowing, await self.supplied())
        north, near, far, east = (one.state.value for one in states)
        return north, near, far, east
