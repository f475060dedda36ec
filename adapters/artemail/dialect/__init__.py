"""What a profile may tailor of ARTEmail (section `artemail`). Codes, words and layouts are all data: they change over
the years, and other services that grew from the format have others."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from adapters.artemail.dialect.orders import (
    Actions,
    Characters,
    Customer,
    Delivery,
    FileLayout,
    Items,
    Keywords,
    Mode,
    Numbers,
    TestOrders,
)
from adapters.artemail.dialect.replies import Replies
from gateway.domain.policy import Section
from gateway.domain.profile import Profile

SECTION = "artemail"

SUBJECT_FIELDS = ("number", "customer", "name")

MailAddress = Annotated[str, Field(pattern=r"^([^@\s<>]+@[^@\s<>]+)?$")]


def _subject(value: str) -> str:
    try:
        value.format(**dict.fromkeys(SUBJECT_FIELDS, "x"))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        known = ", ".join(f"{{{name}}}" for name in SUBJECT_FIELDS)
        raise ValueError(f"can't be filled in ({error}); it may contain {known}") from error
    return value


class ArtemailDialect(Section):
    mode: Mode = Field(Mode.LIVE, description="`test`: everything goes out as a test order")
    test: TestOrders = TestOrders()
    address: MailAddress = Field("", description="where orders go; empty: `partner.email`")
    sender: MailAddress = Field("", description="address that its mails come from; empty: `mail.sender`")
    reply_to: MailAddress = Field("", description="where its answers go; empty: the library's")
    subject: Annotated[str, AfterValidator(_subject)] = Field(
        "FILEREFNO {number}",
        description="of orders and replies; with {number} (of the file, or of the request that goes alone: the service "
        "quotes it), {customer} (code), {name} (of our library)",
    )
    reference: str = Field(
        "FILEREFNO", min_length=1, description="word before our file number in subject or body of an answer"
    )
    customers: tuple[Customer, ...] = Field(
        (), description="customer codes; the first whose conditions fit counts. Other codes in received orders: refused"
    )
    numbers: Numbers = Numbers()
    layout: FileLayout = FileLayout()
    characters: Characters = Characters()
    keywords: Keywords = Keywords()
    items: Items = Items()
    delivery: Delivery = Delivery()
    actions: Actions = Actions()
    replies: Replies = Replies()

    @property
    def order_codes(self) -> frozenset[str]:
        """All that may stand on a request's first line."""
        rules = (rule.codes for group in self.keywords.groups for rule in group)
        lists = (*rules, *self.actions.codes.values(), self.delivery.keywords, self.test.keywords)
        return frozenset(code for codes in lists for code in codes)

    @model_validator(mode="after")
    def _test_goes_somewhere_else(self) -> ArtemailDialect:
        if self.mode is Mode.TEST and not (self.test.address or self.test.keywords):
            raise ValueError("mode test needs `test.address` or `test.keywords`: nothing would tell the orders apart")
        return self

    @model_validator(mode="after")
    def _file_address_has_a_line(self) -> ArtemailDialect:
        if self.delivery.file != "none" and not self.layout.file_address:
            raise ValueError("delivery.file needs `layout.file_address`, the line above the address")
        return self


DEFAULT = ArtemailDialect()


def dialect_of(profile: Profile) -> ArtemailDialect:
    found = profile.dialects.get(SECTION)
    return found if isinstance(found, ArtemailDialect) else DEFAULT


__all__ = ["SECTION", "ArtemailDialect", "dialect_of"]
