"""Letters to patrons and partners and slips, rendered from templates; nothing is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from gateway.domain.library import ContactKind, Patron
from gateway.domain.problems import ConfigurationError, ConfigurationProblem, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.request import Request
from gateway.domain.requests.supplier_takeover import find_supplier_party
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_mail import PLAIN, AnswerLink, LetterStyle, RenderedLetter
from gateway.ports.partner_channel import PartnerMessage
from gateway.services.letters import facts
from gateway.services.letters.facts import LetterContent, NoticeFacts, citation_rows, label_rows
from gateway.services.letters.localization import TextCatalogues
from gateway.services.letters.templates import (
    BEGINNING,
    SHIPPED,
    HtmlForm,
    LetterAudience,
    LetterFormat,
    MarkupForm,
    TemplateMissingError,
    TemplateSource,
    TextForm,
    clean_line,
    quote_text,
    split_blocks,
    strip_isolation,
)
from gateway.services.letters.vocabulary import LanguageWords, words_of_language
from gateway.settings import LibrarySettings, Settings

NOTHING = NoticeFacts()

MAX_SUBJECT_CHARS = 200
"""Characters; a longer one ends in …"""

_FORMS: dict[LetterFormat, MarkupForm] = {LetterFormat.TEXT: TextForm(), LetterFormat.HTML: HtmlForm()}


@value_object
class ResolvedLanguage:
    """`language`: the code of what it really is in."""

    language: str
    words: LanguageWords


@value_object
class LetterBeginning:
    """What staff may begin a letter of their own with. `text`: a paragraph a line."""

    name: str
    subject: str
    text: str


@value_object
class LetterPlace:
    """A place of letters: folders of templates and words, laid out as the shipped ones and the first one first,
    and the language of whom no other is known. Any of them may lack any letter, or not be there."""

    folders: tuple[Path, ...]
    language: str


class LetterRenderer:
    """`places` by symbol of the libraries that have letters of their own; the others share `place`."""

    def __init__(self, place: LetterPlace, places: Mapping[str, LetterPlace] = MappingProxyType({})) -> None:
        self._place = place
        self._places = dict(places)
        self._at = lru_cache(maxsize=128)(self._open_letter_sources)

    def place_library(self, library: LibrarySettings, settings: Settings) -> None:
        """Take the letters that a library's settings say now."""
        self._places.pop(library.symbol, None)
        if library.letters.is_own:
            self._places[library.symbol] = LetterPlace(*settings.find_letters(library))
        self._at.cache_clear()

    def find_languages(self, library: LibraryInfo | None = None) -> tuple[str, ...]:
        """Find those that letters can be in."""
        return self._at(library.symbol if library is not None else "").languages.find_codes()

    def find_template_files(self, name: str, language: str) -> tuple[Path, ...]:
        """The files that this letter is made from in this language itself, text and HTML; empty: another stands in."""
        place = self._at()
        return place.templates.find_template_files(name, language, place.languages.find_translated_codes())

    def is_own_template(self, file: Path) -> bool:
        """Return whether a template is the operator's."""
        return any(file.is_relative_to(folder) for folder in self._place.folders)

    def resolve_language(self, language: str, library: str = "") -> ResolvedLanguage:
        """The words of a language as it is wished for (de-CH, ger), or of what stands in for it. Raises
        ConfigurationError."""
        place = self._at(library)
        chain = place.languages.fallback_chain(language)
        return ResolvedLanguage(chain[0], place.read_words(chain))

    def render_patron_letter(
        self,
        name: str,
        request: Request,
        patron: Patron | None,
        library: LibraryInfo,
        zone: tzinfo,
        now: datetime,
        extra: NoticeFacts = NOTHING,
    ) -> RenderedLetter:
        """The notice of this name (`templates.PATRON_LETTERS`), in the patron's language. `to` is empty where the
        patron is not known or has no e-mail address.

        Raises Refused (there is no such letter), ConfigurationError (a template, with file and line).
        """
        place = self._at(library.symbol)
        chain = place.languages.fallback_chain(
            request.patron.language or (patron.language if patron is not None else "")
        )
        words = place.read_words(chain)
        content = facts.make_patron_content(request, patron, library, words, zone, extra)
        writing = place.start_writing(chain, words, zone)
        subject, text, html = writing.write_letter(f"{LetterAudience.PATRON.value}/{name}", content)
        return RenderedLetter(
            to=mail_address(patron, now.astimezone(zone).date()) if patron is not None else "",
            subject=subject,
            text=text,
            html=html,
            message_id=extra.message_id,
            language=chain[0],
            at=now,
            automatic=True,
        )

    def list_beginnings(
        self, request: Request, patron: Patron | None, library: LibraryInfo, zone: tzinfo, language: str = ""
    ) -> tuple[LetterBeginning, ...]:
        """What staff may begin a letter of their own with, in the patron's language, or in this one.

        Raises ConfigurationError (a template, with file and line).
        """
        place = self._at(library.symbol)
        chain = place.languages.fallback_chain(
            language or request.patron.language or (patron.language if patron is not None else "")
        )
        words = place.read_words(chain)
        content = facts.make_patron_content(request, patron, library, words, zone, NOTHING)
        writing = place.start_writing(chain, words, zone)
        return tuple(
            LetterBeginning(name.partition("/")[2], *writing.write_beginning(name, content))
            for name in place.templates.find_names(BEGINNING)
        )

    def for_partner(
        self,
        message: PartnerMessage,
        profile: Profile,
        library: LibraryInfo,
        zone: tzinfo,
        style: LetterStyle = PLAIN,
        answers: Sequence[AnswerLink] = (),
    ) -> RenderedLetter:
        """See `gateway.ports.outgoing_mail.PartnerLetters`. `to` is empty where neither message nor profile has an
        address. The subject always holds the transaction's number: answers are told apart by it."""
        place, policy = self._at(library.symbol, partner=style.folder), profile.partner
        chain = place.languages.fallback_chain(style.language or (policy.language if policy is not None else ""))
        words = place.read_words(chain)
        content = facts.make_partner_content(message, library, words, zone, answers)
        writing = place.start_writing(chain, words, zone)
        subject, text, html = writing.write_letter(f"{LetterAudience.PARTNER.value}/{message.kind.value}", content)
        return RenderedLetter(
            to=message.receiver.email or (policy.email if policy is not None else ""),
            subject=_make_partner_subject(subject, message, style, content),
            text=text,
            html=html,
            message_id=message.id,
            language=chain[0],
            at=message.at,
        )

    def render_slip(
        self,
        name: str,
        request: Request,
        patron: Patron | None,
        library: LibraryInfo,
        zone: tzinfo,
        now: datetime,
        facts: SlipFacts,
    ) -> RenderedLetter:
        """Render a slip to be printed (`templates.SLIPS`), in the library's language; `to` is empty.

        Raises Refused (there is no such slip), ConfigurationError (a template, with file and line).
        """
        place = self._at(library.symbol)
        chain = place.languages.fallback_chain("")
        words = place.read_words(chain)
        content = make_slip_content(request, patron, library, words, zone, facts)
        writing = place.start_writing(chain, words, zone)
        subject, text, html = writing.write_letter(f"{LetterAudience.SLIP.value}/{name}", content, "slip")
        return RenderedLetter(to="", subject=subject, text=text, html=html, message_id="", language=chain[0], at=now)

    def _open_letter_sources(self, symbol: str = "", partner: Path | None = None) -> _LetterSources:
        place = self._places.get(symbol, self._place)
        own = (*([partner] if partner is not None else []), *place.folders)
        return _LetterSources(TemplateSource((*own, SHIPPED)), TextCatalogues(own, place.language))


