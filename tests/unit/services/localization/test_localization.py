"""Texts, days, sums and names in the reader's language, from .po files that are read as they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import jinja2
import pytest
from markupsafe import Markup

from gateway.domain.library import Money
from gateway.domain.problems import ConfigurationError
from gateway.services.letters.localization import Localization, TextCatalogues, install_translations, language_fallbacks

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)

POLISH = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);\\n"

msgid "%(num)s request"
msgid_plural "%(num)s requests"
msgstr[0] "%(num)s zamówienie"
msgstr[1] "%(num)s zamówienia"
msgstr[2] "%(num)s zamówień"

msgctxt "of a request"
msgid "Open"
msgstr "Otwarte"

msgid "Open"
msgstr "Otwórz"

msgid "Hello, %(name)s: 100 %%"
msgstr "Cześć, %(name)s: 100 %%"
"""


def write_catalogue(folder: Path, language: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{language}.po"
    file.write_text(text, "utf-8")
    return file


@pytest.fixture
def polish(tmp_path: Path) -> Localization:
    write_catalogue(tmp_path, "pl", POLISH)
    return TextCatalogues((tmp_path,), "en").choose_language(("pl",))


def localize(language: str) -> Localization:
    return TextCatalogues((), "en").choose_language((language,))


def localize_by_empty_file(folder: Path, language: str) -> Localization:
    write_catalogue(folder, language, 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n')
    return TextCatalogues((folder,), "en").choose_language((language,))


class TestTexts:
    def test_plural_forms_are_those_of_the_file(self, polish: Localization) -> None:
        said = [polish.ngettext("%(num)s request", "%(num)s requests", count) for count in (1, 3, 5, 22)]
        assert said == ["1 zamówienie", "3 zamówienia", "5 zamówień", "22 zamówienia"]
        assert polish.ngettext("%(num)s request", "%(num)s requests", 21_405) == "21\xa0405 zamówień"

    def test_one_english_word_may_be_two_elsewhere(self, polish: Localization) -> None:
        assert polish.gettext("Open") == "Otwórz"
        assert polish.pgettext("of a request", "Open") == "Otwarte"

    def test_values_and_percent_signs_stand_in_texts(self, polish: Localization) -> None:
        assert polish.gettext("Hello, %(name)s: 100 %%", name="Łucja") == "Cześć, Łucja: 100 %"

    def test_english_stands_in_for_what_is_missing(self, polish: Localization) -> None:
        assert polish.gettext("Never translated") == "Never translated"
        assert polish.ngettext("%(num)s copy", "%(num)s copies", 2) == "2 copies"

    def test_the_installations_language_stands_in_before_english(self, tmp_path: Path) -> None:
        write_catalogue(tmp_path, "pl", POLISH)
        write_catalogue(tmp_path, "uk", POLISH.partition('msgid "%(num)s')[0])
        assert TextCatalogues((tmp_path,), "pl").choose_language(("uk",)).gettext("Open") == "Otwórz"
        assert TextCatalogues((tmp_path,), "pl").choose_language(("en",)).gettext("Open") == "Open"

    def test_an_installation_says_things_in_its_own_words(self, tmp_path: Path) -> None:
        header = POLISH.partition('msgid "%(num)s')[0].replace(
            "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)",
            "nplurals=2; plural=(n != 1)",
        )
        write_catalogue(tmp_path, "en", header + '\nmsgid "Open"\nmsgstr "Unlock"\n')
        assert TextCatalogues((tmp_path,), "en").choose_language(("en",)).gettext("Open") == "Unlock"

    def test_templates_speak_the_language_that_they_are_rendered_in(self, polish: Localization) -> None:
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        install_translations(environment)
        template = environment.from_string(
            "{{ pgettext('of a request', 'Open') }} {% trans num=3 %}\n  {{ num }} request\n"
            "{% pluralize %}{{ num }} requests{% endtrans %} {{ _('Hello, %(name)s: 100 %%', name='<b>') }}"
        )
        assert template.render(localization=polish) == "Otwarte 3 zamówienia Cześć, &lt;b&gt;: 100 %"
        with pytest.raises(jinja2.UndefinedError, match="with context"):
            template.render()


class TestLanguages:
    def test_a_wish_falls_back_to_what_there_is(self, tmp_path: Path) -> None:
        write_catalogue(tmp_path, "pl", POLISH)
        languages = TextCatalogues((tmp_path,), "pl")
        assert languages.choose_language(("ja", "de-CH", "en")).language == "de"
        assert languages.choose_language(("ger",)).language == "de"
        assert languages.choose_language(("ja",)).language == "pl"
        assert languages.choose_language(()).chain == ("pl", "en")

    def test_a_code_of_library_systems_is_a_language(self) -> None:
        assert language_fallbacks("ger") == ["de"]
        assert language_fallbacks("zh_Hant_TW") == ["zh-hant-tw", "zh-hant", "zh"]

    def test_a_file_is_all_that_a_language_needs(self, tmp_path: Path) -> None:
        hebrew = localize_by_empty_file(tmp_path, "he")
        assert (hebrew.language, hebrew.direction, hebrew.name) == ("he", "rtl", "עברית")
        assert TextCatalogues((tmp_path,), "en").known == {"de": "Deutsch", "en": "English", "he": "עברית"}
        assert localize("de").direction == "ltr"

    def test_a_file_that_names_no_language_is_none(self, tmp_path: Path) -> None:
        write_catalogue(tmp_path, "notes", POLISH)
        assert "notes" not in TextCatalogues((tmp_path,), "en").known

    def test_a_changed_file_counts_at_once(self, tmp_path: Path) -> None:
        file = write_catalogue(tmp_path, "pl", POLISH)
        languages = TextCatalogues((tmp_path,), "en")
        assert languages.choose_language(("pl",)).gettext("Open") == "Otwórz"
        file.write_text(POLISH.replace("Otwórz", "Rozwiń"), "utf-8")
        assert languages.choose_language(("pl",)).gettext("Open") == "Rozwiń"

    @pytest.mark.parametrize(
        ("change", "line", "why"),
        [
            (("Cześć, %(name)s", "Cześć, %(nmae)s"), 19, "%(nmae)s is no value of: Hello"),
            (("Cześć, %(name)s: 100 %%", "Cześć, %(name)s: 100 %"), 19, "isn't written %%"),
            (('msgstr[2] "%(num)s zamówień"\n', ""), 6, "plural forms"),
            (('msgid "Open"\nmsgstr "Otwórz"', 'msgid "Open"\nOtwórz'), 17, ""),
        ],
    )
    def test_a_bad_file_is_told_with_its_line_and_changes_nothing(
        self, tmp_path: Path, change: tuple[str, str], line: int, why: str
    ) -> None:
        file = write_catalogue(tmp_path, "pl", POLISH)
        languages = TextCatalogues((tmp_path,), "en")
        languages.choose_language(("pl",))
        file.write_text(POLISH.replace(*change), "utf-8")
        with pytest.raises(ConfigurationError) as error:
            languages.read_localization(("pl", "en"))
        [problem] = error.value.problems
        assert (problem.file.endswith("pl.po"), problem.line) == (True, line)
        assert why in problem.message
        assert languages.choose_language(("pl",)).gettext("Open") == "Otwórz"

    def test_a_bad_file_at_the_start_leaves_the_others(self, tmp_path: Path) -> None:
        write_catalogue(tmp_path, "pl", POLISH.replace("Cześć, %(name)s", "Cześć, %(nobody)s"))
        assert TextCatalogues((tmp_path,), "en").choose_language(("pl",)).language == "en"


class TestDaysAndTimes:
    def test_days_are_written_as_the_language_writes_them(self, polish: Localization) -> None:
        day = date(2026, 11, 24)
        said = [one.format_day(day) for one in (localize("en"), localize("de"), polish)]
        assert said == ["24 November 2026", "24. November 2026", "24 listopada 2026"]

    def test_a_moment_is_told_in_the_librarys_zone(self) -> None:
        english, moment = localize("en"), datetime(2026, 11, 24, 8, 5, tzinfo=UTC)
        assert english.format_moment(moment, BERLIN) == "24 November 2026, 09:05"
        assert localize("de").format_moment(moment, BERLIN) == "24. November 2026, 09:05\N{NO-BREAK SPACE}Uhr"
        assert english.format_moment(date(2026, 11, 24), BERLIN) == "24 November 2026"

    def test_the_last_minute_of_a_day_is_the_day(self) -> None:
        assert localize("en").format_moment(datetime(2026, 11, 24, 22, 59, tzinfo=UTC), BERLIN) == "24 November 2026"

    def test_lists_say_the_time_of_today_and_the_day_of_what_is_older(self) -> None:
        english = localize("en")
        assert english.format_short(NOON - timedelta(hours=2), NOON, BERLIN) == "10:00"
        assert english.format_short(datetime(2026, 11, 24, 23, 30, tzinfo=UTC), NOON, BERLIN) == "25 Nov"
        assert english.format_short(date(2026, 11, 24), NOON, BERLIN) == "24 Nov"
        assert english.format_short(date(2025, 3, 1), NOON, BERLIN) == "1 Mar 2025"
        assert localize("de").format_short(date(2026, 11, 24), NOON, BERLIN) == "24. Nov."

    def test_today_begins_at_midnight_where_the_library_is(self) -> None:
        english = localize("en")
        before, after = datetime(2026, 11, 24, 22, 30, tzinfo=UTC), datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
        assert english.format_short(before, before, BERLIN) == "23:30"
        assert english.format_short(before, after, BERLIN) == "24 Nov"
        assert english.format_short(after, after, BERLIN) == "00:30"

    @pytest.mark.parametrize(
        ("age", "short", "words"),
        [
            (timedelta(minutes=5), "5 min", "5 minutes"),
            (timedelta(hours=1, minutes=50), "1 h", "1 hour"),
            (timedelta(hours=47), "47 h", "47 hours"),
            (timedelta(hours=49), "2 d", "2 days"),
            (timedelta(days=41, hours=3), "41 d", "41 days"),
            (timedelta(minutes=1), "1 min", "1 minute"),
            (timedelta(seconds=59), "just now", "less than a minute"),
            (timedelta(minutes=-1), "just now", "less than a minute"),
        ],
    )
    def test_an_age_is_short_in_lists_and_long_elsewhere(self, age: timedelta, short: str, words: str) -> None:
        english = localize("en")
        assert english.format_age(NOON - age, NOON).replace("\u00a0", " ") == short
        assert english.format_age_in_words(NOON - age, NOON) == words

    def test_an_age_in_german_fits_what_stands_before_it(self) -> None:
        """Seit 3 Tagen, vor 3 Tagen; CLDR's own has only 3 Tage."""
        assert localize("de").format_age_in_words(NOON - timedelta(days=3), NOON) == "3 Tagen"

    @pytest.mark.parametrize(
        ("days", "words"),
        [(1, "1 Tag"), (30, "30 Tage"), (365, "1 Jahr"), (400, "400 Tage"), (1095, "3 Jahre"), (0, "0 Tage")],
    )
    def test_whole_years_of_days_are_said_as_years(self, days: int, words: str) -> None:
        assert localize("de").format_days(days) == words

    def test_days_of_data_are_written_for_readers(self) -> None:
        german = localize("de")
        assert german.format_written_day("2018-03-01") == "1. März 2018"
        assert german.format_written_day("2018-03") == "März 2018"
        for text in ("2018", "Frühjahr 2018", "2018-02-31", ""):
            assert german.format_written_day(text) == text


class TestListsNumbersAndNames:
    def test_a_list_ends_in_the_languages_and(self) -> None:
        assert localize("en").format_list(["vol. 1", "vol. 2", "vol. 3"]) == "vol. 1, vol. 2 and vol. 3"
        assert localize("de").format_list(["Band 1", "Band 2"]) == "Band 1 und Band 2"
        assert localize("de").format_list([]) == ""

    def test_a_list_of_markup_is_markup(self) -> None:
        said = localize("en").format_list([Markup("<bdi>a</bdi>"), "<b>"])
        assert isinstance(said, Markup)
        assert said == "<bdi>a</bdi> and &lt;b&gt;"

    def test_sums_keep_all_their_places(self) -> None:
        assert localize("en").format_money(Money(Decimal("12.5"), "EUR")) == "€12.50"
        assert localize("de").format_money(Money(Decimal("1200.125"), "USD")) == "1.200,125\u00a0$"
        assert localize("en").format_money(Money(Decimal(700), "JPY")) == "JP¥700"

    def test_numbers_are_grouped(self) -> None:
        assert [localize(code).format_number(12345) for code in ("en", "de")] == ["12,345", "12.345"]

    def test_languages_have_names(self) -> None:
        german = localize("de")
        assert [german.language_name(code) for code in ("eng", "ger", "fr", "zh-Hant", "mul")] == [
            "Englisch",
            "Deutsch",
            "Französisch",
            "Chinesisch (traditionell)",
            "Mehrsprachig",
        ]
        assert german.language_name("Old Norse, mostly") == "Old Norse, mostly"
