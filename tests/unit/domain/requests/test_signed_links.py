"""Tokens of links: what is signed is read back, and nothing else is."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain.requests import signed_links
from gateway.domain.requests.signed_links import CopyLink, InvalidLinkError, LinkFault, QuestionLink

SECRET = b"s" * 32
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
COPY = CopyLink(
    library="ŁÓDŹ",
    request_id="r-0001",
    attachment_id="a-7",
    expires=NOW + timedelta(days=7),
    downloads=5,
    nonce="n1",
)
QUESTION = QuestionLink(library="ŁÓDŹ", request_id="r-0001", query="q-1", answer="yes", expires=NOW)


def token_of(payload: object, secret: bytes = SECRET) -> str:
    """Whatever the payload is, well signed."""
    text = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"{text}.{signed_links._encode_urlsafe(signed_links._compute_signature(text, secret))}"


def copy_payload(**changes: object) -> dict[str, object]:
    return {"l": "DEMO", "r": "r-0001", "a": "a-7", "e": 1_772_500_000, "d": 5, "n": "n1", **changes}


def fault_of(token: str, now: datetime = NOW) -> LinkFault:
    with pytest.raises(InvalidLinkError) as found:
        signed_links.verify_copy_link(token, SECRET, now)
    return found.value.fault


# --- copies ----------------------------------------------------------------------------------------------


def test_a_link_to_a_copy_says_what_was_signed() -> None:
    token = signed_links.sign_copy_link(COPY, SECRET)
    assert signed_links.library_of_copy_link(token) == "ŁÓDŹ"
    assert signed_links.verify_copy_link(token, SECRET, NOW) == COPY


def test_links_sent_in_older_letters_stay_valid() -> None:
    """The keys of the payload are in letters that people have."""
    link = replace(COPY, library="DEMO", expires=datetime.fromtimestamp(1_772_500_000, UTC))
    payload = signed_links.sign_copy_link(link, SECRET).partition(".")[0]
    assert json.loads(signed_links._decode_urlsafe(payload)) == copy_payload()
    assert signed_links.verify_copy_link(token_of(copy_payload()), SECRET, NOW) == link


def test_a_link_is_over_from_the_moment_at_which_it_expires() -> None:
    token = signed_links.sign_copy_link(COPY, SECRET)
    assert signed_links.verify_copy_link(token, SECRET, COPY.expires - timedelta(microseconds=1))
    assert fault_of(token, COPY.expires) is LinkFault.EXPIRED


def test_a_link_is_fetched_at_least_once() -> None:
    assert signed_links.sign_copy_link(replace(COPY, downloads=1), SECRET)
    with pytest.raises(ValueError, match=r"^a link needs at least one download$"):
        signed_links.sign_copy_link(replace(COPY, downloads=0), SECRET)


def test_a_link_of_another_secret_is_forged_even_when_it_is_over() -> None:
    token = signed_links.sign_copy_link(COPY, b"t" * 32)
    assert fault_of(token) is LinkFault.FORGED
    assert fault_of(token, COPY.expires) is LinkFault.FORGED


def test_a_signature_holds_for_its_own_link_only() -> None:
    """Who has one link can't make another of it: a later end, more downloads, another file."""
    signature = signed_links.sign_copy_link(COPY, SECRET).partition(".")[2]
    for other in (replace(COPY, downloads=6), replace(COPY, attachment_id="a-8"), replace(COPY, library="LUND")):
        payload = signed_links.sign_copy_link(other, b"t" * 32).partition(".")[0]
        assert fault_of(f"{payload}.{signature}") is LinkFault.FORGED

    signature = signed_links.sign_question_link(QUESTION, SECRET).partition(".")[2]
    payload = signed_links.sign_question_link(replace(QUESTION, answer="no"), b"t" * 32).partition(".")[0]
    with pytest.raises(InvalidLinkError) as found:
        signed_links.verify_question_link(f"{payload}.{signature}", SECRET)
    assert found.value.fault is LinkFault.FORGED


@pytest.mark.parametrize("request_id", [">>>", "???", "a", "ab", "abc", "abcd"])
def test_any_text_fits_into_a_token(request_id: str) -> None:
    """Also what base64 writes with characters of its own, and with any number of signs to fill it up."""
    link = replace(COPY, request_id=request_id)
    token = signed_links.sign_copy_link(link, SECRET)
    assert signed_links.verify_copy_link(token, SECRET, NOW) == link
    assert "=" not in token


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        token_of([1, 2]),
        token_of("text"),
        token_of(copy_payload()) + "x",
        token_of(copy_payload(l=7)),
        token_of(copy_payload(r="a\x00b")),
        token_of(copy_payload(a="\u202e")),
        token_of(copy_payload(d="5")),
        token_of(copy_payload(d=True)),
        token_of(copy_payload(d=2.5)),
        token_of(copy_payload(e=10**30)),
        token_of({name: value for name, value in copy_payload().items() if name != "n"}),
        "e30x." + "A" * 43,
    ],
)
def test_what_is_no_token_of_ours_is_forged(token: str) -> None:
    assert fault_of(token) is LinkFault.FORGED


def test_what_is_wrong_is_told_in_a_sentence() -> None:
    error = InvalidLinkError(LinkFault.USED_UP)
    assert (str(error), error.fault) == ("the link is used up", LinkFault.USED_UP)


def test_downloads_are_counted_by_a_hash_of_the_token() -> None:
    assert signed_links.link_id("token") == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"


def test_a_token_is_short_and_always_the_same() -> None:
    """So a letter that is written again has the links of the first."""
    token = signed_links.sign_copy_link(replace(COPY, expires=datetime.fromtimestamp(1_772_500_000, UTC)), SECRET)
    payload = signed_links._decode_urlsafe(token.partition(".")[0]).decode()
    assert payload == '{"l":"ŁÓDŹ","r":"r-0001","a":"a-7","e":1772500000,"d":5,"n":"n1"}'


# --- questions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        QUESTION,
        replace(QUESTION, answer="no"),
        replace(QUESTION, attempt=0, answer="will-supply"),
        replace(QUESTION, attempt=3, answer="renew"),
    ],
)
def test_a_link_to_a_question_says_what_was_signed(link: QuestionLink) -> None:
    token = signed_links.sign_question_link(link, SECRET)
    assert signed_links.library_of_question_link(token) == "ŁÓDŹ"
    assert signed_links.verify_question_link(token, SECRET) == link
    assert token == signed_links.sign_question_link(link, SECRET), "a repeated letter has the same links"


@pytest.mark.parametrize("link", [replace(QUESTION, answer="will-supply"), replace(QUESTION, answer="yes", attempt=1)])
def test_an_answer_that_there_is_not_is_not_signed(link: QuestionLink) -> None:
    with pytest.raises(ValueError, match=f"^'{link.answer}' is no answer to this$"):
        signed_links.sign_question_link(link, SECRET)


@pytest.mark.parametrize(
    ("changes", "secret"),
    [({}, b"t" * 32), ({"y": "perhaps"}, SECRET), ({"n": "1"}, SECRET), ({"q": None}, SECRET), ({"e": "soon"}, SECRET)],
)
def test_a_forged_answer_is_none(changes: dict[str, object], secret: bytes) -> None:
    said = {"l": "DEMO", "r": "r-0001", "q": "q-1", "y": "yes", "e": 1_772_500_000}
    assert signed_links.verify_question_link(token_of(said), SECRET).answer == "yes"
    with pytest.raises(InvalidLinkError) as found:
        signed_links.verify_question_link(token_of({**said, **changes}, secret), SECRET)
    assert found.value.fault is LinkFault.FORGED
