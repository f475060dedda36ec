"""`illgate mock` plays a system to which requests are pushed as links: our own channel sends them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import yaml

from adapters.openurl.channel import OpenUrlChannel
from adapters.openurl.dialect import OpenUrlDialect
from demo.world import START, Site, make_installation
from gateway.adapter_registry import load_adapters
from gateway.domain.clock import FixedClock
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LibraryParty
from gateway.ports.adapter import ChannelContext
from gateway.ports.outgoing_mail import LetterSender
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from gateway.runtime.mock_assembly import MockOptions, read_no_file, receive_nothing
from gateway.runtime.mock_system_assembly import find_rehearsed_link_target, make_mock_link_target
from gateway.runtime.partner_channels import NoMailServer
from gateway.services.letters.localization import TextCatalogues
from gateway.services.letters.renderer import LetterRenderer
from gateway.services.mock.link_target import PlayedLinkTarget
from gateway.services.mock.mock_conversation import compose_request
from gateway.services.mock.mock_log import MockParties
from gateway.services.mock.scenario import SHIPPED_SCENARIOS, AskedWork, MockScenario, load_scenarios
from gateway.settings import load_settings
from gateway.web.mock.mock_site import MockEndpoint, MockSite
from tests.support.paths import ROOT

SCENARIOS = load_scenarios([SHIPPED_SCENARIOS])
PARTIES = MockParties(LibraryParty(symbol="CLK"), LibraryParty(symbol="FJORD", profile="fjord"))


def read_shipped_section(name: str) -> Mapping[str, object]:
    section: Mapping[str, object] = yaml.safe_load((ROOT / "profiles" / f"{name}.yml").read_text("utf-8"))["openurl"]
    return section


class PushedTarget:
    def __init__(self, channel: OpenUrlChannel, profile: Profile, target: PlayedLinkTarget) -> None:
        self._channel = channel
        self._profile = profile
        self.target = target

    async def push(self, title: str) -> DeliveryResult:
        scenario = MockScenario(work=AskedWork(title=title))
        request = compose_request(scenario, PARTIES, "openurl", "REQ-117", START)
        message = PartnerMessage(
            id="push-1",
            kind=EventKind.SUBMIT,
            at=START,
            sender=PARTIES.ours,
            receiver=PARTIES.theirs,
            role=request.role,
            transaction="REQ-117",
            details=EventDetails(),
            request=request,
        )
        return await self._channel.send(message, self._profile)


PushTo = Callable[..., AbstractAsyncContextManager[PushedTarget]]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("links")
    make_installation(folder, Site("CLK", "Bibliothèque de Clarens", {}, {}), mail_port=25)
    return folder


@pytest.fixture
def push_to(installation: Path) -> PushTo:
    """A profile's section, other keys of it."""
    adapters, clock = load_adapters(), FixedClock(START)
    settings = load_settings(installation / "gateway.yml", adapters)

    @contextlib.asynccontextmanager
    async def open_target(section: Mapping[str, object], **more: object) -> AsyncIterator[PushedTarget]:
        profile = Profile(name="fjord", dialects={"openurl": OpenUrlDialect.model_validate({**section, **more})})
        rehearsed = find_rehearsed_link_target(adapters, profile)
        assert rehearsed is not None
        target = make_mock_link_target(settings, profile, rehearsed, MockOptions(address="", scenarios=SCENARIOS))
        site = MockSite(target, TextCatalogues(None, "en"), MockEndpoint(target, clock, ("GET", "POST")))
        played = {**section, **more, "url": f"{await site.start()}/request"}
        context = ChannelContext(
            libraries={},
            clock=clock,
            secrets=str,
            folder=installation,
            mailer=NoMailServer(),
            sender=LetterSender("", ""),
            letters=LetterRenderer(None, "en"),
            read_file=read_no_file,
            receive=receive_nothing,
        )
        named = profile.model_copy(update={"dialects": {"openurl": OpenUrlDialect.model_validate(played)}})
        try:
            yield PushedTarget(OpenUrlChannel(context), named, target)
        finally:
            await site.stop()

    return open_target


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_is_read_and_its_number_comes_back(method: str, push_to: PushTo) -> None:
    async with push_to(read_shipped_section("illiad-openurl"), method=method) as pushed:
        taken = await pushed.push("Вишни за окном")
    assert taken.external == "117001"
    (shown,) = pushed.target.exchanges
    assert shown.note.startswith("loan: Вишни за окном / Ingrid Åsgaard")
    assert (shown.transaction, shown.scenario) == ("117001", "link-taken")


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("link-refused", Refused, "too many requests"),
        ("link-unconfirmed", Refused, "did not confirm that it accepted the request"),
        ("link-maintenance", Unavailable, "down for maintenance"),
        ("link-http-error", Unavailable, "HTTP 503"),
    ],
)
async def test_a_title_names_what_becomes_of_it(name: str, error: type[Exception], words: str, push_to: PushTo) -> None:
    async with push_to(read_shipped_section("illiad-openurl")) as pushed:
        with pytest.raises(error, match=words):
            await pushed.push(f"Sult mock:{name}")
