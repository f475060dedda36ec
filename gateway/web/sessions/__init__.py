"""Patrons' sign-in on the pages: cookies, sessions, the ways to say who one is, and limits for those who guess."""
