"""Texts of the patrons' pages that are chosen by what happened. They are translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.problems import MessagePart, RefusalReason
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.patron_views import PatronAction
from gateway.domain.value import value_object
from gateway.services.localization import mark_text

FAULT_TEXTS: Mapping[str, tuple[str, str]] = {
    "fault-link": (
        mark_text("This link can’t be read"),
        mark_text("It doesn’t say what you are looking for. You can enter it by hand."),
    ),
    "fault-form": (
        mark_text("This form can’t be taken"),
        mark_text(
            "It is too old, or your browser keeps no cookies for this page. "
            "Please open it in a window of its own and try again."
        ),
    ),
    "fault-journey": (
        mark_text("You were not signed in"),
        mark_text("Signing in took too long, or was started in another window. Please begin again."),
    ),
    "fault-provider": (
        mark_text("Signing in is not possible now"),
        mark_text(
            "Something is wrong between the library and your institution. "
            "Please try again later, or ask at the library."
        ),
    ),
    "fault-too-large": (mark_text("This is too much"), mark_text("What was sent is larger than this page takes.")),
    "fault-broken-off": (
        mark_text("This can’t be read"),
        mark_text("It didn’t arrive as a whole. Please send it again."),
    ),
    "fault-not-there": (
        mark_text("There is nothing here"),
        mark_text("What you are looking for is not here, or it is not yours."),
    ),
    "fault-refused": (
        mark_text("This is not possible"),
        mark_text("The library’s system does not allow it. Please ask at the library."),
    ),
    "fault-away": (
        mark_text("Not possible now"),
        mark_text("The library’s system doesn’t answer. Please try again in a few minutes."),
    ),
    "fault-outcome-unknown": (
        mark_text("We don’t know whether it worked"),
        mark_text("The library’s system didn’t answer in time. Please look into your account before you try again."),
    ),
    "fault-defect": (
        mark_text("Something went wrong"),
        mark_text("It is our fault, and it was noted. Please try again, or ask at the library."),
    ),
}
"""By the word of a PageError: title, and what it means for the patron."""

FORM_TEXTS: Mapping[str, str] = {
    "wrong-stale": mark_text("This form was out of date, so nothing was sent. Please check it and send it once more."),
    "wrong-missing": mark_text("Please choose."),
    "wrong-long": mark_text("Please use no more than %(most)s characters."),
    "wrong-choice": mark_text("Please choose one of those that are offered."),
    "wrong-day": mark_text("Please write a day such as 2026-12-31."),
    "wrong-day-early": mark_text("Please choose %(day)s or later."),
    "wrong-day-far": mark_text("This is too far ahead. Please choose an earlier day."),
    "wrong-part": mark_text("Please say which part you need, by its title or its pages."),
    "wrong-declaration": mark_text("We can order a copy only with this declaration."),
    "wrong-nothing-cited": mark_text("Please give a title or a number."),
    "wrong-number": mark_text("This is no ISBN, ISSN, DOI or OCLC number. Please write OCLC before an OCLC number."),
    "wrong-number-missing": mark_text("Please give a number."),
    "wrong-number-unknown": mark_text(
        "No catalogue knows this number, or several things have it. Please fill in the form by hand."
    ),
    "wrong-number-away": mark_text("The catalogues don’t answer at present. Please fill in the form by hand."),
}
"""What is wrong with a field, by the word of `FormCheck.add_problem`."""

SIGN_IN_TEXTS: Mapping[str, str] = {
    "wrong": mark_text("Number and PIN don’t go together. Please check both."),
    "incomplete": mark_text("Please fill in both."),
    "too-often": mark_text("There were too many tries. Please try again later, or ask at the library."),
    "unknown": mark_text("You have signed in, but the library does not know this account. Please ask at the library."),
    "impossible": mark_text("The library can’t check numbers and PINs here. Please ask at the library."),
    "away": mark_text(
        "The library’s system doesn’t answer, so nobody can be signed in. Please try again in a few minutes."
    ),
    "over": mark_text("You were signed out since nothing happened for a while. Please sign in and send it again."),
    "cancelled": mark_text("You were not signed in. Please try again."),
}
"""Why signing in failed, by the word of SignInFailedError."""

REFUSAL_TEXTS: Mapping[RefusalReason, str] = {
    RefusalReason.PATRON_BLOCKED: mark_text("Your account is blocked for requests. Please ask at the library."),
    RefusalReason.PATRON_EXPIRED: mark_text("Your library card has expired. Please ask at the library."),
    RefusalReason.LIMIT_REACHED: mark_text("You have as many open requests as you may have."),
    RefusalReason.DUPLICATE_REQUEST: mark_text("You have asked for this already; see your requests."),
    RefusalReason.UNKNOWN_PATRON: mark_text(
        "The library doesn’t know your account any more. Please ask at the library."
    ),
    RefusalReason.DATA_MISSING: mark_text("This can’t be requested without a title or a number."),
    RefusalReason.INVALID_DATE: mark_text("This day can’t be taken."),
    RefusalReason.BAD_PICKUP_LOCATION: mark_text("This place can’t be taken. Please choose another one."),
    RefusalReason.ITEM_NOT_AVAILABLE: mark_text("No copy of ours can be reserved now."),
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: mark_text("Our copies stay in the library, so they can’t be reserved."),
    RefusalReason.ON_LOAN_SAME_PATRON: mark_text("You have it on loan already."),
}

ASKED_BEFORE_TEXT = mark_text(
    "You have asked for this before; see your requests. If you need it once more, send it all the same."
)

OWNED_TEXT = mark_text("We have this ourselves, so it can’t be requested from elsewhere. Please reserve our copy.")

OTHER_REFUSAL_TEXT = mark_text("The library’s system does not allow this. Please ask at the library.")


def find_refusal_text(reason: RefusalReason, about: MessagePart | None) -> str:
    if reason is RefusalReason.NOT_ALLOWED and about is MessagePart.ITEM:
        return OWNED_TEXT
    return REFUSAL_TEXTS.get(reason, OTHER_REFUSAL_TEXT)


@value_object
class OfferTexts:
    title: str
    text: str
    button: str = ""


OFFER_TEXTS: Mapping[Fulfilment, OfferTexts] = {
    Fulfilment.HOLD: OfferTexts(
        mark_text("Reserve our copy"),
        mark_text("We keep it for you at the place of your choice, and tell you when you can collect it."),
        mark_text("Reserve"),
    ),
    Fulfilment.BORROW: OfferTexts(
        mark_text("Get it from another library"),
        mark_text("We ask other libraries for a loan or a copy, and tell you when it is here."),
        mark_text("Request"),
    ),
    Fulfilment.ASK: OfferTexts(mark_text("Ask us"), mark_text("If none of this fits, we are glad to help.")),
}
"""Of what the library itself does; what is elsewhere has the operator's own words."""


