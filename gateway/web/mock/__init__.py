"""Where a partner that is played is reached by HTTP: its messages, and a page that shows what was exchanged."""