def make_letter_renderer(settings: Settings) -> LetterRenderer:
    renderer = LetterRenderer(LetterPlace(*settings.find_letters()))
    for library in settings.libraries:
        renderer.place_library(library, settings)
    return renderer


@value_object
class _LetterSources:
    templates: TemplateSource
    languages: TextCatalogues

    def read_words(self, chain: tuple[str, ...]) -> LanguageWords:
        """Read the words; raises ConfigurationError with file and line."""
        return words_of_language(self.languages.read_localization(chain))

    def start_writing(self, chain: tuple[str, ...], words: LanguageWords, zone: tzinfo) -> _LetterWriter:
        return _LetterWriter(self.templates, chain, self.languages.find_translated_codes(), words, zone)


@value_object
class _LetterWriter:
    """One letter being written."""

    templates: TemplateSource
    chain: tuple[str, ...]
    translated: frozenset[str]
    words: LanguageWords
    zone: tzinfo

    def write_letter(self, name: str, content: LetterContent, layout: str = "layout") -> tuple[str, str, str]:
        """Subject, text and HTML. Raises Refused, ConfigurationError."""
        try:
            text, subject = self._render_format(name, content, LetterFormat.TEXT, "", layout)
            html, _ = self._render_format(name, content, LetterFormat.HTML, subject, layout)
        except TemplateMissingError as missing:
            raise Refused(
                RefusalReason.UNSUPPORTED_SERVICE, write_sentence("Letter '%(missing)s' not found.", missing=missing)
            ) from missing
        return subject, text.strip("\n") + "\n", html.strip() + "\n"

    def write_beginning(self, name: str, content: LetterContent) -> tuple[str, str]:
        """Subject and text, a paragraph a line. Raises ConfigurationError."""
        values = self._make_values(content, LetterFormat.TEXT)
        body, heading = self.templates.render_template(name, self.chain, LetterFormat.TEXT, values, self.translated)
        paragraphs = (clean_line(block) for block in split_blocks(strip_isolation(body)))
        return strip_isolation(clean_line(heading)), "\n".join(paragraphs)

    def _render_format(
        self, name: str, content: LetterContent, format_: LetterFormat, subject: str, layout: str
    ) -> tuple[str, str]:
        values = self._make_values(content, format_)
        body, heading = self.templates.render_template(name, self.chain, format_, values, self.translated)
        subject = subject or _shorten_subject(strip_isolation(clean_line(heading)))
        if not subject:
            missing = f"letter template {name} ({self.chain[0]}): it sets no `subject`"
            raise ConfigurationError([ConfigurationProblem("", 0, (), missing)])
        values |= {"body": _FORMS[format_].format_paragraphs(body), "subject": subject}
        whole, _ = self.templates.render_template(layout, self.chain, format_, values, self.translated)
        return whole, subject

    def _make_values(self, content: LetterContent, format_: LetterFormat) -> dict[str, object]:
        form = _FORMS[format_]
        return {
            **content.plain,
            **{key: form.format_inline(value) for key, value in content.inline.items()},
            **{key: self._render_block(rows, format_) for key, rows in content.blocks.items()},
            **{key: self._render_part("quote", format_, text=value) for key, value in content.quotes.items()},
            **{key: self._render_part("link", format_, link=clean_line(value)) for key, value in content.links.items()},
            "choices": self._render_part(
                "choices", format_, yes=content.links.get("yes", ""), no=content.links.get("no", "")
            ),
            "answers": self._render_part("answers", format_, links=content.answers),
            "account_links": self._render_part(
                "account", format_, account=content.links.get("account", ""), settings=content.settings
            ),
            "greeting": self._render_greeting(content.name, form),
            "words": self.words,
            "localization": self.words.localization,
            "language": self.chain[0],
            "day": self._format_moment,
            "money": self.words.format_money,
        }

    def _render_greeting(self, name: str, form: MarkupForm) -> str:
        if not clean_line(name):
            return self.words.dear_nobody
        before, _, after = self.words.dear.partition("%(name)s")
        return form.mark_markup("{}{}{}").format(before, form.format_inline(name), after)

    def _render_block(self, rows: Iterable[tuple[str, str]], format_: LetterFormat) -> str:
        pairs = tuple((label, _FORMS[format_].format_cell(value)) for label, value in rows)
        width = max((len(label) for label, _ in pairs), default=0) + 1
        return self._render_part("fields", format_, rows=pairs, width=width)

    def _render_part(self, name: str, format_: LetterFormat, **values: object) -> str:
        """Empty for nothing: then its paragraph falls away."""
        if not any(value for key, value in values.items() if key != "width"):
            return ""
        quote = {"quoted": quote_text(str(values["text"]))} if "text" in values else {}
        known = {**values, **quote, "words": self.words, "localization": self.words.localization}
        part, _ = self.templates.render_template(name, self.chain, format_, known, self.translated)
        return _FORMS[format_].mark_markup(part.strip("\n"))

    def _format_moment(self, moment: date | datetime) -> str:
        return self.words.format_moment(moment, self.zone)


