"""What was read from mailboxes: how far, which mails, and what waits for staff."""
