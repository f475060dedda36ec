"""The channel `openurl`: what goes out by HTTP, what an answer means, what never shows."""

from __future__ import annotations

import logging
import socket
import time
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote_plus, unquote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from adapters.openurl import channel_adapter
from adapters.openurl.dialect import OpenUrlDialect
from gateway.domain.problems import ConfigurationError, OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import PatronLink, RequestDates, RequestedService, ServiceType
from gateway.ports.adapter import ChannelContext
from gateway.ports.partner_channel import ChannelMessage, DeliveryResult, PartnerMessage
from gateway.services.letters import sample
from tests.protocol.openurl.illiad import Illiad

READER = "21000000000017"
SECRET = "s3cret-härbor"
ANSWERS = {
    "taken": "transaction number",
    "number": r"transaction number\W*(\d+)",
    "refused": ['<[^>]+class="statusError"[^>]*>(.{1,300}?)</span>', "logon to illiad"],
    "later": ["currently unavailable"],
}
CITATION = Citation(
    type=CitationType.ARTICLE,
    title="Cahiers du fjord",
    component_title="Le quai · 码头",
    published="1994",
    pages="12-31",
)


def message(citation: Citation = CITATION, kind: EventKind = EventKind.SUBMIT, patron: str = READER) -> PartnerMessage:
    said = sample.sample_message(EventKind.REQUEST)
    request = replace(
        said.request,
        citation=citation,
        service=RequestedService(ServiceType.COPY),
        dates=RequestDates(need_by=date(2026, 12, 1)),
        patron=PatronLink(identifier=patron, category="student", pickup="SCI"),
    )
    return replace(said, kind=kind, transaction="B2026-00017", request=request)


def profile(url: str, **section: Any) -> Profile:
    dialect = OpenUrlDialect(url=url, **({"answer": ANSWERS} | section))
    return Profile(name="illiad").model_copy(update={"dialects": {"openurl": dialect}})


def secrets(reference: str) -> str:
    if reference == "env:MISSING":
        raise ConfigurationError([])
    return SECRET


RECORDED: list[ChannelMessage] = []
"""What the channel says that it has sent."""

CHANNEL = channel_adapter.make(cast(ChannelContext, SimpleNamespace(secrets=secrets, record=RECORDED.append)))
"""It needs nothing else of its context."""


@pytest.fixture(autouse=True)
def forget_recorded() -> None:
    RECORDED.clear()


async def push(url: str, said: PartnerMessage | None = None, **section: Any) -> DeliveryResult:
    return await CHANNEL.send(said or message(), profile(url, **section))


@pytest.fixture
async def illiad() -> AsyncIterator[Illiad]:
    async with Illiad() as running:
        yield running


# --- what arrives ----------------------------------------------------------------------------------------


async def test_a_push_by_get_is_taken_under_a_number(illiad: Illiad) -> None:
    delivered = await push(illiad.url, fields={"number": ["rft.illgate_request"], "patron": ["rft.illgate_user"]})

    (form,) = illiad.forms
    assert delivered == DeliveryResult("taken as 700001", external="700001")
    assert form.name == "ArticleRequest"
    assert form.fields == {
        "PhotoJournalTitle": "Cahiers du fjord",
        "PhotoArticleTitle": "Le quai · 码头",
        "PhotoJournalYear": "1994",
        "PhotoJournalInclusivePages": "12-31",
        "Username": READER,
        "CitedIn": "B2026-00017",
    }


async def test_what_stands_in_the_base_comes_first_and_by_post_stays_in_the_url(illiad: Illiad) -> None:
    base = f"http://127.0.0.1:{illiad.port}/illiad/illiad.dll?Action=10&Form=30"

    await push(base)
    await push(base, method="POST")

    by_get, by_post = illiad.seen
    assert by_get.url.raw_query_string.startswith("Action=10&Form=30&url_ver=")
    assert (by_get.method, by_post.method) == ("GET", "POST")
    assert by_post.url.raw_query_string == "Action=10&Form=30"
    assert by_post.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert illiad.forms[0] == illiad.forms[1]


