"""The states of a request on both sides, and how each is come by."""

from __future__ import annotations

from gateway.domain.requests.request import ServiceType
from tests.protocol.staff_acts.world import WITHOUT_MAIL, Scene

COPY = ServiceType.COPY
TWO = ("Vol. 1", "Vol. 2")

_HERE = ("partner shipped", "us received", "us at-pickup")
_LENT = (*_HERE, "us loaned-to-patron")
_BACK = (*_LENT, "us returned-by-patron")


def _borrow(name: str, *steps: str, **more: object) -> Scene:
    return Scene(name=f"borrowing: {name}", side="borrowing", steps=steps, **more)  # type: ignore[arg-type]


def _lend(name: str, *steps: str, **more: object) -> Scene:
    return Scene(name=f"lending: {name}", side="lending", steps=steps, **more)  # type: ignore[arg-type]


BORROWING = (
    _borrow("review", is_reviewed=True),
    _borrow("requested"),
    _borrow("hold-placed", "partner hold-placed"),
    _borrow("will-supply", "partner will-supply"),
    _borrow("will-supply, question open", "partner will-supply", "us patron-asked"),
    _borrow("conditional", "partner conditional"),
    _borrow("offered", "partner retry"),
    _borrow("cancel-pending", "us cancel"),
    _borrow("cancellation refused", "partner will-supply", "us cancel", "partner cancel-refused"),
    _borrow("no-supplier", "partner unfilled"),
    _borrow("shipped", "partner shipped"),
    _borrow("shipped, message unread", "partner shipped", "partner message"),
    _borrow("shipped, unwanted", "partner shipped", "us cancel"),
    _borrow("shipped, recalled", "partner shipped", "partner recall"),
    _borrow("received, on the hold shelf", *_HERE),
    _borrow("received, in transit", "partner shipped", "us received elsewhere"),
    _borrow("received, at branch", "partner shipped", "us received elsewhere", "us arrived-at-branch"),
    _borrow("received, in transit, recalled", "partner shipped", "us received elsewhere", "partner recall"),
    _borrow("received, unwanted", *_HERE, "us cancel"),
    _borrow("received, not collected", *_HERE, "later 30"),
    _borrow("lent", *_LENT),
    _borrow("lent, renewal asked", *_LENT, "us renew"),
    _borrow("lent, recalled", *_LENT, "partner recall"),
    _borrow("lent, overdue", *_LENT, "later 40"),
    _borrow("back", *_BACK),
    _borrow("returned", *_BACK, "us returned"),
    _borrow("completed", *_BACK, "us returned", "partner checked-in"),
    _borrow("cancelled", "us cancel", "partner cancel-accepted"),
    _borrow("unfilled", "partner unfilled", "us close"),
    _borrow("lost", *_LENT, "us lost"),
    _borrow("copy requested", service=COPY),
    _borrow("copy shipped", "partner shipped", service=COPY),
    _borrow("copy completed", "partner copy-delivered", service=COPY),
    _borrow("2 volumes shipped", "partner shipped", volumes=TWO),
    _borrow("2 volumes, one here", "partner shipped", "us received 1", volumes=TWO),
    _borrow("2 volumes here", *_HERE, volumes=TWO),
    _borrow("2 volumes, one lent", *_HERE, "us loaned-to-patron 1", volumes=TWO),
    _borrow("2 volumes lent", *_LENT, volumes=TWO),
    _borrow("2 volumes back", *_BACK, volumes=TWO),
    _borrow("no mail: review", is_reviewed=True, patron=WITHOUT_MAIL),
    _borrow("no mail: will-supply", "partner will-supply", patron=WITHOUT_MAIL),
    _borrow("no mail: shipped", "partner shipped", patron=WITHOUT_MAIL),
    _borrow("no mail: in transit", "partner shipped", "us received elsewhere", patron=WITHOUT_MAIL),
    _borrow("no mail: received", *_HERE, patron=WITHOUT_MAIL),
)

_OUT = ("us shipped",)

LENDING = (
    _lend("new"),
    _lend("new, copies to choose from", cites_ours=True),
    _lend("located", "us located"),
    _lend("hold-placed", "us hold-placed"),
    _lend("will-supply", "us will-supply"),
    _lend("located, will-supply", "us located", "us will-supply"),
    _lend("conditional", "us conditional"),
    _lend("cancel-pending", "us will-supply", "partner cancel"),
    _lend("shipped", *_OUT),
    _lend("shipped, message unread", *_OUT, "partner message"),
    _lend("shipped, renewal asked", *_OUT, "partner renew"),
    _lend("shipped, recalled", *_OUT, "us recall"),
    _lend("shipped, overdue", *_OUT, "later 90"),
    _lend("returned", *_OUT, "partner returned"),
    _lend("completed", *_OUT, "us checked-in"),
    _lend("cancelled", "us will-supply", "partner cancel", "us cancel-accepted"),
    _lend("unfilled", "us unfilled"),
    _lend("forwarded", "us forwarded"),
    _lend("lost", *_OUT, "us lost"),
    _lend("lost, settled", *_OUT, "us lost", "us settled"),
    _lend("copy new", service=COPY),
    _lend("copy digitising", "us located", service=COPY),
    _lend("copy clearance", "us located", "file", "us digitised", service=COPY),
    _lend("copy cleared", "us located", "file", "us digitised", "us cleared", service=COPY),
    _lend("copy completed", "us located", "file", "us digitised", "us cleared", "us copy-delivered", service=COPY),
    _lend("2 volumes new", volumes=TWO),
    _lend("2 volumes, one shipped", "us shipped 1", volumes=TWO),
    _lend("2 volumes shipped", "us shipped 1", "us shipped 2", volumes=TWO),
)

SCENES = (*BORROWING, *LENDING)
