"""Message to text, in one partner's style, one version and one root. No tree is built: strings are joined.

Each structure class is compiled once for a style to one function for each field. Fields are written in schema
order unless the dialect names another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, tzinfo
from functools import lru_cache
from operator import attrgetter
from typing import Any, get_type_hints

from adapters.ncip import downgrade, times
from adapters.ncip.characters import escape, escape_attribute, fold
from adapters.ncip.dialect.xml import Extras, SchemeStyle, XmlDialect
from adapters.ncip.messages.base import Code, Element, RawElement, Structure, When, elements_of
from adapters.ncip.messages.envelope import Extension, Message, Problems, Root
from adapters.ncip.messages.identifiers import Problem, UserId
from adapters.ncip.messages.users import LookupUser, LookupUserResponse
from adapters.ncip.names import USER_ID_ELEMENT, V1_NAMES, V1_USER_ID_ELEMENT, is_in
from adapters.ncip.reading import value_type
from adapters.ncip.style import prolog, style_of
from adapters.ncip.versions import Version
from gateway.domain.frozen import frozen

Out = list[str]
Write = Callable[[Out, Any], None]


@frozen
class _Plan:
    """How the content of one structure is written: values in order, and what writes each."""

    values: Callable[[Structure], tuple[Any, ...]]
    steps: tuple[Write, ...]
    adapt: Callable[[Any], Structure] | None


def _no_ext(out: Out, ext: tuple[RawElement, ...]) -> None:
    """Version 1 has no Ext, and a few structures of version 2 haven't."""


def _only_ext(value: Structure) -> tuple[Any, ...]:
    return (value.ext,)


@lru_cache(maxsize=256)
def writer_for(dialect: XmlDialect, version: Version, root: Root, zone: tzinfo) -> Writer:
    return Writer(dialect, version, root, zone)


