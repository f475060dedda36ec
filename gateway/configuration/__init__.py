"""Reading YAML so that whatever is wrong in it can be said with file, line, key and what is allowed.

- `yaml_document`: YAML text to plain data and the place of every value; what is wrong, as a value, and the one error
  that carries it
- `model_validation`: plain data to a pydantic model
- `live_reload`: files read anew while the daemon runs
"""