async def test_how_we_show_who_we_are(illiad: Illiad) -> None:
    await push(illiad.url, auth={"kind": "basic", "user": "illgate", "secret": "env:S"})
    await push(illiad.url, auth={"kind": "header", "parameter": "X-Key", "secret": "env:S"}, method="POST")
    await push(illiad.url, auth={"kind": "query-key", "parameter": "key", "secret": "env:S"}, method="POST")

    basic, header, key = illiad.seen
    assert basic.headers["Authorization"] == "Basic aWxsZ2F0ZTpzM2NyZXQtaMOkcmJvcg=="
    assert header.headers["X-Key"] == SECRET
    assert key.query["key"] == SECRET
    assert len(RECORDED) == 3
    assert not [one for one in RECORDED if SECRET.encode() in one.body + (one.answer or b"")]
    assert len(illiad.forms) == 3


# --- what an answer means --------------------------------------------------------------------------------


async def test_a_page_that_refuses_is_a_refusal_in_its_own_words_without_the_reader(illiad: Illiad) -> None:
    illiad.answer = "refused"

    with pytest.raises(Refused) as caught:
        await push(illiad.url, fields={"patron": ["rft.illgate_user"]})

    assert caught.value.detail == "The other system refused: User … is not cleared & may not request."


async def test_the_page_to_sign_in_is_a_refusal(illiad: Illiad) -> None:
    illiad.answer = "logon"

    with pytest.raises(Refused, match="Logon to ILLiad"):
        await push(illiad.url)


async def test_a_page_without_the_words_of_a_yes_is_none(illiad: Illiad) -> None:
    with pytest.raises(Refused, match=r"did not confirm that it accepted the request \(HTTP 200\)"):
        await push(illiad.url, answer={"taken": "thank you"})


async def test_a_page_that_says_not_now_is_tried_again(illiad: Illiad) -> None:
    illiad.answer = "busy"

    with pytest.raises(Unavailable, match="not now: currently unavailable"):
        await push(illiad.url)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        *[(one, Refused) for one in (400, 401, 403, 404, 405, 410, 413, 414)],
        *[(one, Unavailable) for one in (408, 429, 503)],
        *[(one, OutcomeUnknown) for one in (500, 502, 504)],
    ],
)
async def test_a_status_says_what_is_to_be_done(illiad: Illiad, status: int, failure: type[Exception]) -> None:
    illiad.answer = str(status)

    with pytest.raises(failure, match=f"HTTP {status}"):
        await push(illiad.url)


async def test_no_answer_in_time_leaves_the_outcome_unknown(illiad: Illiad) -> None:
    illiad.answer = "silent"

    with pytest.raises(OutcomeUnknown, match="sent, but no complete answer was received: timeout"):
        await push(illiad.url, timing={"total": 0.3})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_push_whose_connection_ends_without_an_answer_was_sent_once(method: str) -> None:
    arrived: list[str] = []

    async def hang_up(request: web.Request) -> web.Response:
        arrived.append(request.method)
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/form", hang_up)
    async with TestServer(app) as server:
        with pytest.raises(OutcomeUnknown):
            await push(str(server.make_url("/form")), method=method)

    assert arrived == [method]


async def test_an_unknown_outcome_may_be_one_for_staff(illiad: Illiad) -> None:
    illiad.answer = "502"

    with pytest.raises(Refused, match="Check whether it has arrived before you send it again") as caught:
        await push(illiad.url, answer={"unknown": "staff"})
    assert caught.value.reason is RefusalReason.TEMPORARY_FAILURE


async def test_a_server_that_never_greets_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            await push(f"https://127.0.0.1:{silent.getsockname()[1]}/", timing={"connect": 0.1, "total": 3})

    assert time.monotonic() - begun < 2


async def test_nobody_there_is_unavailable() -> None:
    async with Illiad() as gone:
        url = gone.url

    with pytest.raises(Unavailable, match="not reached"):
        await push(url)


# --- redirects -------------------------------------------------------------------------------------------


class Town:
    """A server whose /go leads to `target`, and where /there says yes."""

    def __init__(self) -> None:
        self.target = "/there"
        self.status = 303
        self.seen: list[web.BaseRequest] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        if request.path == "/there":
            return web.Response(text="Transaction Number 12")
        return web.Response(status=self.status, headers={"Location": self.target})


