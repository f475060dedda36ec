"""The end of `bootstrap.py test`: what all parts of the run found, as one.

python -m tests.support.run_summary FOLDER SEED    reads the JUnit XML (family xunit1) that pytest wrote of each part
"""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

MAX_NAMED_FAILURES = 10
MAX_REASON_CHARS = 150


@dataclass
class RunSummary:
    passed: int = 0
    failures: dict[str, None] = field(default_factory=dict)
    """Tests that failed or ended in an error, by the names that pytest takes; each once."""
    skip_reasons: Counter[str] = field(default_factory=Counter)


def read_results(folder: Path) -> RunSummary:
    """Raises OSError or ParseError for files that a part has not written to their end."""
    summary = RunSummary()
    for file in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(file).iter("testcase"):
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                summary.failures[find_node_id(case)] = None
            elif skipped is not None:
                summary.skip_reasons[shorten_reason(skipped.get("message", ""))] += 1
            else:
                summary.passed += 1
    return summary


def find_node_id(case: ElementTree.Element) -> str:
    """`tests/unit/store/test_journal.py::test_a[sqlite]`; of a test that is a method with its class between."""
    file = case.get("file", "")
    if not file:  # a module that could not be collected
        return case.get("classname", "") or case.get("name", "")
    module = file.removesuffix(".py").replace("/", ".")
    classes = case.get("classname", "").removeprefix(module).strip(".")
    return "::".join(filter(None, (file, *classes.split("."), case.get("name", ""))))


def shorten_reason(reason: str) -> str:
    text = " ".join(reason.split()) or "no reason given"
    return text if len(text) <= MAX_REASON_CHARS else text[: MAX_REASON_CHARS - 1] + "…"


def describe_skips(summary: RunSummary) -> list[str]:
    """Each reason once, with how many tests it has skipped."""
    return [f"{count:5} skipped: {reason}" for reason, count in summary.skip_reasons.most_common()]


def describe_run(summary: RunSummary, seed: str) -> str:
    """One line: how many passed, what failed, what was skipped, and how one is run alone or all in this order."""
    named = list(summary.failures)[:MAX_NAMED_FAILURES]
    rest = len(summary.failures) - len(named)
    failed = f"{len(summary.failures)} failed"
    if named:
        failed += f" ({', '.join(named)}{f' and {rest} more' if rest else ''})"
    skipped = f"{summary.skip_reasons.total()} skipped (reasons above)" if summary.skip_reasons else "0 skipped"
    alone = shlex.quote(named[0]) if named else "FILE::TEST"
    return (
        f"{summary.passed} passed, {failed}, {skipped}; one alone: .venv/bin/pytest -rs {alone}; "
        f"all in this order: python3 bootstrap.py test --seed {seed}"
    )


def main(folder: str, seed: str) -> int:
    summary = read_results(Path(folder))
    sys.stdout.write("\n".join((*describe_skips(summary), describe_run(summary, seed), "")))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