FREE_TEXT = mark_text("A version that everybody may read is online. It costs nothing, and nobody has to sign in.")

FREE_TEXTS: Mapping[str, str] = {
    "acceptedVersion": mark_text(
        "The author’s accepted version is online for everybody. "
        "It says the same as the published one, in another layout."
    ),
    "submittedVersion": mark_text(
        "A preprint is online for everybody. It was written before the review, and may differ from what was published."
    ),
}
"""Of a free version online that isn't the published one, by Unpaywall's word for it."""


@value_object
class ActTexts:
    """Of what a patron does with a request: the `link` to it, and what its page asks and says; what is said when it
    is `done`."""

    link: str
    title: str
    done: str
    text: str = ""
    button: str = ""


ACT_TEXTS: Mapping[PatronAction, ActTexts] = {
    PatronAction.CANCEL: ActTexts(
        link=mark_text("Cancel"),
        title=mark_text("Cancel this request?"),
        done=mark_text("You have cancelled it."),
        text=mark_text(
            "We stop looking for it. If another library has it under way, it decides whether it can still be stopped."
        ),
        button=mark_text("Yes, cancel it"),
    ),
    PatronAction.RENEW: ActTexts(
        link=mark_text("Renew"),
        title=mark_text("Keep it longer?"),
        done=mark_text("You have asked to keep it longer."),
        text=mark_text(
            "We ask the library that it belongs to, and tell you the answer. Until then the old date counts."
        ),
        button=mark_text("Ask for it"),
    ),
    PatronAction.ANSWER: ActTexts(
        link=mark_text("Answer"), title=mark_text("We have a question"), done=mark_text("Thank you for your answer.")
    ),
}

TOO_LATE_TEXT = mark_text("This is not possible any more. Here is how it stands now.")
