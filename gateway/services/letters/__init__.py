"""Letters: notices to patrons, and what a partner is written.

`Letters` renders them from templates (the operator's, then those in gateway/letters), in plain text and HTML, in the
reader's language; `build_mail` makes a mail of one. Nothing is sent from here.
"""

from gateway.ports.outgoing_mail import LetterStyle, PartnerLetters, build_mail
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.languages import SHIPPED
from gateway.services.letters.renderer import Letters, SlipFacts, Spoken, mail_address
from gateway.services.letters.templates import ALL, PARTNER_LETTERS, PATRON_LETTERS, SLIPS, To, named

__all__ = [
    "ALL",
    "PARTNER_LETTERS",
    "PATRON_LETTERS",
    "SHIPPED",
    "SLIPS",
    "LetterStyle",
    "Letters",
    "NoticeFacts",
    "PartnerLetters",
    "SlipFacts",
    "Spoken",
    "To",
    "build_mail",
    "mail_address",
    "named",
]
