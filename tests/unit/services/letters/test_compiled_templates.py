"""`support.compiled_templates`: what is compiled once for all tests is what each environment would make of its file."""

from __future__ import annotations

from pathlib import Path

from gateway.services.letters.templates import LetterFormat, TemplateSource
from tests.support.compiled_templates import copy_compiled_template


def render(folder: Path, format_: LetterFormat) -> str:
    return TemplateSource([folder]).render_template("greeting", (), format_, {"name": "Ægir & Rán"})[0]


def test_a_changed_file_and_another_form_are_compiled_anew(tmp_path: Path) -> None:
    file = tmp_path / "greeting.j2"
    file.write_text("Dear {{ name }}")
    assert render(tmp_path, LetterFormat.TEXT) == "Dear Ægir & Rán"
    assert render(tmp_path, LetterFormat.HTML) == "Dear Ægir &amp; Rán"

    file.write_text("Kære {{ name }}")
    assert render(tmp_path, LetterFormat.TEXT) == "Kære Ægir & Rán"


def test_the_code_of_a_file_is_kept(tmp_path: Path) -> None:
    first, second = (TemplateSource([tmp_path])._environments[LetterFormat.TEXT] for _ in range(2))

    one = copy_compiled_template(first, "Kjære {{ name }}", "greeting", "greeting.j2")

    assert copy_compiled_template(second, "Kjære {{ name }}", "greeting", "greeting.j2") is one
