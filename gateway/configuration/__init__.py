"""Reading YAML so that whatever is wrong in it can be said with file, line, key and what is allowed.

- `problems`: what is wrong, as a value, and the one error that carries it
- `source`: YAML text to plain data and the place of every value
- `validation`: plain data to a pydantic model
"""
