"""Files that come in: what they are, how many pages they have, and whether a scanner finds something in them."""
