"""The maintenance agency's module, compiled by pycrate, another ASN.1 library than ours."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from pycrate_asn1c.asnproc import GLOBAL, PycrateGenerator, compile_text, generate_modules

from tests.protocol.iso_ill.reference import EXTERNAL


def compiled(specs: Path, folder: Path) -> Any:
    """The type PDU. EXTERNAL is written out, as pycrate has none of its own for BER; the record syntaxes stand in
    other modules and are left out."""
    text = (specs / "z3950v3.asn").read_text(encoding="latin-1")
    apdus = text[: text.index("END -- IR DEFINITIONS")]
    GLOBAL.clear()
    compile_text(re.sub(r"\bEXTERNAL\b", "External", apdus) + EXTERNAL)
    file = folder / "z3950_reference.py"
    generate_modules(PycrateGenerator, str(file))
    GLOBAL.clear()
    spec = importlib.util.spec_from_file_location("z3950_reference", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Z39_50_APDU_1995.PDU
