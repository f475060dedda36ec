"""Queries brought to a system over HTTP; its answers judged. Knows bytes, no requests.

Neither the URL nor what a library of ours says about it ever gets into an error: it may hold the patron's identifier
and a key. Redirects are followed on the same host alone, where credentials may go.

ILLiad and others say no with status 200 and a page; the profile's patterns know it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import field

from yarl import URL

from adapters.openurl.dialect import AnswerRules, PushAuth, PushAuthKind, Timing
from gateway.domain.patterns import compile_pattern
from gateway.domain.problems import OutcomeUnknown, Postponed, RefusalReason, Refused, Unavailable, UnclearAnswer
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object
from gateway.ports.outgoing_http import HttpLimits, HttpReply, HttpRequest, exchange_http, make_basic_header

MAX_ANSWER = 200_000
"""Bytes of an answer that are looked at."""

MAX_REDIRECTS = 5
AGENT = "illgate-openurl/1"

MAX_WORDS_CHARS = 300
"""Characters of the other system's words that are kept."""

_NOT_NOW = frozenset({408, 423, 425, 429, 501, 503, 505})
"""Nothing was done."""

_DROPPED = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@value_object
class PushDelivery:
    """`body` None: GET. `secret` is the text itself, already resolved."""

    url: URL = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    content_type: str = ""
    auth: PushAuth = PushAuth()
    secret: str = field(default="", repr=False)
    timing: Timing = Timing()


def request_url(base: str, query: str) -> URL:
    """The base with the query behind what stands in its own."""
    url = URL(base)
    joined = "&".join(filter(None, (url.raw_query_string, query)))
    return URL.build(
        scheme=url.scheme,
        host=url.host or "",
        port=url.explicit_port,
        path=url.raw_path,
        query_string=joined,
        encoded=True,
    )


async def send_query(delivery: PushDelivery) -> PushAnswer:
    """One connection for each request. A form's answer that leads to a page (303 and its kin) is fetched; 307 and 308
    are the same push again. Raises Unavailable (nothing was sent), OutcomeUnknown."""
    url, body = _url_with_key(delivery), delivery.body
    limits = HttpLimits(delivery.timing.connect, delivery.timing.total, MAX_ANSWER)
    for hop in range(MAX_REDIRECTS + 1):
        kind = {} if body is None else {"Content-Type": delivery.content_type}
        headers = {"User-Agent": AGENT, **_auth_headers(delivery), **kind}
        try:
            method = "GET" if body is None else "POST"
            reply = await exchange_http(HttpRequest(method, url, body, headers), limits)
        except Unavailable as down:
            if hop:
                raise OutcomeUnknown(
                    write_sentence("sent, but no complete answer was received: %(report)s", report=down.detail)
                ) from None
            raise
        if not reply.location:
            return PushAnswer(reply.status, _decode_text(reply))
        try:
            following = url.join(URL(reply.location))
        except ValueError:
            raise OutcomeUnknown(write_sentence("sent; the answer redirected to an invalid address")) from None
        if not _is_same_server(url, following):
            return PushAnswer(reply.status, elsewhere=following.host or "no host")
        body = body if reply.status in (307, 308) else None
        url = following
    return PushAnswer(508)


def _is_same_server(url: URL, other: URL) -> bool:
    """The same host and port, or the same host by TLS where it was plain."""
    if url.host != other.host:
        return False
    if url.scheme == other.scheme:
        return url.port == other.port
    return other.scheme == "https" and other.port == 443


def _auth_headers(delivery: PushDelivery) -> dict[str, str]:
    auth = delivery.auth
    match auth.kind:
        case PushAuthKind.BASIC:
            return make_basic_header(auth.user, delivery.secret)
        case PushAuthKind.HEADER:
            return {auth.parameter: delivery.secret}
    return {}


def _url_with_key(delivery: PushDelivery) -> URL:
    if delivery.auth.kind is not PushAuthKind.QUERY_KEY:
        return delivery.url
    key = URL.build(query={delivery.auth.parameter: delivery.secret}).raw_query_string
    return request_url(str(delivery.url.with_query(None)), "&".join(filter(None, (delivery.url.raw_query_string, key))))


def _decode_text(reply: HttpReply) -> str:
    try:
        return reply.body.decode(reply.charset or "utf-8", "replace")
    except LookupError:
        return reply.body.decode("utf-8", "replace")


@value_object
class PushAnswer:
    """`elsewhere`: the other host that it leads to."""

    status: int
    text: str = field(default="", repr=False)
    elsewhere: str = ""


def judge_push_answer(answer: PushAnswer, rules: AnswerRules, secret: Iterable[str] = ()) -> str:
    """The other system's number of the request, empty where it says none. `secret`: what must not be shown of its
    words (the patron's identifier).

    Raises Refused, Unavailable, OutcomeUnknown.
    """
    if answer.elsewhere:
        if rules.elsewhere == "taken":
            return ""
        detail = write_sentence(
            "The other system redirected to another host (%(host)s), perhaps for sign-in.", host=answer.elsewhere
        )
        raise Refused(RefusalReason.SENDER_AUTH_FAILED, detail)
    texts = (answer.text, strip_markup(answer.text))
    if (text := _first_match(rules.later, texts)) is not None:
        raise Postponed(write_sentence("not now: %(report)s", report=_quote_answer(text, secret)))
    text = _first_match(rules.refused, texts)
    if text is None:
        _raise_for_status(answer.status)
    if text is not None:
        raise Refused(
            _refusal_reason(answer.status),
            write_sentence("The other system refused: %(words)s", words=_quote_answer(text, secret)),
        )
    if rules.taken is not None and _first_match((rules.taken,), texts) is None:
        raise Refused(
            RefusalReason.OTHER,
            write_sentence(
                "The other system did not confirm that it accepted the request (HTTP %(status)s).", status=answer.status
            ),
        )
    number = _first_match((rules.number,), texts) if rules.number is not None else None
    return _quote_answer(number, secret)[:100] if number is not None else ""


def _raise_for_status(status: int) -> None:
    """Raise what the status says where no pattern does. 500, 502 and 504 tell nothing of what was done before."""
    if 200 <= status < 300:
        return
    if status in _NOT_NOW:
        raise Postponed(write_sentence("the other system did not accept it (HTTP %(status)s)", status=status))
    if status >= 500:
        raise UnclearAnswer(write_sentence("the other system failed (HTTP %(status)s)", status=status))
    raise Refused(
        _refusal_reason(status), write_sentence("The other system refused it (HTTP %(status)s).", status=status)
    )


def _refusal_reason(status: int) -> RefusalReason:
    return RefusalReason.SENDER_AUTH_FAILED if status in (401, 403, 407) else RefusalReason.OTHER


def _first_match(patterns: Iterable[str], texts: tuple[str, ...]) -> str | None:
    for pattern in patterns:
        for text in texts:
            compiled = compile_pattern(pattern, ignore_case=True, dot_matches_line_ends=True)
            match = compiled.search(text)
            if match is not None:
                return (match[1] or "") if compiled.groups else match[0]
    return None


def strip_markup(text: str) -> str:
    """Return a text without tags, scripts and entities, in one line."""
    return " ".join(html.unescape(_TAG.sub(" ", _DROPPED.sub(" ", text))).split())


def _quote_answer(text: str, secret: Iterable[str]) -> str:
    words = strip_markup(text)
    for value in filter(None, secret):
        words = re.sub(re.escape(value), "…", words, flags=re.IGNORECASE)
    return words if len(words) <= MAX_WORDS_CHARS else words[: MAX_WORDS_CHARS - 1] + "…"
