"""Assembly of a library that gets our letters, from settings and a profile, to be played, with mail program and browser
of its people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from gateway.adapter_registry import AdapterRegistry
from gateway.domain.clock import Clock
from gateway.domain.problems import OutcomeUnknown, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.request import LibraryParty
from gateway.domain.value import value_object
from gateway.ports.adapter import ChannelAdapter
from gateway.ports.outgoing_mail import Mailer
from gateway.runtime.mail_secrets import CLIENT, MailConcealer
from gateway.services.letters.renderer import LetterRenderer
from gateway.settings import Settings
from rehearsal.letters.letter_pages import VisitedPage, compose_mail, fill_form, read_letter, read_page_text
from rehearsal.letters.letter_reader import (
    FormFilling,
    LetterAsShown,
    LetterPlay,
    LinkVisit,
    MailToWrite,
    PlayedLetterReader,
    WrittenMail,
)
from rehearsal.mock.mock_answers import PassSeconds
from rehearsal.mock.mock_log import MockParties
from rehearsal.partners.partner_assembly import MailDisplay, MockOptions, check_misbehaviours, make_profile_error
from rehearsal.scenarios.scenario import PlayedRole
from rehearsal.scenarios.scenario_choice import ScenarioChoice

DEFAULT_LETTER_SCENARIO = "letter-loaned"

MAX_PAGE_BYTES = 200_000
VISIT_SECONDS = 30


@value_object
class RehearsedLetters:
    """The channel by which the partner of a profile is written letters."""

    channel: ChannelAdapter


def find_rehearsed_letters(adapters: AdapterRegistry, profile: Profile) -> RehearsedLetters | None:
    name = profile.partner.channel if profile.partner is not None else ""
    channel = adapters.channels.get(name)
    return RehearsedLetters(channel) if channel is not None and channel.style is not None else None


def make_letter_reader(
    settings: Settings,
    adapters: AdapterRegistry,
    profile: Profile,
    options: MockOptions,
    clock: Clock,
    mailer: Mailer,
    pass_seconds: PassSeconds = asyncio.sleep,
) -> PlayedLetterReader:
    """Its mails go to the address of the options. Raises ConfigurationError for a profile that names no address of the
    partner, and for misbehaviours, of which there are none."""
    check_misbehaviours(profile, (), options)
    policy = profile.partner
    if policy is None or not policy.email:
        raise make_profile_error(profile, ("partner", "email"), "names no address to which the partner gets letters")
    library = settings.find_library(profile.library)
    parties = MockParties(
        LibraryParty(symbol=policy.symbol or profile.name, profile=profile.name, name=policy.name, email=policy.email),
        LibraryParty(symbol=library.symbol, profile=profile.name, name=library.name, email=options.address),
    )
    choice = ScenarioChoice(PlayedRole.LETTER_READER, options.scenarios, options.chosen, DEFAULT_LETTER_SCENARIO, ())
    renderer = LetterRenderer(settings.letters_folder, settings.letters.language)
    concealer = MailConcealer(settings, adapters, lambda: (profile,))

    def find_link_words(answer: str, language: str) -> str:
        return renderer.resolve_language(language or policy.language).words.pages.get(f"say-{answer}", "")

    display = MailDisplay(adapters.mailboxes[CLIENT], concealer.conceal_sent, clock)
    play = LetterPlay(parties=parties, choice=choice)
    return PlayedLetterReader(play, HttpLetterPrograms(mailer), find_link_words, display.show_mail, clock, pass_seconds)


@value_object
class HttpLetterPrograms:
    """`LetterPrograms`: mails go out by the mailer, links are opened by HTTP."""

    mailer: Mailer

    def read_letter(self, content: bytes) -> LetterAsShown:
        """See `LetterPrograms`."""
        return read_letter(content)

    async def answer_link(self, address: str, filling: FormFilling) -> LinkVisit:
        """See `LetterPrograms`."""
        page = await _visit_page(address, None)
        filled = fill_form(page, filling)
        if filled is None:
            return LinkVisit(sent=None, text=read_page_text(page), status=page.status)
        result = await _visit_page(filled.action, filled.fields)
        return LinkVisit(sent=filled.fields, text=read_page_text(result), status=result.status)

    async def write_mail(self, written: MailToWrite) -> WrittenMail:
        """See `LetterPrograms`."""
        mail = compose_mail(written)
        try:
            return WrittenMail(mail.as_bytes(), await self.mailer.send(mail))
        except (Unavailable, OutcomeUnknown, Refused) as error:
            return WrittenMail(mail.as_bytes(), problem=f"not delivered: {error}")


async def _visit_page(url: str, fields: Mapping[str, str] | None) -> VisitedPage:
    """Visit a page by GET, or by POST with the fields of a form. Raises Unavailable."""
    method = "GET" if fields is None else "POST"
    timeout = aiohttp.ClientTimeout(total=VISIT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, data=fields) as response,
        ):
            body = await response.content.read(MAX_PAGE_BYTES)
            return VisitedPage(str(response.url), response.status, body)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(type(error).__name__) from error
