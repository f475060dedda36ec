"""Whether a mail's sender is to be believed, by what the profile requires.

Only what carries our own server's name counts. It takes away those fields that a mail brings along under that name (RFC
8601 section 5), so whatever stands there is its own.
"""

from __future__ import annotations

from gateway.domain.requests.partner_mail import PartnerMail
from gateway.ports.mail_reading import ParsedMail


def unmet(parsed: ParsedMail, server: str, rules: PartnerMail) -> str:
    """Why the sender may be forged; empty: all that the profile requires was found right, for the sender's domain."""
    if not rules.require:
        return ""
    if not server:
        return "the profile requires checks, but `authserv_id` of the mailbox doesn't name the server that makes them"
    found = [one for one in parsed.checks if one.server.casefold() == server.casefold()]
    sender = parsed.mail.sender.rpartition("@")[2]
    for method in rules.require:
        of_method = [one for one in found if one.method == method]
        if not any(one.result == "pass" and _same_house(one.domain, sender) for one in of_method):
            said = ", ".join(sorted({one.result for one in of_method})) or "nothing"
            return f"{method} must be passed for the sender's domain; our server says {said}"
    return ""


def _same_house(domain: str, sender: str) -> bool:
    """Relaxed alignment (RFC 7489 section 3.1), as far as it can be told without a list of public suffixes."""
    if not domain or not sender:
        return False
    longer, shorter = sorted((domain, sender), key=len, reverse=True)
    return longer == shorter or (longer.endswith(f".{shorter}") and shorter.count(".") >= 1)