def mail_address(patron: Patron, today: date) -> str:
    """The one for notices, else the first that is good today; empty: none."""
    mails = [
        contact
        for contact in patron.contacts
        if contact.kind is ContactKind.EMAIL
        and contact.value
        and (contact.valid_from is None or contact.valid_from <= today)
        and (contact.valid_to is None or contact.valid_to >= today)
    ]
    mails.sort(key=lambda contact: contact.role != "notices")
    return mails[0].value if mails else ""


def _make_partner_subject(subject: str, message: PartnerMessage, style: LetterStyle, content: LetterContent) -> str:
    if style.subject:
        subject = style.subject.format(
            reference=message.transaction,
            number=content.inline["number"],
            kind=message.kind.value,
            title=content.inline["title"],
            symbol=message.sender.symbol,
            subject=subject,
        )
    subject = _shorten_subject(clean_line(subject))
    known = not message.transaction or message.transaction in subject
    return subject if known else _shorten_subject(f"{message.transaction} {subject}")


def _shorten_subject(subject: str) -> str:
    return subject if len(subject) <= MAX_SUBJECT_CHARS else f"{subject[: MAX_SUBJECT_CHARS - 1].rstrip()}…"


@value_object(kw_only=True)
class SlipFacts:
    """`pickup`: the place's name. `hold_until`: last day on the hold shelf."""

    barcode: str = ""
    pickup: str = ""
    hold_until: date | None = None


