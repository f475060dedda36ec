"""What systems do with ISO 18626, habit by habit, under the names of docs/facts/iso-18626.md 8.

`heard`: octets of a partner, and what is understood. `said`: what we say, and the octets that go out. `answered`: our
confirmation of a partner's octets, and a partner's confirmation of ours.
"""

from __future__ import annotations

from tests.protocol.iso18626.habit_rows.answered import ANSWERED, JUDGED
from tests.protocol.iso18626.habit_rows.heard import HEARD
from tests.protocol.iso18626.habit_rows.said import SAID

__all__ = ["ANSWERED", "HEARD", "JUDGED", "SAID"]
