"""Texts of the patrons' pages that are chosen by what happened. They are translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain.library import BlockCause
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.domain.requests.fulfilment import Fulfilment
from gateway.domain.requests.patron_views import PatronAction
from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text

FAULT_TEXTS: Mapping[str, tuple[str, str]] = {
    "fault-link": (
        mark_text("We cannot read this link"),
        mark_text("The link does not identify an item. You can enter the details yourself."),
    ),
    "fault-form": (
        mark_text("This form has expired or was blocked"),
        mark_text(
            "The form has expired, or your browser blocks cookies for this page. Please open it in a new window and "
            "try again."
        ),
    ),
    "fault-foreign-form": (
        mark_text("This form came from another website"),
        mark_text("Nothing was sent. Please start again on this page."),
    ),
    "fault-journey": (
        mark_text("You are not signed in"),
        mark_text("Sign-in took too long or was started in another window. Please start again."),
    ),
    "fault-provider": (
        mark_text("Sign-in is not available"),
        mark_text(
            "There is a problem with the connection between the library and your institution. Please try again "
            "later, or contact the library."
        ),
    ),
    "fault-too-large": (mark_text("Too much data"), mark_text("The data you sent is larger than this page accepts.")),
    "fault-broken-off": (
        mark_text("We could not read your form"),
        mark_text("The data arrived incomplete. Please send it again."),
    ),
    "fault-not-there": (
        mark_text("Page not found"),
        mark_text("This page does not exist, or you do not have access to it."),
    ),
    "fault-refused": (
        mark_text("Not allowed"),
        mark_text("The library system does not allow this. Please contact the library."),
    ),
    "fault-away": (
        mark_text("Not available now"),
        mark_text("The library system is not responding. Please try again in a few minutes."),
    ),
    "fault-outcome-unknown": (
        mark_text("We cannot confirm whether this worked"),
        mark_text("The library system did not respond in time. Please check your account before you try again."),
    ),
    "fault-defect": (
        mark_text("Something went wrong"),
        mark_text("This is our error, and it has been logged. Please try again, or contact the library."),
    ),
}
"""By the word of a PageError: title, and what it means for the patron."""

FORM_TEXTS: Mapping[str, str] = {
    "wrong-stale": mark_text("This form had expired, so nothing was sent. Please check it and send it again."),
    "wrong-missing": mark_text("Please choose an option."),
    "wrong-long": mark_text("Please use no more than %(most)s characters."),
    "wrong-choice": mark_text("Please choose one of the options."),
    "wrong-day": mark_text("Please enter a date, such as 2026-12-31."),
    "wrong-day-early": mark_text("Please enter %(day)s or a later date."),
    "wrong-day-far": mark_text("This date is too far ahead. Please choose an earlier one."),
    "wrong-part": mark_text("Please enter the title or pages of the part you need."),
    "wrong-declaration": mark_text("Please accept this declaration. We cannot request a copy without it."),
    "wrong-nothing-cited": mark_text("Please enter a title or a number."),
    "wrong-number": mark_text("This is not a valid ISBN, ISSN, DOI or OCLC number. Put OCLC before an OCLC number."),
    "wrong-number-missing": mark_text("Please enter a number."),
    "wrong-number-unknown": mark_text(
        "We found no match, or several, for this number. Please enter the details yourself."
    ),
    "wrong-number-away": mark_text("The catalogues are not responding. Please enter the details yourself."),
}
"""What is wrong with a field, by the word of `FormCheck.add_problem`."""

SIGN_IN_TEXTS: Mapping[str, str] = {
    "wrong": mark_text("The card number (user name) or PIN (password) is incorrect. Please check both."),
    "incomplete": mark_text("Please enter your card number or user name, and your PIN or password."),
    "too-often": mark_text("Too many attempts. Please try again later, or contact the library."),
    "unknown": mark_text("You have signed in, but the library has no account for you. Please contact the library."),
    "impossible": mark_text("This library cannot check card numbers and PINs here. Please contact the library."),
    "away": mark_text(
        "The library system is not responding, so you cannot sign in. Please try again in a few minutes."
    ),
    "over": mark_text("You were signed out because you were inactive. Please sign in and send the form again."),
    "weak": mark_text("Please sign in at your institution with a second factor, such as a code from an app."),
    "cancelled": mark_text("Please try again."),
}
"""Why signing in failed, by the word of SignInFailedError."""

REFUSAL_TEXTS: Mapping[RefusalReason, str] = {
    RefusalReason.PATRON_BLOCKED: mark_text(
        "Your account is blocked from making requests. Please contact the library."
    ),
    RefusalReason.PATRON_EXPIRED: mark_text("Your library card has expired. Please contact the library."),
    RefusalReason.LIMIT_REACHED: mark_text("You have reached the limit for open requests."),
    RefusalReason.DUPLICATE_REQUEST: mark_text("You have already requested this item. See My account."),
    RefusalReason.UNKNOWN_PATRON: mark_text(
        "The library no longer has an account for you. Please contact the library."
    ),
    RefusalReason.DATA_MISSING: mark_text("Please enter a title or a number."),
    RefusalReason.INVALID_DATE: mark_text("This date is not accepted."),
    RefusalReason.BAD_PICKUP_LOCATION: mark_text("This pickup location is not available. Please choose another."),
    RefusalReason.ITEM_NOT_AVAILABLE: mark_text("None of our copies can be reserved now."),
    RefusalReason.ITEM_DOES_NOT_CIRCULATE: mark_text(
        "Our copies are for library use only, so they cannot be reserved."
    ),
    RefusalReason.ON_LOAN_SAME_PATRON: mark_text("You already have this on loan."),
}

BLOCK_TEXTS: Mapping[BlockCause, str] = {
    BlockCause.EXPIRED: mark_text("Your library card has expired."),
    BlockCause.INACTIVE: mark_text("Your library account is not active."),
    BlockCause.FEES: mark_text("You have unpaid fees."),
    BlockCause.OVERDUE: mark_text("You have overdue items. Please return them."),
    BlockCause.RECALLED: mark_text("An item that was recalled is overdue. Please return it."),
    BlockCause.LOST_ITEMS: mark_text("Items that you borrowed are missing."),
    BlockCause.CARD_LOST: mark_text("Your library card was reported lost."),
    BlockCause.ADDRESS: mark_text("The library does not have your current address."),
}
"""Of all causes that have words; of others the library's own message is all that there is."""