def make_slip_content(
    request: Request, patron: Patron | None, library: LibraryInfo, words: LanguageWords, zone: tzinfo, facts: SlipFacts
) -> LetterContent:
    """Make the content for a borrowing request: the supplier is who owns the item, behind a broker too."""
    partner, attempt = find_supplier_party(request), request.attempt
    due = request.terms.lender_due
    theirs = (attempt.theirs or attempt.transaction) if attempt is not None else ""
    return LetterContent(
        name="",
        inline={
            "number": request.number,
            "title": request.citation.short,
            "owner": partner.name or partner.symbol or partner.profile,
            "reader": patron.name.inverted if patron is not None else request.patron.identifier,
            "pickup": facts.pickup,
            "hold_until": words.format_day(facts.hold_until) if facts.hold_until else "",
        },
        blocks={
            "owner_address": label_rows(
                words, ("symbol", partner.symbol), ("address", partner.address), ("email", partner.email)
            ),
            "piece": label_rows(
                words,
                ("barcode", facts.barcode),
                ("our-reference", request.number),
                ("your-reference", theirs),
                ("due", words.format_moment(due, zone) if due is not None else ""),
            ),
            "item": citation_rows(request.citation, words),
        },
        quotes={},
        links={},
        plain={"request": request, "library": library},
    )
