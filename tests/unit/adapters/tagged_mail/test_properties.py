"""Any message comes back as it was written; any text is understood or malformed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.tagged_mail.codec import MessageTag, TaggedMailLayout, TaggedMessage, decode, encode
from adapters.tagged_mail.mail_format import TaggedMailFormat
from adapters.tagged_mail.message_names import NAMES, MessageName
from gateway.domain.problems import MalformedMessage
from gateway.ports.incoming_mail import list_own_lines
from tests.unit.adapters.tagged_mail.support import gsm, mail

LINE = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u0085"), min_size=1
).map(lambda text: " ".join(text.split()))
VALUE = st.lists(LINE.filter(bool), min_size=1, max_size=4).map("\n".join)
TAGS = st.lists(
    st.builds(MessageTag, st.sampled_from(("NUM", "NOT", "A#C", "CO$", "N/R", "NO.", "DN", "ZZZ")), VALUE), max_size=8
).map(tuple)


@given(name=st.sampled_from(MessageName), tags=TAGS, language=st.sampled_from(("en", "fr", "both")))
def test_a_message_is_read_as_it_was_written(name: MessageName, tags: tuple[MessageTag, ...], language: str) -> None:
    message = TaggedMessage(name=name, tags=tags)
    layout = TaggedMailLayout(language=language)

    assert decode(list_own_lines(encode(message, layout)), layout) == (message,)


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