class Writer:
    """Writes messages of one version and root in one partner's style; keeps what it has compiled."""

    def __init__(self, dialect: XmlDialect, version: Version, root: Root, zone: tzinfo) -> None:
        self._dialect = dialect
        self._version = version
        self._style = style_of(dialect, version, root)
        name = self._style.prefix + root
        self._start = f"{prolog(dialect, version, root)}<{name}{self._style.root_attributes}>"
        self._end = f"</{name}>"
        self._when = times.writer(dialect.date_out, zone)
        self._day = times.day_writer(dialect.date_out)
        self._order = {order.structure: order.elements for order in dialect.element_order}
        self._plans: dict[type[Structure], _Plan] = {}

    # --- whole messages --------------------------------------------------------------------------------

    def write(self, message: Message) -> bytes:
        out: Out = [self._start]
        self._write_body(out, message)
        out.append(self._end)
        text = "".join(out)
        return (fold(text) if self._dialect.ascii_fold else text).encode(self._dialect.charset_out, "xmlcharrefreplace")

    def _write_body(self, out: Out, message: Message) -> None:
        body = message.body
        if isinstance(body, Problems):
            write = self._problem("MessagingError")
            for problem in body.problems:
                write(out, problem)
        elif isinstance(body, Extension):
            self._write_ext(out, body.ext)
        else:
            self._structure(type(body), type(body).__name__)(out, body)

    # --- structures ------------------------------------------------------------------------------------

    def _tags(self, name: str) -> tuple[str, str]:
        name = self._style.prefix + (V1_NAMES.get(name, name) if self._version.is_v1 else name)
        return f"<{name}>", f"</{name}>"

    def _structure(self, cls: type[Structure], name: str) -> Write:
        """Writes a structure; its plan is made when first needed, as structures may contain each other."""
        open_, close = self._tags(name)
        plan: _Plan | None = None

        def write(out: Out, value: Structure) -> None:
            nonlocal plan
            if plan is None:
                plan = self._plan(cls)
            out.append(open_)
            if plan.adapt is not None:
                value = plan.adapt(value)
            for part, step in zip(plan.values(value), plan.steps, strict=False):
                if part or part.__class__ is int:
                    step(out, part)
            out.append(close)

        return write

    def _plan(self, cls: type[Structure]) -> _Plan:
        plan = self._plans.get(cls)
        if plan is None:
            steps = [*self._steps(cls), ("ext", self._write_ext if self._has_ext(cls) else _no_ext)]
            names = [name for name, _ in steps]
            values = attrgetter(*names) if len(names) > 1 else _only_ext
            plan = _Plan(values, tuple(step for _, step in steps), downgrade.for_class(cls, self._version))
            self._plans[cls] = plan
        return plan

    def _steps(self, cls: type[Structure]) -> list[tuple[str, Write]]:
        hints = get_type_hints(cls)
        elements = elements_of(cls)
        steps = [
            (name, self._field(cls, value_type(hints[name]), elements[name]))
            for name in self._ordered(cls, elements)
            if self._is_written(elements[name])
        ]
        if cls is LookupUserResponse and self._version.is_v1:
            steps = self._with_transactions(steps)
        return steps

    def _is_written(self, element: Element) -> bool:
        if element.extra or (element.v1_only and not self._version.is_v1):
            return self._dialect.extra_elements is Extras.SEND
        return is_in(element, self._version)

    def _ordered(self, cls: type[Structure], elements: dict[str, Element]) -> list[str]:
        names = list(elements)
        if self._version.is_v1 and "user_ids" in names:  # UserOptionalFields: INC has VisibleUserId first
            names.sort(key=lambda name: name != "user_ids")
        wanted = self._order.get(cls.__name__, ())
        by_element = {elements[name].name: name for name in names}
        moved = [by_element[element] for element in wanted if element in by_element]
        if not moved:
            return names
        first = min(names.index(name) for name in moved)
        before = [name for name in names[:first] if name not in moved]
        return before + moved + [name for name in names[first:] if name not in moved]

    # --- fields ----------------------------------------------------------------------------------------

    def _field(self, cls: type[Structure], kind: Any, element: Element) -> Write:
        write = self._single(cls, kind, element)
        if not element.many:
            return write
        if self._version in element.single_in:
            return lambda out, values: write(out, values[0])

        def write_all(out: Out, values: tuple[Any, ...]) -> None:
            for value in values:
                write(out, value)

        return write_all

    def _single(self, cls: type[Structure], kind: Any, element: Element) -> Write:
        name = element.name
        if element.inside:
            open_, close = self._tags(name)
            inner = self._leaf(kind, element.inside)

            def write(out: Out, value: Any) -> None:
                out.append(open_)
                inner(out, value)
                out.append(close)

            return write
        if element.day:
            return self._simple(name, self._day)
        if self._version.is_v1:
            special = self._v1_special(cls, kind, name)
            if special is not None:
                return special
        return self._leaf(kind, name)

    def _leaf(self, kind: Any, name: str) -> Write:
        if kind is Code:
            return self._code(name)
        if kind is str:
            return self._simple(name, escape)
        if kind is int:
            return self._simple(name, str)
        if kind == When or kind is date:
            return self._simple(name, self._when)
        if kind is bool:
            empty = self._tags(name)[0][:-1] + "/>"
            return lambda out, value: out.append(empty)
        if kind is Problem:
            return self._problem("ProcessingError")
        return self._structure(kind, name)

    def _simple(self, name: str, form: Callable[[Any], str]) -> Write:
        open_, close = self._tags(name)

        def write(out: Out, value: Any) -> None:
            out.append(f"{open_}{form(value)}{close}")

        return write

    def _code(self, name: str) -> Write:
        open_, close = self._tags(name)
        if self._style.schemes is SchemeStyle.CHILDREN:
            return self._code_with_children(open_, close)
        with_scheme = self._style.schemes is SchemeStyle.ATTRIBUTE
        start = f'{open_[:-1]} {self._style.attribute_prefix}Scheme="'

        def write(out: Out, code: Code) -> None:
            if code.scheme and with_scheme:
                out.append(f'{start}{escape_attribute(code.scheme)}">{escape(code.value)}{close}')
            else:
                out.append(f"{open_}{escape(code.value)}{close}")

        return write

    def _code_with_children(self, open_: str, close: str) -> Write:
        scheme_open, scheme_close = self._tags("Scheme")
        value_open, value_close = self._tags("Value")

        def write(out: Out, code: Code) -> None:
            scheme = escape(code.scheme or "")
            out.append(
                f"{open_}{scheme_open}{scheme}{scheme_close}{value_open}{escape(code.value)}{value_close}{close}"
            )

        return write

    def _write_ext(self, out: Out, ext: tuple[RawElement, ...]) -> None:
        open_, close = self._tags("Ext")
        out.append(open_)
        out.extend(element.xml for element in ext)
        out.append(close)

    def _has_ext(self, cls: type[Structure]) -> bool:
        return cls.has_ext and not self._version.is_v1

    # --- version 1 -------------------------------------------------------------------------------------

    def _v1_special(self, cls: type[Structure], kind: Any, name: str) -> Write | None:
        if name == "UserElementType":
            code = self._code(name)
            return lambda out, value: code(
                out, Code(V1_USER_ID_ELEMENT, value.scheme) if value.value == USER_ID_ELEMENT else value
            )
        if kind is UserId and cls.__name__ == "UserOptionalFields":
            return self._visible_user_id()
        if kind is UserId and cls is LookupUser:
            visible, unique = self._visible_user_id(), self._leaf(kind, name)
            return lambda out, user: (unique if user.agency_id or not user.identifier_type else visible)(out, user)
        return None

    def _visible_user_id(self) -> Write:
        open_, close = self._tags("VisibleUserId")
        kind = self._code("VisibleUserIdentifierType")
        value = self._simple("VisibleUserIdentifier", escape)

        def write(out: Out, user: UserId) -> None:
            out.append(open_)
            if user.identifier_type is not None:
                kind(out, user.identifier_type)
            value(out, user.value)
            out.append(close)

        return write

    def _with_transactions(self, steps: list[tuple[str, Write]]) -> list[tuple[str, Write]]:
        """Version 1 puts the lists of loans and requests into UserTransaction elements."""
        open_, close = self._tags("UserTransaction")

        def wrapped(write: Write) -> Write:
            def write_wrapped(out: Out, values: Any) -> None:
                out.append(open_)
                write(out, values)
                out.append(close)

            return write_wrapped

        listed = ("loaned_items", "requested_items")
        return [(name, wrapped(write) if name in listed else write) for name, write in steps]

    def _problem(self, kind: str) -> Write:
        """`kind` is the element that version 1 wraps a problem in."""
        if not self._version.is_v1:
            return self._structure(Problem, "Problem")
        open_, close = self._tags("Problem")
        inner_open, inner_close = self._tags(kind)
        type_ = self._code(f"{kind}Type")

        def write(out: Out, problem: Problem) -> None:
            out.append(open_ + inner_open)
            if problem.type is not None:
                type_(out, problem.type)
            self._write_v1_element(out, kind, problem)
            out.append(inner_close + close)

        return write

    def _write_v1_element(self, out: Out, kind: str, problem: Problem) -> None:
        """The path as nested elements with the value innermost. The detail takes the place of an absent value:
        version 1 has no place for it (KOHA leaves it out, OCLC can't take it)."""
        open_, close = self._tags(f"{kind}Element")
        name_open, name_close = self._tags("ElementName")
        value_open, value_close = self._tags(f"{kind}Value")
        names = [name for name in (problem.element or "").split("/") if name]
        value = problem.value or problem.detail
        out.extend(f"{open_}{name_open}{escape(name)}{name_close}" for name in names)
        if value:
            out.append(f"{value_open}{escape(value)}{value_close}")
        out.append(close * len(names))
