"""Kinds of values that the sections of several protocols have, checked when a profile is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from gateway.domain.sentences import mark_template

MailAddress = Annotated[str, Field(pattern=r"^([^@\s<>]+@[^@\s<>]+)?$")]


def make_subject_template(fields: Sequence[str]) -> AfterValidator:
    """Make the check of a mail's subject in which these fields may be filled in."""

    def check_subject(value: str) -> str:
        try:
            value.format(**dict.fromkeys(fields, "x"))
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            known = ", ".join(f"{{{name}}}" for name in fields)
            raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
        return value

    return AfterValidator(check_subject)


def make_duration_check(units: str, expected: str) -> AfterValidator:
    """Make the check of a number with one of these units, such as 4h, that `split_duration` reads. `expected`: what it
    should have been, with examples."""

    def check_duration(text: str) -> str:
        if not re.fullmatch(rf"[1-9][0-9]{{0,3}}[{units}]", text):
            raise ValueError(f"not {expected}")
        return text

    return AfterValidator(check_duration)


def split_duration(text: str) -> tuple[int, str]:
    """Split a duration that was checked into its number and its unit: m, h or d."""
    return int(text[:-1]), text[-1]


def _check_mail_charset(value: str) -> str:
    try:
        codecs.lookup(value)
        "ä".encode(value, "replace")
    except (LookupError, UnicodeError) as error:
        raise ValueError("no character set of texts, such as utf-8, iso-8859-1 or windows-1252") from error
    return value


def _check_date_form(value: str) -> str:
    sample = date(2026, 11, 23)
    try:
        same = datetime.strptime(sample.strftime(value), value).date() == sample  # noqa: DTZ007 - only its day
    except (ValueError, re.error):
        same = False
    if not same:
        raise ValueError("no form of a date, such as %d-%m-%Y")
    return value


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(mark_template("not a time zone such as Europe/Zurich")) from error
    return name


def _check_charset(name: str) -> str:
    try:
        "".encode(name)  # refuses codecs that aren't character sets, such as hex
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(f"not a character set: {name}") from error


MailCharset = Annotated[str, AfterValidator(_check_mail_charset)]
DateForm = Annotated[str, AfterValidator(_check_date_form)]
ZoneName = Annotated[str, AfterValidator(_check_zone)]
Charset = Annotated[str, AfterValidator(_check_charset)]