OWED_TEXT = mark_text("You owe the library %(amount)s.")

EXPIRED_TEXT = mark_text("Your library card expired on %(day)s.")

LIMIT_TEXT = mark_text("You can have up to this many open requests at a time: %(most)s.")

LIBRARY_MESSAGE_TEXT = mark_text("Message from the library: %(message)s")

ASKED_BEFORE_TEXT = mark_text(
    "You have requested this before. See My account. If you need it again, you can still send the request."
)

OWNED_TEXT = mark_text("We have this item, so you cannot request it from another library. Please reserve our copy.")

OTHER_REFUSAL_TEXT = mark_text("The library system does not allow this. Please contact the library.")


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
        mark_text("Reserve this item"),
        mark_text("We will hold it for you at your pickup location and notify you when it is ready."),
        mark_text("Reserve"),
    ),
    Fulfilment.BORROW: OfferTexts(
        mark_text("Request it from another library"),
        mark_text("We will ask other libraries for a loan or a copy and notify you when it arrives."),
        mark_text("Request"),
    ),
    Fulfilment.ASK: OfferTexts(mark_text("Contact us"), mark_text("If none of these options fits, please contact us.")),
}
"""Of what the library itself does; what is elsewhere has the operator's own words."""


FREE_TEXT = mark_text("A free version is available online. You do not need to sign in.")

FREE_TEXTS: Mapping[str, str] = {
    "acceptedVersion": mark_text(
        "The author’s accepted version is free online. The content is the same as the published version. The layout "
        "differs."
    ),
    "submittedVersion": mark_text(
        "A preprint is free online. It was written before peer review and may differ from the published version."
    ),
}
"""Of a free version online that isn't the published one, by Unpaywall's word for it."""


@value_object
class ActTexts:
    """The texts of what a patron does with a request: the `link` to it, and what its page asks and says; what is said
    when it is `done`."""

    link: str
    title: str
    done: str
    text: str = ""
    button: str = ""


ACT_TEXTS: Mapping[PatronAction, ActTexts] = {
    PatronAction.CANCEL: ActTexts(
        link=mark_text("Cancel"),
        title=mark_text("Cancel this request?"),
        done=mark_text("Your request is cancelled."),
        text=mark_text(
            "We will stop looking for it. If another library is already preparing it, that library decides whether "
            "it can still be stopped. If it has been sent already, it will be returned."
        ),
        button=mark_text("Yes, cancel the request"),
    ),
    PatronAction.RENEW: ActTexts(
        link=mark_text("Renew"),
        title=mark_text("Renew this loan?"),
        done=mark_text("You have requested a renewal."),
        text=mark_text(
            "We will ask the lending library and notify you of its answer. The current due date applies until then."
        ),
        button=mark_text("Request renewal"),
    ),
    PatronAction.ANSWER: ActTexts(
        link=mark_text("Answer"), title=mark_text("We have a question"), done=mark_text("Thank you for your answer.")
    ),
}

CANCEL_PENDING_TEXT = mark_text("We have asked the other library to cancel it and will tell you its answer.")

CANCEL_NOTED_TEXT = mark_text("We have noted that you no longer need it.")

TOO_LATE_TEXT = mark_text("This is no longer possible. The current status is shown here.")

REFUSED_ACT_TEXTS: Mapping[PatronAction, tuple[str, str]] = {
    PatronAction.RENEW: (
        mark_text("On %(day)s, the lending library did not agree to renew this loan (%(reason)s)."),
        mark_text("On %(day)s, the lending library did not agree to renew this loan."),
    ),
    PatronAction.CANCEL: (
        mark_text("On %(day)s, the other library answered that it could no longer cancel it (%(reason)s)."),
        mark_text("On %(day)s, the other library answered that it could no longer cancel it."),
    ),
}
"""What another library has refused, with a reason and without one."""

ALREADY_SENT_TEXT = mark_text("It was sent on %(day)s, before the other library could cancel it.")
