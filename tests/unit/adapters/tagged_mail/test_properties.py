"""Any text is understood or malformed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tagged_mail.mail_format import TaggedMailFormat
from adapters.tagged_mail.message_names import NAMES
from gateway.domain.problems import MalformedMessage
from tests.unit.adapters.tagged_mail.support import gsm, mail

PIECES = st.sampled_from(
    [
        *(words.both for words in NAMES.values()),
        *(words.french for words in NAMES.values()),
        "\n", "\n", "\n", "NUM: ", "DUE: 2026-02-30", "CO$: 9,99,9", "CST: $5", "NOT:", "LSB: DEMO", "    ", "> ",
        "ISBN ", "O/A: ", "NO.: ", "CON: ,;,", "ANS: ", "\u2028", "\x00", "٣", "N/R: 1", "-- ", "²", "CST: ٣",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=40).map("".join))


@settings(max_examples=400)
@given(text=TEXTS, subject=TEXTS)
def test_any_text_is_understood_or_malformed(text: str, subject: str) -> None:
    one = mail(text, subject, ("application/pdf",))
    recognised = TaggedMailFormat().recognises(one, gsm())
    try:
        understood = TaggedMailFormat().decode(one, gsm())
    except MalformedMessage:
        assert not recognised
        return

    assert understood.events
