"""Letters: notices to patrons, and what a partner is written.

`Letters` renders them from templates (the operator's, then those in gateway/letters), in plain text and HTML, in the
reader's language; `build_mail` makes a mail of one. Nothing is sent from here.
"""

from gateway.ports.letters import LetterStyle, PartnerLetters
from gateway.ports.mail import build_mail
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.letters import SHIPPED, Letters, Spoken, mail_address
from gateway.services.letters.names import ALL, PARTNER_LETTERS, PATRON_LETTERS, SLIPS, To, named
from gateway.services.letters.slips import SlipFacts

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
