"""Design rule 2: behind an adapter nothing sees XML, BER or the headers of a mail."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.support.paths import ROOT

CORE = ("gateway/domain", "gateway/services", "gateway/store")
WIRE = {"lxml", "xml", "email", "imapclient", "imaplib", "smtplib", "asn1tools", "pymarc"}
FORMATS = ("ncip", "iso_ill", "artemail", "tagged_mail", "apdu", "xml", "marc", "z3950", "sru")


EXEMPT_IMPORTS = {
    # `illgate check` compares the answers of profiles' examples by the names of their XML elements (`answer_paths`).
    "gateway/services/operation/check/examples.py": {"lxml"},
    # An example made of a message: its values are replaced in the XML that a person reads before it is saved.
    "gateway/services/exchange/message_example.py": {"lxml"},
}


def test_the_core_knows_no_wire_format() -> None:
    paths = [path for folder in CORE for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): words for path in paths if (words := find_wire_words(path))}

    assert found == EXEMPT_IMPORTS
    assert len(paths) > 200


def find_wire_words(path: Path) -> set[str]:
    """Find what a file imports, and which of its names are of a format."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)} | {path.stem}
    of_formats = {name for name in named if set(name.strip("_").split("_")) & set(FORMATS)}
    return {name.partition(".")[0] for name in imported} & WIRE | of_formats
