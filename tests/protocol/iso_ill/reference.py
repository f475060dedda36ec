"""The maintenance agency's module, edited so far that compilers of today take it (facts/iso-ill-10161.md 15)."""

from __future__ import annotations

import re
from pathlib import Path

EXTERNAL = """
External ::= [UNIVERSAL 8] IMPLICIT SEQUENCE {
  direct-reference OBJECT IDENTIFIER OPTIONAL,
  indirect-reference INTEGER OPTIONAL,
  data-value-descriptor ObjectDescriptor OPTIONAL,
  encoding CHOICE {
    single-ASN1-type [0] ANY, octet-aligned [1] IMPLICIT OCTET STRING, arbitrary [2] IMPLICIT BIT STRING } }

END
"""


def edited(specs: Path) -> str:
    """Alternatives named, DEFAULT by name instead of number, ANY without DEFINED BY, sizes and repertoires gone."""
    text = (specs / "ill9702.asn").read_text()
    apdus = re.search(r"ILL-APDU ::= CHOICE \{(.*?)\}", text, re.DOTALL)
    assert apdus is not None
    names = [name.strip() for name in apdus[1].split(",")]
    named = ",\n".join(f"{name.lower()} {name}" for name in names)
    text = text.replace(apdus[0], f"ILL-APDU ::= CHOICE {{\n{named}}}")
    text = text.replace("GeneralString,\n", "generalString GeneralString,\n")
    text = text.replace("\tEDIFACTString\n\t}", "\tedifactString EDIFACTString\n\t}")
    text = re.sub(r"(EDIFACTString ::= VisibleString).*?\)\)\n", r"\1\n", text, flags=re.DOTALL)
    text = text.replace("ILL-Service-Type (loan | copy-non-returnable)", "ILL-Service-Type")
    text = text.replace("Transaction-Type DEFAULT 1", "Transaction-Type DEFAULT simple")
    text = text.replace("Place-On-Hold-Type DEFAULT 3", "Place-On-Hold-Type DEFAULT according-to-responder-policy")
    text = text.replace("} DEFAULT 3", "} DEFAULT no-Expiry").replace("} DEFAULT 2", "} DEFAULT unordered")
    text = re.sub(r"ANY DEFINED BY [\w-]+", "ANY", text)
    text = re.sub(r"ILL-String \(SIZE \(\d+\)\)", "ILL-String", text)
    text = re.sub(r"PrintableString \(SIZE \(3\)\)|AmountString \(SIZE \(1\.\.10\)\)", "PrintableString", text)
    return text.replace("INTEGER (1..9999)", "INTEGER")


def with_plain_external(text: str) -> str:
    """For a compiler that has no EXTERNAL of its own."""
    return re.sub(r"\bEXTERNAL\b", "External", text).replace("\nEND\n", EXTERNAL)
