"""Letters: notices to patrons, and what a partner is written.

`LetterRenderer` renders them from templates (the operator's, then those in gateway/letters), in plain text and HTML, in
the reader's language; `build_mail` makes a mail of one. Nothing is sent from here.
"""
