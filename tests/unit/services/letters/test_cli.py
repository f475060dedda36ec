"""`illgate letter`, and what `illgate check` says of templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.unit.services.letters.support import write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "gateway.yml").write_text("mail:\n  host: mail.example\n  sender: ill@northfield.example\n")
    (tmp_path / "profiles").mkdir()
    return tmp_path


def illgate(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(folder / "gateway.yml"), *words], catch_exceptions=False)


def test_the_list_says_where_a_letter_comes_from(folder: Path) -> None:
    write(folder / "letters", {"de/patron/sent.j2": "{% set subject %}a{% endset %}b"})

    lines = illgate(folder, "letter", "list").stdout.splitlines()

    assert lines[0].split() == ["LETTER", "de", "en"]
    assert "patron/sent                 *        shipped" in lines
    assert "partner/request             shipped  shipped" in lines


def test_a_preview_in_text(folder: Path) -> None:
    shown = illgate(folder, "letter", "preview", "available", "--language", "de").stdout

    assert shown.startswith("To: zoe.ostergard@northfield.example\nSubject: Abholbereit: ")
    assert "Guten Tag Zoë Østergård," in shown


def test_a_preview_in_html_and_another_script(folder: Path) -> None:
    shown = illgate(folder, "letter", "preview", "request", "--script", "arabic", "--html").stdout

    assert shown.startswith("<!DOCTYPE html>")
    assert '<bdi dir="auto">مجلة علوم المكتبات</bdi></td>' in shown


def test_a_preview_as_a_partner_gets_it(folder: Path) -> None:
    (folder / "profiles" / "seeberg.yml").write_text(
        "partner:\n  symbols: [SE-77]\n  channel: mail\n  language: de\nletters:\n  subject: 'BITTE {reference}'\n"
    )

    shown = illgate(folder, "letter", "preview", "request", "--profile", "seeberg").stdout

    assert "Subject: BITTE NO-01-2026-000417\n" in shown
    assert "bitte liefern Sie dieses Medium:" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("overdue",), "several letters match: patron/overdue or partner/overdue"),
        (("avalable",), "letter not found: avalable; did you mean 'available'?"),
        (("sent", "--language", "xx"), "no letters in language 'xx'; there are: de, en"),
        (("request", "--profile", "nobody"), "profile not found: nobody"),
    ],
)
def test_what_can_not_be_shown(folder: Path, words: tuple[str, ...], said: str) -> None:
    done = illgate(folder, "letter", "preview", *words)

    assert done.exit_code == 2
    assert said in done.stderr


def test_a_preview_of_a_broken_template_says_where(folder: Path) -> None:
    write(folder / "letters", {"en/patron/sent.j2": "{% set subject %}a{% endset %}\n{{ nubmer }}"})

    done = illgate(folder, "letter", "preview", "sent")

    assert done.exit_code == 3
    assert "letters/en/patron/sent.j2:2: 'nubmer' is undefined" in done.stderr


# --- illgate check ---------------------------------------------------------------------------------------


def test_check_renders_every_template(folder: Path) -> None:
    write(
        folder / "letters",
        {
            "en/patron/sent.j2": "{% set subject %}a{% endset %}\n{{ nubmer }}",
            "de/partner/recall.html.j2": "{% if %}",
            "en/patron/avalable.j2": "never used",
            "en/patron/_foot.j2": "for others",
        },
    )

    done = illgate(folder, "check")

    assert done.exit_code == 1
    assert "letters/en/patron/sent.j2:2: 'nubmer' is undefined" in done.stdout
    assert "letters/de/partner/recall.html.j2:1: " in done.stdout
    assert "avalable.j2: no letter is called 'patron/avalable' (did you mean 'patron/available'?)" in done.stdout
    assert "_foot" not in done.stdout


def test_check_finds_words_that_nobody_reads(folder: Path) -> None:
    write(
        folder / "letters",
        {
            "english.po": 'msgid "Reserve"\nmsgstr "Hold"\n',
            "fr.po": 'msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "Open %%"\nmsgstr "Ouvrir %"\n',
            "de/openurl.yml": "texts:\n  borow-title: Fernleihe\n  hold-title: Vormerken\n",
        },
    )

    done = illgate(folder, "check")

    assert done.exit_code == 1
    assert "letters/english.po: no language has this code" in done.stdout
    assert "letters/fr.po:4: a percent sign that isn't written %% in: Ouvrir %" in done.stdout
    assert "letters/de/openurl.yml:2: texts.borow-title: no text has this key" in done.stdout
    assert "did you mean 'borrow-title'?" in done.stdout
    assert "hold-title" not in done.stdout


def test_check_finds_a_language_that_is_not_there(folder: Path) -> None:
    (folder / "gateway.yml").write_text("letters:\n  language: fr\n")

    assert (
        "gateway.yml:2: letters.language: no such language, found 'fr', allowed: de, en"
        in illgate(folder, "check").stdout
    )


def test_check_looks_into_a_librarys_own_folder(folder: Path) -> None:
    (folder / "gateway.yml").write_text(
        "libraries:\n"
        "  - symbol: NORTH\n"
        "    letters: {folder: north, language: fr}\n"
        "  - symbol: SOUTH\n"
        "    letters: {folder: nothing}\n"
    )
    write(folder / "north", {"en/patron/sent.j2": "{% set subject %}a{% endset %}\n{{ nobody }}", "sendt.j2": ""})

    said = illgate(folder, "check").stdout

    assert "gateway.yml:3: libraries.0.letters.language: no such language, found 'fr', allowed: de, en" in said
    assert "gateway.yml:5: libraries.1.letters.folder: no such folder, found 'nothing'" in said
    assert "north/en/patron/sent.j2:2: 'nobody' is undefined" in said
    assert "north/sendt.j2: no letter is called 'sendt'" in said


def test_a_librarys_own_letter_is_previewed(folder: Path) -> None:
    (folder / "gateway.yml").write_text("libraries: [{symbol: NORTH, letters: {folder: north}}, {symbol: SOUTH}]\n")
    write(folder / "north", {"en/patron/sent.j2": "{% set subject %}a{% endset %}\nOff it goes."})

    assert "Off it goes." in illgate(folder, "letter", "preview", "sent", "--library", "NORTH").stdout
    assert "Off it goes." not in illgate(folder, "letter", "preview", "sent", "--library", "SOUTH").stdout


def test_check_looks_into_a_partners_own_folder(folder: Path) -> None:
    (folder / "profiles" / "seeberg.yml").write_text("partner:\n  channel: mail\nletters:\n  folder: seeberg\n")
    (folder / "profiles" / "other.yml").write_text("partner:\n  channel: mail\nletters:\n  folder: nothing\n")
    write(folder / "seeberg", {"en/partner/request.j2": "{% set subject %}a{% endset %}\n{{ patron }}"})

    shown = illgate(folder, "check").stdout

    assert "seeberg/en/partner/request.j2:2: 'patron' is undefined" in shown
    assert "profiles/other.yml:4: letters.folder: no such folder" in shown


def test_check_misses_a_mail_password(folder: Path) -> None:
    (folder / "gateway.yml").write_text(
        "mail:\n  host: mail.example\n  sender: a@b.example\n  user: u\n  password: env:ILLGATE_NOT_SET\n"
    )

    assert "gateway.yml:5: mail.password: no secret at env:ILLGATE_NOT_SET" in illgate(folder, "check").stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("host: mail.example", "with host, sender must be said"),
        ("user: me", "user and password go together"),
        ("user: me\n  password: env:X\n  security: none", "a password is not sent over an open connection"),
        ("sender: nobody", "mail.sender"),
    ],
)
def test_settings_that_do_not_fit_together(folder: Path, settings: str, said: str) -> None:
    (folder / "gateway.yml").write_text(f"mail:\n  {settings}\n")

    assert said in illgate(folder, "check").stdout
