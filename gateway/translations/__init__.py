"""Catalogues of texts, one `.po` file a language; `python -m gateway.translations` brings them up to date."""
