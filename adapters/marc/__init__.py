"""Catalogue records, for the adapters that search catalogues: see README.md. The only room that adapters share."""