@pytest.fixture
async def town() -> AsyncIterator[tuple[Town, str]]:
    found = Town()
    runner = web.ServerRunner(web.Server(found.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield found, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


KEY = {"kind": "header", "parameter": "X-Key", "secret": "env:S"}


async def test_a_form_that_leads_to_its_page_is_followed_on_the_same_host(town: tuple[Town, str]) -> None:
    found, base = town

    delivered = await push(f"{base}/go", method="POST", auth=KEY)

    assert delivered.note == "taken as 12"
    assert [(one.method, one.path, one.headers["X-Key"]) for one in found.seen] == [
        ("POST", "/go", SECRET),
        ("GET", "/there", SECRET),
    ]


async def test_a_push_that_has_moved_is_the_same_push(town: tuple[Town, str]) -> None:
    found, base = town
    found.status = 307

    await push(f"{base}/go", method="POST")

    assert [one.method for one in found.seen] == ["POST", "POST"]


@pytest.mark.parametrize("target", ["http://localhost:{port}/there", "http://127.0.0.1:1/there", "//idp.example/sso"])
async def test_another_host_is_never_followed(town: tuple[Town, str], target: str) -> None:
    found, base = town
    found.target = target.format(port=base.rsplit(":", 1)[1])

    with pytest.raises(Refused, match="redirected to another host"):
        await push(f"{base}/go", auth=KEY)
    assert [one.path for one in found.seen] == ["/go"]

    delivered = await push(f"{base}/go", answer={"elsewhere": "taken"})
    assert delivered.note == "taken"
    assert [one.path for one in found.seen] == ["/go", "/go"]


async def test_a_circle_ends(town: tuple[Town, str]) -> None:
    found, base = town
    found.target = "/go"

    with pytest.raises(OutcomeUnknown, match="HTTP 508"):
        await push(f"{base}/go")
    assert len(found.seen) == 6


# --- what can't be pushed --------------------------------------------------------------------------------


async def test_what_the_profile_does_not_name_is_not_pushed(illiad: Illiad) -> None:
    with pytest.raises(Refused, match="'cancel' cannot be sent by OpenURL"):
        await push(illiad.url, message(kind=EventKind.CANCEL))
    assert not illiad.seen
    await push(illiad.url, message(kind=EventKind.CANCEL), push=["cancel"])
    assert len(illiad.seen) == 1


async def test_a_profile_without_the_section_pushes_nothing() -> None:
    with pytest.raises(Refused, match="has no section `openurl`"):
        await CHANNEL.send(message(), Profile(name="illiad"))


async def test_a_secret_that_is_not_there_is_waited_for(illiad: Illiad) -> None:
    with pytest.raises(Unavailable, match="our authentication failed"):
        await push(illiad.url, auth={"kind": "header", "parameter": "X-Key", "secret": "env:MISSING"})
    assert not illiad.seen


@pytest.mark.parametrize(
    "section",
    [
        {"url": "ftp://illiad.example/"},
        {"url": "https://user:word@illiad.example/"},
        {"url": "illiad.example"},
        {"charset": "rot13"},
        {"auth": {"kind": "basic", "user": "x"}},
        {"auth": {"kind": "header", "parameter": "X", "secret": "the secret itself"}},
        {"answer": {"number": "("}},
        {"note": ["{reader}"]},
        {"push": []},
        {"fields": {"shoe size": ["x"]}},
    ],
)
def test_a_section_that_can_not_work_is_refused_when_it_is_read(section: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        OpenUrlDialect.model_validate({"url": "https://illiad.example/", **section})


# --- secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["refused", "logon", "busy", "silent", "404", "500", "503", "gone"])
async def test_neither_reader_nor_secret_nor_address_show_in_errors_and_logs(
    answer: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hidden = (READER, SECRET, quote_plus(SECRET), "rft.")
    async with Illiad(answer=answer) as running:
        url = running.url if answer != "gone" else "http://127.0.0.1:1/illiad"
        with pytest.raises((Refused, Unavailable, OutcomeUnknown)) as caught:
            await push(
                url,
                fields={"patron": ["rft.illgate_user"]},
                auth={"kind": "query-key", "parameter": "key", "secret": "env:S"},
                timing={"total": 0.3},
            )

    sent = [one.raw_path + unquote(one.raw_path) for one in running.seen]
    assert answer == "gone" or all(word in sent[0] for word in hidden), sent
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert [word for word in hidden if word in shown] == []
