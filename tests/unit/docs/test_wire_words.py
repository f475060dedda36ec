"""Design rule 2: behind an adapter nothing sees XML, BER or the headers of a mail."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.paths import ROOT

CORE = ("gateway/domain", "gateway/services", "gateway/store")
WIRE = {"lxml", "xml", "email", "imapclient", "imaplib", "smtplib", "asn1tools", "pymarc"}
FORMATS = ("ncip", "iso_ill", "artemail", "tagged_mail", "apdu", "xml", "marc", "z3950", "sru")


EXEMPT_IMPORTS = {
    # `illgate check` compares the answers of profiles' examples by the names of their XML elements (`answer_paths`).
    "gateway/services/operation/check/examples.py": {"lxml"},
}


def list_files() -> list[Path]:
    return [path for folder in CORE for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", list_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_knows_no_wire_format(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    exempt = EXEMPT_IMPORTS.get(str(path.relative_to(ROOT)), set())
    assert not ({name.partition(".")[0] for name in imported} & WIRE) - exempt

    named = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)} | {path.stem}
    assert not [name for name in named if set(name.strip("_").split("_")) & set(FORMATS)]
