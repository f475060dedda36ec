"""Help for staff: one page, a part for each topic. Every page leads to its part."""

from __future__ import annotations

from aiohttp import web

from gateway.domain.value import value_object
from gateway.services.letters.localization import mark_text
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
                "Sign in with your user name and password, or with your organisation’s account if that is offered. "
                "After five wrong passwords you have to wait 15 minutes."
            ),
            mark_text(
                "If your account has a second factor, enter the code from your authenticator app after the password. "
                "Without your telephone, enter one of your recovery codes."
            ),
            mark_text(
                "You are signed out after a period of inactivity. Your entries are kept, and you can send them after "
                "you have signed in again. Under “Your account” you can change your password, end other sessions, "
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
                "Each list of requests or messages that need a person, with their number and the age of the oldest. "
                "The lists follow the order of the working day: first those where others are waiting for you."
            ),
            mark_text(
                "“Do these first” shows lists where something has waited too long, and partners that are not "
                "responding. Messages to those partners are kept and sent automatically. The numbers update while "
                "the page is open; a line at the top announces new work."
            ),
        ),
    ),
    HelpTopic(
        "lists",
        mark_text("Lists and the search box"),
        ("/borrowing", "/lending", "/copies"),
        (
            mark_text(
                "The search box accepts any number: ours, the partner’s, a barcode, a card number or an ISBN, as "
                "well as words from the title and author. A number that matches one request opens it."
            ),
            mark_text(
                "Filters are beside the list; the active ones are above it. Select an active filter to remove it. "
                "The filter is part of the address, so you can bookmark it. To give it a name, for you or for "
                "everybody, use “Save this filter”."
            ),
            mark_text(
                "Task lists start with the request that has waited longest. Select “Waiting” or “Needed or due” to "
                "change the order. Use the keys j and k to move through the list, x to select, and / to go to the "
                "search box. You can turn the keys off below the list."
            ),
        ),
    ),
    HelpTopic(
        "request",
        mark_text("One request"),
        ("/requests/{number}",),
        (
            mark_text(
                "The top of the page shows who has to act and since when, with the usual action ready to use. All "
                "other possible actions are under “More actions”. Common actions that are not possible now are "
                "listed there with the reason."
            ),
            mark_text(
                "“Suppliers” lists each library with its answer and the reason why it was chosen, and the libraries "
                "that were skipped with the reason. Use the buttons to reorder those still to be asked. “Why this "
                "order” checks their catalogues now."
            ),
            mark_text(
                "“History” lists everything in one place, newest first: messages from partners through any channel, "
                "letters to the patron, calls to the library system, and actions by staff. If somebody else changed "
                "the request before you, you see the change, and your entries are kept."
            ),
            mark_text(
                "If patron data is masked for you, you can show the patron of one request; this is recorded in the "
                "audit log. To open the request, enter its number, the barcode or the partner’s number in the search "
                "box."
            ),
        ),
    ),
    HelpTopic(
        "bulk",
        mark_text("Working on several requests"),
        ("/borrowing", "/lending", "/copies"),
        (
            mark_text(
                "Select single requests, the whole page or all that match, and choose an action. The next page asks "
                "you to confirm how many requests it applies to. If some fail, you see the reasons and can retry "
                "only those."
            ),
            mark_text(
                "“Assign…” sets the person responsible for the requests. “Label…” adds your own labels. Both are "
                "internal: partners and patrons do not see them."
            ),
        ),
    ),
    HelpTopic(
        "copies",
        mark_text("The copies desk"),
        ("/copies/desk",),
        (
            mark_text(
                "Add one or more files with the button or by dragging them to it. Each file is added to the request "
                "whose form you use, or whose number is in the file name. Pages are counted, and a number that "
                "differs from the request is marked."
            ),
            mark_text(
                "Enter the rule that allows or prevents a copy; recent entries are offered again. If the partner’s "
                "profile requires it, a different person has to sign off the copy. Delivered copies show whether the "
                "link was used and until when it is valid."
            ),
        ),
    ),
    HelpTopic(
        "messages",
        mark_text("Messages from partners"),
        ("/messages",),
        (
            mark_text(
                "Unread messages from partners, oldest first: messages, and notes sent with a condition, an unfilled "
                "answer or a shipment. A message that anyone reads is read for the whole library; the name of the "
                "person who read it is shown beside it."
            ),
            mark_text(
                "Your answer is sent to the partner as a message about the request, through the partner’s usual "
                "channel. It does not change the request: decide conditions, renewals and cancellations on the "
                "request’s page. Mark a message as read if it needs no answer."
            ),
        ),
    ),
    HelpTopic(
        "mail",
        mark_text("Unmatched email"),
        ("/mail",),
        (
            mark_text(
                "Email from unknown senders, and email that names no request or several. Each is shown beside the "
                "requests that it may belong to, with the reasons. You can also enter the number of another request."
            ),
            mark_text(
                "When you link an email to a request, the request is updated with the answer in the email, such as "
                "“will supply” or “unfilled”. If that is wrong, choose “Message only”. Your answer goes to the sender "
                "and quotes the email. Dismiss an email that needs no action; it stays in the mailbox folder."
            ),
        ),
    ),
    HelpTopic(
        "new-request",
        mark_text("A new request"),
        ("/requests/new",),
        (
            mark_text(
                "Paste a DOI, a PubMed ID, an ISBN or a link into the box, and the form is filled in. Words are "
                "searched for in the catalogue beside it. If a free version is available online, it is shown "
                "first."
            ),
            mark_text(
                "Without a card number, the request is for the library itself. If a rule prevents a request, the "
                "page gives the reason and offers to make the request anyway if you have the right. Sending the form "
                "twice makes one request only."
            ),
        ),
    ),
    HelpTopic(
        "print",
        mark_text("Printing"),
        ("/print",),
        (
            mark_text(
                "Slips, straps, labels and letters that have not been printed yet. Select a row to make a batch of "
                "up to 100 sheets, with pull slips in shelf order. Then print the batch."
            ),
            mark_text(
                "Every batch is kept, with its author and time, and can be printed again with the current data. Use "
                "“Mark as printed” to show other staff that it has been printed."
            ),
        ),
    ),
    HelpTopic(
        "outbox",
        mark_text("Failed messages"),
        ("/outbox",),
        (
            mark_text(
                "Messages that cannot be sent are retried for several hours. Those that failed finally are listed "
                "here, grouped by cause. Fix the cause, then retry the whole group, edit one message, or skip it "
                "with a reason."
            ),
        ),
    ),
    HelpTopic(
        "scan",
        mark_text("Scanning"),
        ("/scan",),
        (
            mark_text(
                "Choose the task once, then scan any number of the request: ours, the partner’s, the item’s barcode "
                "or the code on a slip. Each scan adds a line (done, check or failed) with its own sound. Scans that "
                "need attention are listed at the side while you continue."
            ),
            mark_text(
                "Codes are sent one after the other. If the gateway does not respond, they wait and are sent later; "
                "nothing is done twice. Whatever you type goes into the scan field; F2 returns you to it."
            ),
        ),
    ),
    HelpTopic(
        "partners",
        mark_text("Partners and rotas"),
        ("/partners",),
        (
            mark_text(
                "Each partner with its status, its channel and its open requests. Closing days come from its profile "
                "or are entered here. A partner is not asked on its closing days; open requests continue."
            ),
            mark_text(
                "“Test connection” connects to the partner and to its catalogue, step by step, without sending a "
                "request. “Test a rota” shows which suppliers the rules would choose for a sample request, and "
                "which they would skip and why."
            ),
        ),
    ),
    HelpTopic(
        "statistics",
        mark_text("Statistics"),
        ("/statistics",),
        (
            mark_text(
                "Requests by month of creation, without patron data. Filled requests are those that we received or "
                "supplied. The fill rate is the share of filled requests among closed ones, not counting cancelled "
                "ones. While requests are open, the bounds of the final rate are shown."
            ),
            mark_text(
                "The first number of days is the median, the second the 90th percentile; fewer than five requests "
                "show none. If you choose a branch, the numbers of borrowing requests are rounded to fives so that "
                "no patron can be identified."
            ),
        ),
    ),
    HelpTopic(
        "privacy",
        mark_text("Privacy"),
        ("/privacy",),
        (
            mark_text(
                "The patron data that is kept, and for how long. If a patron asks for their data, you can download "
                "all of it as a file. If a patron asks to be erased, you can anonymise their closed requests at "
                "once. Open requests need the name and are anonymised after they are closed."
            ),
            mark_text(
                "Both require your password and are recorded in the audit log without the patron’s name. Data in the "
                "library system is not included."
            ),
        ),
    ),
    HelpTopic(
        "operation",
        mark_text("System"),
        ("/operation",),
        (
            mark_text(
                "“Action needed” lists components that do not work, mailboxes that cannot be read, failed messages, "
                "and partners that are not responding. Below it are all components, the queue, and background jobs "
                "with their last and next run. “Check now” reads a mailbox immediately."
            ),
            mark_text(
                "The journal lists every message sent and received, by partner, protocol, day, outcome and request "
                "number. Opening the content of a message is recorded in the audit log. Profiles are shown with "
                "errors in their files and the results of their examples. You edit them as files, or on their page "
                "if gateway.yml allows it. Their history lets you restore an earlier version."
            ),
        ),
    ),
    HelpTopic(
        "users",
        mark_text("Accounts"),
        ("/users",),
        (
            mark_text(
                "Managers and operators create accounts, assign roles, set passwords and disable accounts. Somebody "
                "else has to change your own account. You confirm changes with your password unless you entered it "
                "in the last 10 minutes."
            ),
            mark_text(
                "A disabled account cannot sign in; its history keeps its name. The audit log shows who signed in, "
                "who changed which account, and who viewed patron data that is hidden from their role."
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
