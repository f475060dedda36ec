"""What can be reached on a page: that the focus is seen on each element and covered by nothing, and that targets are
as large as a finger. The work is done by `reach.js`, in the page."""

from __future__ import annotations

from pathlib import Path

_SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

FIND_LOST_FOCUS = f"() => {{ {_SCRIPT}; return findLostFocus(); }}"
FIND_SMALL_TARGETS = f"() => {{ {_SCRIPT}; return findSmallTargets(); }}"
"""On pages of patrons: 44 px by 44, links in a sentence excepted. axe looks for 24 px on all pages."""
