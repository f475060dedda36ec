"""`illgate send`: a partner's message, sent by hand."""
