"""Partners' mails become events on requests: taken apart, understood, found a request for, committed, moved."""
