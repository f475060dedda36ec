"""The site of a partner that is played by HTTP: its messages, and a page that shows what was exchanged."""
