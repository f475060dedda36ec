"""The patrons' pages in a real browser (Chromium, headless), against a real daemon."""
