"""The documentation site (`make docs`): pages of docs/ and of other folders as MkDocs builds them, and the reference.

Nothing of the product imports it.
"""
