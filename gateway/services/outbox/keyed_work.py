"""Work that its caller may ask for again under the same key: key and work are one transaction.

So after a crash either both are there or neither is: a repeat is answered, or carried out as if it were the first. What
was done stands beside the key, as a reference from which the answer can be made when the first never got one.

Who carries the work out sets its key by `use_key`; services write it by `write_once`, whether there is a key or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar

from gateway.ports.shared_store import Store, Transaction, Work
from gateway.store import api_records
from gateway.store.api_records import AnswerKey

T = TypeVar("T")

DONE = "done"
"""A reference that says no more."""


class KeyTaken(Exception):
    """The work that was done already under this key; `reference` says which."""

    def __init__(self, reference: str) -> None:
        super().__init__("the key is taken")
        self.reference = reference


class WorkKey:
    """`asked`: digest of what was asked. `forget_before`: keys of before don't count any more."""

    def __init__(self, key: AnswerKey, asked: bytes, at: datetime, forget_before: datetime) -> None:
        self.is_claimed = False
        self.is_undone = False
        """Of what was done nothing is left."""
        self._key = key
        self._asked = asked
        self._at = at
        self._forget_before = forget_before

    def claim(self, connection: Transaction) -> None:
        """Another node that claims it meanwhile waits for the end of this transaction. Raises KeyTaken."""
        if not api_records.claim_key(connection, self._key, self._asked, self._at, self._forget_before):
            answer = api_records.find_answer(connection, self._key, self._forget_before)
            raise KeyTaken(answer.reference if answer is not None else "")

    def note_reference(self, connection: Transaction, reference: str) -> None:
        api_records.note_reference(connection, self._key, reference)

    def make_part(self, name: str) -> WorkKey:
        """The key of one of several transactions. No caller's key has a blank in it."""
        key = AnswerKey(
            self._key.library, self._key.api_key, self._key.operation, f"{self._key.idempotency_key} {name}"
        )
        return WorkKey(key, self._asked, self._at, self._forget_before)


_key_of_work: ContextVar[WorkKey | None] = ContextVar("key_of_work", default=None)


@contextmanager
def use_key(key: WorkKey) -> Iterator[None]:
    """Let what is written by `write_once` first, from now on, go with this key."""
    before = _key_of_work.set(key)
    try:
        yield
    finally:
        _key_of_work.reset(before)


@contextmanager
def use_part_of_key(name: str) -> Iterator[None]:
    """The same for one part of work that takes several transactions; does nothing where there is no key."""
    whole = _key_of_work.get()
    if whole is None:
        yield
        return
    with use_key(whole.make_part(name)):
        yield


def note_undone() -> None:
    """Note that nothing is left of what was done under the key in use, so that the key may be used again."""
    if (key := _key_of_work.get()) is not None:
        key.is_undone = True


def _refer_to_nothing(_result: object) -> str:
    return DONE


async def write_once(store: Store, work: Work[T], refer: Callable[[T], str] = _refer_to_nothing) -> T:
    """`work` as one transaction with the key that it was asked for with, where there is one. `refer`: what the answer
    to a repeat is made from. Raises KeyTaken, and what `work` raises."""
    key = _key_of_work.get()
    if key is None or key.is_claimed:
        return await store.write(work)

    def claim_and_work(connection: Transaction) -> T:
        key.claim(connection)
        result = work(connection)
        key.note_reference(connection, refer(result))
        return result

    result = await store.write(claim_and_work)
    key.is_claimed = True
    return result
