"""Log lines: one stream, two forms, and nobody's name in them."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from structlog.contextvars import bind_contextvars, clear_contextvars
from structlog.stdlib import ProcessorFormatter

from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.runtime.logs import HIDDEN, LINES_OF_ADDRESS, LINES_OF_EVENT, MAX_EVENTS, LogThinner, set_up_logging

SECRETS = ("Çelik", "21000455", "oystein@example.org", "s3cret")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """JSON logging into memory."""
    out = io.StringIO()
    set_up_logging("json", "debug", out)
    yield out
    clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_context_rides_along(stream: io.StringIO) -> None:
    bind_contextvars(profile="illiad-alma", exchange="x-1")
    structlog.get_logger(component="outbox").warning("partner.silent", seconds=30)
    (line,) = lines(stream)
    assert line["event"] == "partner.silent"
    assert (line["profile"], line["exchange"], line["component"]) == ("illiad-alma", "x-1", "outbox")
    assert (line["level"], line["seconds"]) == ("warning", 30)
    assert str(line["timestamp"]).endswith("Z")


def test_the_standard_library_joins_in(stream: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").warning("strange request from %s", "192.0.2.7")
    logging.getLogger("aiohttp.server").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old habits", DeprecationWarning, stacklevel=1)
    first, second = lines(stream)
    assert (first["event"], first["level"]) == ("strange request from 192.0.2.7", "warning")
    assert "old habits" in str(second["event"])


@pytest.mark.parametrize(
    "key",
    [
        "patron",
        "user",
        "patron_id",
        "user_name",
        "name",
        "barcode",
        "item_barcode",
        "secret",
        "agency_secret",
        "pin",
        "Authorization",
        "password",
        "email",
        "credentials",
        "body",
        "date_of_birth",
    ],
)
def test_values_of_personal_keys_are_hidden_at_any_depth(stream: io.StringIO, key: str) -> None:
    log = structlog.get_logger()
    log.info("a", **{key: "s3cret"})
    log.info("b", deep={"list": [{key: "s3cret"}]})
    logging.getLogger("elsewhere").warning("c", extra={"deep": {key: "s3cret"}})
    assert "s3cret" not in stream.getvalue()
    assert stream.getvalue().count(HIDDEN) == 3


def test_other_keys_stay(stream: io.StringIO) -> None:
    structlog.get_logger().info("a", profile="p", service="LookupUser", item="x", filename="f", pinned=1)
    assert HIDDEN not in stream.getvalue()


def _refused() -> None:
    raise Refused(
        RefusalReason.UNKNOWN_PATRON, "No such patron.", about=MessagePart.PATRON, value="21000455", internal="Çelik"
    )


def _key_error() -> None:
    barcode = "21000455"
    {}[barcode]


def _database() -> None:
    engine = create_engine("sqlite://", poolclass=NullPool)  # its connection is closed, not kept for the next one
    with engine.begin() as connection:
        connection.execute(text("create table p (barcode text unique)"))
        insert = text("insert into p values (:barcode)")
        connection.execute(insert, [{"barcode": "21000455"}])
        connection.execute(insert, [{"barcode": "21000455"}])


def _chain() -> None:
    try:
        int("Çelik")
    except ValueError as error:
        raise RuntimeError("oystein@example.org") from error


def _group() -> None:
    raise ExceptionGroup("s3cret", [ValueError("21000455"), TypeError("not a number")])


@pytest.mark.parametrize("fail", [_refused, _key_error, _database, _chain, _group])
@pytest.mark.parametrize("how", ["structlog", "logging"])
def test_exceptions_show_the_place_and_nobody(stream: io.StringIO, fail: Callable[[], None], how: str) -> None:
    try:
        fail()
    except Exception as error:
        if how == "structlog":
            structlog.get_logger().exception("it failed")
        else:
            logging.getLogger("elsewhere").error("it failed", exc_info=error)
    (line,) = lines(stream)
    shown = str(line["exception"])
    assert fail.__name__ in shown
    assert "test_logging.py:" in shown
    assert not [secret for secret in SECRETS if secret in stream.getvalue()]


def test_what_can_be_said_of_an_exception_is_said(stream: io.StringIO) -> None:
    for fail in (_refused, _database, _chain, _group):
        try:
            fail()
        except Exception:  # noqa: BLE001  logged on the next line
            structlog.get_logger().exception("it failed")
    refused, database, chain, group = (str(line["exception"]) for line in lines(stream))
    assert "unknown-patron: No such patron." in refused
    assert "sqlalchemy.exc.IntegrityError (sqlite_errorname=SQLITE_CONSTRAINT_UNIQUE)" in database
    assert chain.index("ValueError") < chain.index("which led to:") < chain.index("RuntimeError")
    assert "| TypeError: not a number" in group


def test_the_console_form_hides_as_much() -> None:
    out = io.StringIO()
    set_up_logging("console", "info", out)
    log = structlog.get_logger(component="x")
    log.debug("too quiet")
    try:
        _key_error()
    except KeyError:
        log.exception("it failed", patron="Çelik")
    shown = out.getvalue()
    assert "it failed" in shown
    assert "KeyError" in shown
    assert "too quiet" not in shown
    assert not [secret for secret in SECRETS if secret in shown]


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="'console' or 'json'"):
        set_up_logging("xml")


# --- repeated lines --------------------------------------------------------------------------------------


def test_lines_about_one_address_are_thinned_and_another_is_still_seen(stream: io.StringIO) -> None:
    log = structlog.get_logger(component="exchange")
    for _ in range(2_400):
        log.warning("sender.rejected", peer="192.0.2.7", reason="unknown-sender")
    log.warning("sender.rejected", peer="198.51.100.9", reason="unknown-sender")
    log.warning("outbox.breaker_open")
    said = lines(stream)
    assert [line.get("peer") for line in said] == [*["192.0.2.7"] * LINES_OF_ADDRESS.burst, "198.51.100.9", None]
    assert said[-2]["left_out"] == 2_400 - LINES_OF_ADDRESS.burst
    assert "left_out" not in said[-1]


def test_a_network_of_ipv6_is_one_address(stream: io.StringIO) -> None:
    for number in range(2_400):
        structlog.get_logger().warning("sender.rejected", peer=f"2001:db8:1:2::{number:x}")
    assert len(lines(stream)) == LINES_OF_ADDRESS.burst


def test_many_addresses_together_are_thinned_too(stream: io.StringIO) -> None:
    for number in range(2_400):
        structlog.get_logger().warning("sender.rejected", peer=f"10.0.{number // 250}.{number % 250}")
    assert LINES_OF_EVENT.burst <= len(lines(stream)) <= LINES_OF_EVENT.burst + 3


def test_lines_of_libraries_are_thinned_and_say_so(stream: io.StringIO) -> None:
    now = 0.0
    thinner = LogThinner(lambda: now)
    logger = logging.getLogger("gateway.http")
    handler = next(one for one in logging.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter))
    handler.filters[:] = [thinner]
    for number in range(2_400):
        logger.info("not HTTP, answered with 400: %s from %s", "BadStatusLine", f"192.0.2.{number % 250}")
    assert len(lines(stream)) == LINES_OF_ADDRESS.burst
    now = LINES_OF_ADDRESS.seconds
    logger.info("not HTTP, answered with 400: %s from %s", "BadStatusLine", "192.0.2.1")
    assert lines(stream)[-1]["left_out"] == 2_400 - LINES_OF_ADDRESS.burst


def test_what_is_asked_for_by_debug_is_whole(stream: io.StringIO) -> None:
    for _ in range(500):
        structlog.get_logger().debug("sip2.line")
        logging.getLogger("gateway.detail").debug("line")
    assert len(lines(stream)) == 1_000


def test_kinds_of_lines_are_not_counted_without_end() -> None:
    thinner = LogThinner()
    for number in range(2 * MAX_EVENTS):
        thinner.thin_event(None, "warning", {"event": f"made of {number}", "level": "warning"})
    assert len(thinner._limiters) == MAX_EVENTS
