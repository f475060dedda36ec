"""A message as indented lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, tzinfo

from adapters.ncip.messages import Amount, Code, Message, RawElement, Structure
from adapters.ncip.messages.base import elements_of

INDENT = "  "


def lines(structure: Structure, zone: tzinfo, depth: int = 1) -> Iterator[str]:
    """The content of a structure: one line for each value, one level deeper for each structure inside."""
    for name, element in elements_of(type(structure)).items():
        value = getattr(structure, name)
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None and one is not False and one != "":
                yield from _value(element.name, one, zone, depth)
    for raw in structure.ext:
        yield f"{INDENT * depth}{raw.path}: {raw.text}"


def unknown(message: Message, depth: int = 1) -> Iterator[str]:
    """What the model has no place for."""
    for element in message.unknown:
        yield f"{INDENT * depth}not understood: {element.path}: {element.text}"


def _value(name: str, value: object, zone: tzinfo, depth: int) -> Iterator[str]:
    start = f"{INDENT * depth}{name}"
    if isinstance(value, Amount):
        yield f"{start}: {_amount(value)}"
    elif isinstance(value, Structure):
        inner = list(lines(value, zone, depth + 1))
        if len(inner) == 1:
            yield f"{start}: {inner[0].partition(': ')[2] or inner[0].strip()}"
        else:
            yield start
            yield from inner
    elif value is True:
        yield start
    else:
        yield f"{start}: {_text(value, zone)}"


def _amount(amount: Amount) -> str:
    try:
        money = amount.money
    except ValueError:
        money = None
    if money is not None:
        return f"{money.amount} {money.currency}"
    currency = amount.currency.value if amount.currency is not None else "?"
    return f"{amount.minor_units} minor units of {currency}"


def _text(value: object, zone: tzinfo) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Code):
        return value.value
    return value.text if isinstance(value, RawElement) else str(value)
