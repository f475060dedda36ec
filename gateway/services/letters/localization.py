"""Texts of pages and letters in the reader's language, and days, sums and names as that language writes them.

English texts stand in templates and code; `gateway/translations/LANGUAGE.po` has those of another language, and is read
as it is. An operator's folder may hold such files too, which come before ours: to say something in other words (English
by `en.po`), or to add a language; what an operator has in YAML (`own_words.py`) counts too. Plural forms come from the
file, direction and formats from CLDR.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal

import jinja2
import structlog
from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent
from babel.units import format_unit
from jinja2.runtime import Context
from markupsafe import Markup, escape

from gateway.domain.library import Money
from gateway.domain.problems import ConfigurationError
from gateway.domain.sentences import Sentence, SentenceValue
from gateway.domain.value import value_object
from gateway.services.letters.catalogue_files import (
    CATALOGUE_SUFFIX,
    SHIPPED_TRANSLATIONS,
    compile_own_words,
    find_changed,
    is_known_to_cldr,
    is_language_code,
    read_catalogue,
)
from gateway.services.letters.own_words import PAGE_TEXTS_FILE, WORDS_FILE, ChangedFile, OwnWords, read_own_words

log = structlog.get_logger(component="texts")

SOURCE_LANGUAGE = "en"
"""The language of the texts in templates and code: it needs no file, and stands in for what others lack."""

REGION_FORMATS = {"en": "en_GB"}
"""CLDR takes plain English for that of the USA; readers elsewhere would misread its days."""

HOURS_SHOWN = timedelta(hours=48)
"""An age is said in hours up to here, then in days."""

DAYS_OF_YEAR = 365
"""As settings count them."""

_APOSTROPHE = re.compile(r"(?<=[^\W\d_])'(?=[^\W\d_])")

_WRITTEN_DAY = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?")


NO_OWN_WORDS = OwnWords()


@value_object
class Localization:
    """The language and forms for one reader. `chain`: codes of the language and of those that stand in for it. `own`:
    an operator's words of the language itself; `extra`: of all of them, those for keys of the operator's own.

    Texts are formatted with `%` whether there are values or not, as in templates: `%(name)s` is a value, `%%` a
    percent sign.
    """

    chain: tuple[str, ...]
    locale: Locale
    translations: NullTranslations
    own: OwnWords = field(default=NO_OWN_WORDS, compare=False)
    extra: OwnWords = field(default=NO_OWN_WORDS, compare=False)

    @property
    def language(self) -> str:
        """Code, such as de or pt-br."""
        return self.chain[0]

    @property
    def name(self) -> str:
        """The name of the language, in itself."""
        return self.own.name or name_language(self.language)

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        if self.own.direction:
            return self.own.direction
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    # --- texts -----------------------------------------------------------------------------------------------

    def gettext(self, message: str, /, **values: object) -> str:
        return self.translations.gettext(message) % values

    def translate_sentence(self, sentence: str) -> str:
        """Translate a sentence of the program, with the apostrophes of pages; what no catalogue has, such as another
        system's own words, stays as it is but for them."""
        if not isinstance(sentence, Sentence):
            return curl_apostrophes(self.translations.gettext(sentence)) if sentence else ""
        values = {name: self.translate_value(value) for name, value in sentence.values.items()}
        text = self.translations.gettext(sentence.template)
        if text == sentence.template and not text.endswith("."):  # it may have lost its full stop within another
            whole = f"{text}."
            text = self.translations.gettext(whole).removesuffix(".")
        return curl_apostrophes(text) % values

    def translate_stored(self, text: str) -> str:
        """A text that people may have written stays as it is; so does what an older release stored in English."""
        return self.translate_sentence(text) if isinstance(text, Sentence) else text

    def translate_value(self, value: SentenceValue) -> str:
        """Translate a value of a sentence; texts that are none stay as they are."""
        if isinstance(value, Sentence):
            return self.translate_sentence(value)
        if isinstance(value, datetime):
            return self.format_moment(value, value.tzinfo or UTC)
        if isinstance(value, date):
            return self.format_day(value)
        if isinstance(value, Decimal):
            return self.format_number(value)
        return self.format_money(value) if isinstance(value, Money) else value

    def ngettext(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        """`count` can stand in the text as `%(num)s`, as in templates; it is written as the language writes numbers."""
        return self.translations.ngettext(singular, plural, count) % {"num": self.format_number(count), **values}

    def pgettext(self, context: str, message: str, /, **values: object) -> str:
        """`context` tells apart what is one word in English and two elsewhere."""
        return self.translations.pgettext(context, message) % values

    def npgettext(self, context: str, singular: str, plural: str, count: int, /, **values: object) -> str:
        text = self.translations.npgettext(context, singular, plural, count)
        return text % {"num": self.format_number(count), **values}

    def choose_text(self, texts: Mapping[str, str]) -> str:
        """Choose from what an operator wrote in some languages; the first where none of ours is among them."""
        return next((texts[code] for code in self.chain if code in texts), next(iter(texts.values()), ""))

    # --- days and times --------------------------------------------------------------------------------------

    def format_day(self, day: date) -> str:
        """24 November 2026"""
        if self.own.date:
            months = self.own.months
            month = months[day.month - 1] if months else format_skeleton("LLLL", day, locale=self.locale)
            return self.own.date.format(day=day.day, month=month, month_number=day.month, year=day.year)
        return format_date(day, "long", locale=self.locale)

    def format_month(self, year: int, month: int) -> str:
        """Nov 2026"""
        skeleton: str = format_skeleton("yMMM", date(year, month, 1), locale=self.locale)
        return skeleton

    def format_month_name(self, month: int) -> str:
        """Nov"""
        skeleton: str = format_skeleton("MMM", date(2000, month, 1), locale=self.locale)
        return skeleton

    def format_moment(self, moment: date | datetime, zone: tzinfo) -> str:
        """A day, or a day and a time in the zone: 24 November 2026, 09:05. The last minute of a day is the day."""
        if not isinstance(moment, datetime):
            return self.format_day(moment)
        local = moment.astimezone(zone)
        if (local.hour, local.minute) == (23, 59):
            return self.format_day(local.date())
        day, time = self.format_day(local.date()), self.format_clock_time(local, zone)
        if self.own.moment:
            return self.own.moment.format(date=day, time=time)
        return self.pgettext("day and clock time", "%(day)s, %(time)s", day=day, time=time)

    def format_clock_time(self, moment: datetime, zone: tzinfo) -> str:
        """09:05"""
        local = moment.astimezone(zone)
        if self.own.time:
            return self.own.time.format(hour=local.hour, minute=local.minute)
        return format_time(local.time(), "short", locale=self.locale)

    def format_short(self, moment: date | datetime, now: datetime, zone: tzinfo) -> str:
        """Format a moment for lists: the clock time of what is of today, else 24 Nov; with the year where it isn't this
        year."""
        today = now.astimezone(zone).date()
        if isinstance(moment, datetime):
            day = moment.astimezone(zone).date()
            if day == today:
                return self.format_clock_time(moment, zone)
        else:
            day = moment
        if day.year == today.year:
            return format_skeleton("MMMd", day, locale=self.locale)
        return format_skeleton("yMMMd", day, locale=self.locale)

    def format_to_second(self, moment: datetime, now: datetime, zone: tzinfo) -> str:
        """Format a moment for lists where seconds count: 09:05:44 of today, else 24 Nov, 09:05:44."""
        local = moment.astimezone(zone)
        time = format_time(local.time(), "medium", locale=self.locale)
        if local.date() == now.astimezone(zone).date():
            return time
        day = self.format_short(local.date(), now, zone)
        return self.pgettext("day and clock time", "%(day)s, %(time)s", day=day, time=time)

    def format_written_day(self, text: str) -> str:
        """A day or month as data has it (2018-03-01, 2018-03), as a reader writes it; all else as it is."""
        match = _WRITTEN_DAY.fullmatch(text.strip())
        if match is None:
            return text
        try:
            day = date(int(match[1]), int(match[2]), int(match[3] or 1))
        except ValueError:
            return text
        return self.format_day(day) if match[3] else format_skeleton("yMMMM", day, locale=self.locale)

    def format_age(self, since: datetime, now: datetime) -> str:
        """Format how long ago it was, for lists: just now, 22 h, 3 d."""
        if now - since < timedelta(minutes=1):
            return self.gettext(mark_text("just now"))
        count, unit = _measure_age(now - since)
        length: Literal["short", "narrow"] = "short" if unit == "minute" else "narrow"  # 5 min, as 5 m is a length
        short = format_unit(count, unit, length=length, locale=self.locale.language)
        return re.sub(r"(\d) ?(?=[^\W\d_])", "\\1\u00a0", short)

    def format_age_in_words(self, since: datetime, now: datetime) -> str:
        """22 hours, 3 days; what goes on for less than a minute has no number. In the case that *since* and *ago* ask
        for, which languages' own words for units don't have: seit 3 Tagen."""
        if now - since < timedelta(minutes=1):
            return self.pgettext("since, ago", "less than a minute")
        count, unit = _measure_age(now - since)
        if unit == "minute":
            return self.npgettext("since, ago", "%(num)s minute", "%(num)s minutes", count)
        if unit == "hour":
            return self.npgettext("since, ago", "%(num)s hour", "%(num)s hours", count)
        return self.npgettext("since, ago", "%(num)s day", "%(num)s days", count)

    def format_days(self, days: int) -> str:
        """30 days; whole years as people say them: 3 years"""
        count, unit = (days // DAYS_OF_YEAR, "year") if days and days % DAYS_OF_YEAR == 0 else (days, "day")
        return format_unit(count, unit, length="long", locale=self.locale)

    # --- lists, numbers, names -------------------------------------------------------------------------------

    def format_list(self, items: Iterable[str]) -> str:
        """a, b and c; with markup where an item has some."""
        parts = list(items)
        marked = any(isinstance(part, Markup) for part in parts)
        text: str = format_list([str(escape(part)) if marked else part for part in parts], locale=self.locale)
        return Markup(text) if marked else text

    def format_number(self, number: int | Decimal) -> str:
        decimal: str = format_decimal(number, locale=self.locale)
        return decimal

    def format_share(self, share: Decimal) -> str:
        """0.87 as 87 %"""
        percent: str = format_percent(share, locale=self.locale)
        return percent

    def format_money(self, money: Money) -> str:
        """Format money with all the places that the amount has, and at least those that the currency usually has."""
        return format_currency(money.amount, money.currency, locale=self.locale, decimal_quantization=False)

    def format_size(self, size: int) -> str:
        """Format the size of a file: 4.1 MB, or 820 kB."""
        number, unit = (
            (size / 1_000_000, "megabyte") if size >= 1_000_000 else (max(1, round(size / 1_000)), "kilobyte")
        )
        text: str = format_unit(round(number, 1), f"digital-{unit}", "short", locale=self.locale)
        return text

    def format_amount(self, amount: Decimal) -> str:
        """12.50: of a sum, for a field too."""
        exponent = amount.as_tuple().exponent
        places = 2 if exponent == -1 else max(0, -exponent) if isinstance(exponent, int) else 0
        mark = self.own.decimal or str(self.locale.number_symbols["latn"]["decimal"])
        return f"{amount:.{places}f}".replace(".", mark)

    def format_sum_with_code(self, money: Money) -> str:
        """EUR 12.50: with the code of the currency."""
        amount = self.format_amount(money.amount)
        if self.own.money:
            return self.own.money.format(amount=amount, currency=money.currency)
        return self.pgettext("sum of money", "%(currency)s %(amount)s", currency=money.currency, amount=amount)

    def language_name(self, code: str) -> str:
        """Return the name of a language by its code (ISO 639-1 or 639-2, as catalogues have it); what is no code as it
        is."""
        known = self.locale.languages
        forms = (code.strip().replace("-", "_"), normalize_language_code(code))
        return next((known[form] for form in forms if form in known), code)


def curl_apostrophes(text: str) -> str:
    """can’t instead of can't, which protocols and logs have."""
    return _APOSTROPHE.sub("’", text)


def _measure_age(age: timedelta) -> tuple[int, str]:
    if age < timedelta(hours=1):
        return max(0, int(age / timedelta(minutes=1))), "minute"
    if age < HOURS_SHOWN:
        return int(age / timedelta(hours=1)), "hour"
    return age.days, "day"


def normalize_language_code(code: str) -> str:
    """de-ch of de_CH, de of ger."""
    parts = code.strip().casefold().replace("_", "-").split("-")
    parts[0] = get_global("language_aliases").get(parts[0], parts[0])
    return "-".join(parts)


def language_fallbacks(code: str) -> list[str]:
    """The code itself and the more general ones: de-ch, de."""
    parts = normalize_language_code(code).split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]


@lru_cache(maxsize=64)  # each page names all languages, and CLDR's names are slow to look up
def name_language(code: str) -> str:
    """Name a language in itself as CLDR does; one that CLDR doesn't know has its code."""
    name = (Locale.parse(code, sep="-").get_display_name() if is_known_to_cldr(code) else "") or code
    return name[:1].upper() + name[1:] if name != code else code


class TextCatalogues:
    """All languages that there are. `own_folders`: the operator's own catalogues and words, the first one first, which
    come before ours: those for a partner, of a library, for all.

    A file that can't be read changes nothing for `choose_language`: what was read before stays, and the log says why.
    """

    def __init__(self, own_folders: Sequence[Path], default_language: str) -> None:
        self._own_folders = tuple(own_folders)
        self._default = default_language
        self._good: dict[tuple[str, ...], Localization] = {}
        self._problem = ""

    @property
    def known(self) -> Mapping[str, str]:
        """Code -> the language's name in itself."""
        return {code: self._localize((code,)).name for code in self.find_codes()}

    def find_codes(self) -> tuple[str, ...]:
        """Those with a catalogue, whose name is a language of CLDR, or with an operator's words; and English."""
        named = {file.parent.name for folder in self._own_folders for file in folder.glob(f"*/{WORDS_FILE}")}
        return tuple(sorted({*self.find_translated_codes(), *(code for code in named if is_language_code(code))}))

    def find_translated_codes(self) -> frozenset[str]:
        """Those with a catalogue, and English."""
        folders = (*self._own_folders, SHIPPED_TRANSLATIONS)
        files = {file.stem for folder in folders for file in folder.glob(f"*{CATALOGUE_SUFFIX}")}
        return frozenset({SOURCE_LANGUAGE, *(code for code in files if is_known_to_cldr(code))})

    def fallback_chain(self, wanted: str) -> tuple[str, ...]:
        """The language and those that stand in for it: de-ch, de, the default, en. Only those that there are."""
        codes = self.find_codes()
        wished = (wanted, self._default, SOURCE_LANGUAGE)
        chain = [fallback for code in wished for fallback in language_fallbacks(code) if fallback in codes]
        return tuple(dict.fromkeys(chain[: chain.index(SOURCE_LANGUAGE) + 1]))

    def choose_language(self, wished: Iterable[str]) -> Localization:
        """Choose the first of the languages that there is, else the default."""
        for code in wished:
            chain = self.fallback_chain(code)
            if chain[0] in language_fallbacks(code):
                return self._localize(chain)
        return self._localize(self.fallback_chain(""))

    def read_localization(self, chain: tuple[str, ...]) -> Localization:
        """Read texts; raises ConfigurationError with file and line."""
        catalogues: list[bytes] = []
        for code in chain:
            folders = (*self._own_folders, SHIPPED_TRANSLATIONS)
            own_words = self._find_own_files(code, WORDS_FILE)
            own_texts = self._find_own_files(code, PAGE_TEXTS_FILE)
            files = [find_changed(folder / f"{code}{CATALOGUE_SUFFIX}") for folder in folders]
            compiled = [read_catalogue(file) for file in files if file is not None]
            if own_words or own_texts:
                at = len(compiled) - (files[-1] is not None)  # before ours, behind the operator's catalogues
                compiled.insert(at, compile_own_words(code, own_words, own_texts))
            catalogues += compiled
        general = language_fallbacks(chain[0])
        return _make_localization(
            chain,
            tuple(catalogues),
            self._find_own_words([code for code in chain if code in general]),
            self._find_own_words(chain),
        )

    def _find_own_words(self, chain: Sequence[str]) -> tuple[ChangedFile, ...]:
        return tuple(file for code in reversed(chain) for file in self._find_own_files(code, WORDS_FILE))

    def _find_own_files(self, code: str, name: str) -> tuple[ChangedFile, ...]:
        """Find an operator's files, with that which comes before all others last."""
        files = [find_changed(folder / code / name) for folder in reversed(self._own_folders)]
        return tuple(file for file in files if file is not None)

    def _localize(self, chain: tuple[str, ...]) -> Localization:
        try:
            localization = self.read_localization(chain)
        except ConfigurationError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("texts.catalogue_unreadable", why=self._problem)
            return self._good.get(chain) or TextCatalogues((), self._default).choose_language(chain)
        self._good[chain] = localization
        return localization


@lru_cache(maxsize=64)
def _make_localization(
    chain: tuple[str, ...],
    catalogues: tuple[bytes, ...],
    own: tuple[ChangedFile, ...],
    extra: tuple[ChangedFile, ...],
) -> Localization:
    first = NullTranslations()
    for position, compiled in enumerate(catalogues):
        translations = GNUTranslations(BytesIO(compiled))
        if position:
            first.add_fallback(translations)
        else:
            first = translations
    code = next(code for code in chain if is_known_to_cldr(code))
    locale = Locale.parse(REGION_FORMATS.get(code, code).replace("-", "_"))
    return Localization(chain, locale, first, read_own_words(own), read_own_words(extra))


def mark_text(message: str) -> str:
    """A text of a table: it gets into the catalogues, and is looked up where it is shown."""
    return message


def mark_text_in_context(context: str, message: str) -> tuple[str, str]:
    """The same with what tells it apart, as `Localization.pgettext` takes it."""
    return context, message


def install_translations(environment: jinja2.Environment) -> None:
    """Lets templates say `_('…')` and `{% trans %}…{% endtrans %}`, in the language of the Localization that they are
    rendered with under the name `localization`. A file of macros that has texts is imported `with context`."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # of the extension
        _find_text, _find_plural, newstyle=True, pgettext=_find_text_in_context, npgettext=_find_plural_in_context
    )


def _translations_of(context: Context) -> NullTranslations:
    localization = context.get("localization")
    if not isinstance(localization, Localization):
        raise jinja2.UndefinedError("no 'localization' here: render with one, import macros 'with context'")
    return localization.translations


@jinja2.pass_context
def _find_text(context: Context, message: str) -> str:
    return _translations_of(context).gettext(message)


@jinja2.pass_context
def _find_plural(context: Context, singular: str, plural: str, count: int) -> str:
    return _translations_of(context).ngettext(singular, plural, count)


@jinja2.pass_context
def _find_text_in_context(context: Context, said_of: str, message: str) -> str:
    return _translations_of(context).pgettext(said_of, message)


@jinja2.pass_context
def _find_plural_in_context(context: Context, said_of: str, singular: str, plural: str, count: int) -> str:
    return _translations_of(context).npgettext(said_of, singular, plural, count)
