"""`support.compilations`: what is compiled once for all tests is what each environment would make of its file, and each
engine of its statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, literal, select
from sqlalchemy.pool import NullPool

from gateway.services.letters.templates import LetterFormat, TemplateSource
from tests.support.compilations import copy_compiled_template


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


def execute_select(value: int, **options: Any) -> tuple[Any, Any]:
    """Return the value, as a new engine reads it, and the compiled statement."""
    with create_engine("sqlite://", poolclass=NullPool, **options).connect() as connection:
        result = connection.execute(select(literal(value)))
        return result.scalar(), result.context.compiled  # type: ignore[attr-defined]


def test_a_statement_is_compiled_once_for_all_engines_of_a_kind() -> None:
    first, compiled = execute_select(7)
    second, compiled_again = execute_select(8)
    assert (first, second) == (7, 8)
    assert compiled_again is compiled

    third, compiled_anew = execute_select(9, paramstyle="named")
    assert third == 9
    assert ("?" in str(compiled), ":param_1" in str(compiled_anew)) == (True, True)
