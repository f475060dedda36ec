"""Help for staff: one page, a part for each topic. Every page leads to its part."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.value import value_object
from gateway.services.localization import mark_text
from gateway.web.staff.handbook import has_handbook_page
from gateway.web.staff.staff_request import StaffPage, StaffRequest


@value_object
class HelpTopic:
    """`name`: what pages call it (`help_topic`), and its place on the page; `paths`: pages that it is about, as
    `StaffPage.path`: it is there when one of them is."""

    name: str
    title: str
    paths: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def handbook(self) -> str:
        """The page of the handbook that says more."""
        return "lists" if self.name == "bulk" else self.name


TOPICS: tuple[HelpTopic, ...] = (
    HelpTopic(
        "sign-in",
        mark_text("Signing in"),
        ("/sign-in",),
        (
            mark_text(
                "Sign in with the name and password that you were given, or with your organisation’s account where "
                "that is offered. After five wrong passwords you have to wait a quarter of an hour."
            ),
            mark_text(
                "You are signed out when you open no page for a while. What you had filled in is kept and can be sent "
                "after you have signed in again. At “Your account” you change your password, end sessions elsewhere, "
                "and choose light or dark pages and narrow or wide rows."
            ),
        ),
    ),
    HelpTopic(
        "work",
        mark_text("The work queue"),
        ("",),
        (
            mark_text(
                "Every list on which something waits for a person, with how many there are and how long the oldest has "
                "waited. The lists stand in the order in which the day goes: first what others wait for."
            ),
            mark_text(
                "“Do these first” names lists where something has waited too long, and partners that do not answer. "
                "Messages to these are kept and go out by themselves. Numbers change by themselves while the page is "
                "open; what is new is told by a line on top."
            ),
        ),
    ),
    HelpTopic(
        "lists",
        mark_text("Lists and the search box"),
        ("/borrowing", "/lending", "/copies"),
        (
            mark_text(
                "The search box takes any number that you hold in hand: ours, the partner’s, a barcode, a card, an "
                "ISBN; or words of title and author. A number that leads to one request opens it."
            ),
            mark_text(
                "Filters stand beside the list, the chosen ones above it: press one to take it away. The address holds "
                "the filter, so a bookmark keeps it; under “Keep this filter” it gets a name, for you or for everybody."
            ),
            mark_text(
                "Task lists begin with what has waited longest. “Waits” and “Needed or due” change the order. The keys "
                "j and k go through the list, x selects, / leads to the search box; they can be switched off below the "
                "list."
            ),
        ),
    ),
    HelpTopic(
        "request",
        mark_text("One request"),
        ("/requests/{number}",),
        (
            mark_text(
                "On top stands whose move it is and since when, with the usual act open: one button does it. All else "
                "that is possible now is under “More actions”; what people look for and can’t do now stands there with "
                "the reason."
            ),
            mark_text(
                "“Who is asked” shows each library with its answer, why it was chosen, and who was passed over and "
                "why. The buttons change the order of those still to be asked. “Why this order” asks their catalogues "
                "now."
            ),
            mark_text(
                "“What happened” is one story: what partners said by whatever way, letters to the reader, what the "
                "library system was asked, and what people did, the newest first. Where somebody else was quicker than "
                "you, you see what was done, and what you typed is still there."
            ),
            mark_text(
                "Who sees readers masked can show the reader of one request: that is recorded. Number, barcode or the "
                "partner’s number in the search box opens the request."
            ),
        ),
    ),
    HelpTopic(
        "bulk",
        mark_text("The same with many requests"),
        ("/borrowing", "/lending", "/copies"),
        (
            mark_text(
                "Select requests, this page, or all that match, and press what is to be done. The next page says with "
                "how many, before anything is done. What fails is told with its reason and can be tried again alone."
            ),
            mark_text(
                "“Give to…” says who sees to requests, “Label…” puts words of your own on them. Both are for your "
                "house; partners and readers do not see them."
            ),
        ),
    ),
    HelpTopic(
        "copies",
        mark_text("The copies desk"),
        ("/copies/desk",),
        (
            mark_text(
                "Files come in by the button or are dropped on it, one or many: each goes to the request that its form "
                "is for, or whose number stands in its name. Pages are counted; where it is another number than was "
                "asked for, that is marked."
            ),
            mark_text(
                "A copy is allowed or forbidden with the rule that says so; what was written lately is offered again. "
                "Where the partner’s profile asks for it, somebody else signs off than who made the copy. Delivered "
                "copies show whether their link was fetched, and until when it is good."
            ),
        ),
    ),
    HelpTopic(
        "messages",
        mark_text("Messages from partners"),
        ("/messages",),
        (
            mark_text(
                "What partners wrote and nobody has read, the oldest first: messages, and words that came with a "
                "condition, a refusal or a shipment. Whoever reads a message reads it for the whole house; who it was "
                "stays beside it."
            ),
            mark_text(
                "An answer goes to the partner as a message about the request, by the way that it usually takes, and "
                "reads what it answers. It changes nothing else: a condition, a renewal or a cancellation is decided "
                "at the request. What needs no answer is marked as read."
            ),
        ),
    ),
    HelpTopic(
        "mail",
        mark_text("Mails that fit no request"),
        ("/mail",),
        (
            mark_text(
                "Mails of unknown senders, and those that name no request or several. Each stands beside the requests "
                "that may be meant, with what speaks for them; you may also write the number of another."
            ),
            mark_text(
                "Put to a request, a mail does what is understood of it, such as a promise or a refusal. Where that is "
                "wrong, choose “Just a message”. An answer goes to whoever wrote, with the mail quoted. What needs "
                "nothing is dismissed; the mail itself stays in the folder of the mailbox."
            ),
        ),
    ),
    HelpTopic(
        "new-request",
        mark_text("A new request"),
        ("/requests/new",),
        (
            mark_text(
                "Paste a DOI, a PubMed ID, an ISBN or a link into the box, and the form fills itself; words are looked "
                "for in the catalogue beside it. Where anybody may read the work online, the page says so first."
            ),
            mark_text(
                "Without a card number the request is for the library itself. Where rules stand against a request, the "
                "page says why, and offers to make it all the same where you may. Sent twice, it is one request."
            ),
        ),
    ),
    HelpTopic(
        "print",
        mark_text("Printing"),
        ("/print",),
        (
            mark_text(
                "Slips, straps, labels and letters for what has been on no paper yet. One press makes a batch of up to "
                "100 sheets, pull slips in the order of the shelves; the next press prints it."
            ),
            mark_text(
                "Every batch is kept, with who made it and when, and can be printed again. It then says what is true "
                "at that time. “Mark as printed” tells the others that the paper has come out of the printer."
            ),
        ),
    ),
    HelpTopic(
        "outbox",
        mark_text("Messages that could not be sent"),
        ("/outbox",),
        (
            mark_text(
                "What could not be sent is tried again for hours. What was given up waits here, by what stopped it: "
                "mend the cause, then try all of a group again, change one, or let one be with a reason."
            ),
        ),
    ),
    HelpTopic(
        "scan",
        mark_text("Scanning"),
        ("/scan",),
        (
            mark_text(
                "Choose the work once, then scan: any number of the request will do, ours, the partner’s, the item’s "
                "barcode or the code on a slip. Each code becomes a line: done, look, or failed, with a sound of its "
                "own. What needs a hand stays on the pile at the side, and you can go on scanning meanwhile."
            ),
            mark_text(
                "Codes are sent one after the other. While the gateway does not answer they wait and are sent later; "
                "nothing is done twice. What you type goes into the field; F2 brings you back to it."
            ),
        ),
    ),
    HelpTopic(
        "partners",
        mark_text("Partners and rotas"),
        ("/partners",),
        (
            mark_text(
                "Each partner with one sentence on how it stands, how it is reached, and what is open with it. Closing "
                "days stand in its profile or are written here; it is not asked on them, and what is open goes on."
            ),
            mark_text(
                "“Try it” makes a connection and asks its catalogue, step by step, and sends nothing. “Who would be "
                "asked?” tries the rules with a wish: who is asked first, who is passed over, and why."
            ),
        ),
    ),
    HelpTopic(
        "statistics",
        mark_text("Statistics"),
        ("/statistics",),
        (
            mark_text(
                "Requests by the month in which they were made, counted without readers. Filled is what came, or what "
                "we sent; the rate is filled ones among those that came to an end, without cancelled ones. What is "
                "still open may be filled later."
            ),
            mark_text(
                "Half of the requests took no longer than the first figure of days, nine of ten no longer than the "
                "second; fewer than five requests show none. With a branch chosen, what was borrowed is rounded to "
                "fives, so that nobody can be told from a figure."
            ),
        ),
    ),
    HelpTopic(
        "privacy",
        mark_text("Privacy"),
        ("/privacy",),
        (
            mark_text(
                "What is kept about readers, and for how long. A reader who asks what is held gets a file with all of "
                "it; one who wants to be forgotten is forgotten at once in requests that are closed. Open ones need "
                "the name, and forget it by themselves after their end."
            ),
            mark_text(
                "Both need your own password, and the audit log says who did it, but not for whom. What the library’s "
                "own system holds is not in it."
            ),
        ),
    ),
    HelpTopic(
        "operation",
        mark_text("Operation"),
        ("/operation",),
        (
            mark_text(
                "What needs you stands first: parts that do not work, mailboxes that can’t be read, messages that were "
                "given up, partners that do not answer. Below are all parts, what waits, and jobs in the background, "
                "each with its last and next round. “Read it now” looks into a mailbox at once."
            ),
            mark_text(
                "The journal has every message that came and went, by partner, protocol, day, outcome and number of a "
                "request. Its content is shown on a press of its own, and the audit log says who read it. Profiles are "
                "shown with what is wrong in their files and how their examples come out. They are changed as files, "
                "or at their page where gateway.yml allows it; their history brings back what was before."
            ),
        ),
    ),
    HelpTopic(
        "users",
        mark_text("Users"),
        ("/users",),
        (
            mark_text(
                "Managers and operators make accounts, give roles, set passwords and disable accounts. Your own "
                "account is changed by somebody else. Before a change your own password is asked for, unless you "
                "gave it in the last ten minutes."
            ),
            mark_text(
                "A disabled account can’t sign in; what was done with it keeps its name. The audit log says who signed "
                "in, who changed which account, and who looked at data of readers that are hidden for the role."
            ),
        ),
    ),
)
"""In the order of the page. A page that needs help adds its part here."""


async def show_help(request: StaffRequest) -> web.Response:
    topics = [
        (
            topic.name,
            request.gettext(topic.title),
            [request.gettext(text) for text in topic.texts],
            has_handbook_page(topic.handbook) and request.session is not None and topic.handbook,
        )
        for topic in TOPICS
        if request.session is None or any(path in request.open_paths or path == "/sign-in" for path in topic.paths)
    ]
    return request.render("help", request.gettext("Help"), topics=topics)


PAGES = (StaffPage("GET", "/help", show_help, None),)
