"""requests.yml: how each library runs the requests that the gateway manages; checked when read, never when used.

- `loading`: one file a library to a RequestPolicy, with the place of every value
- `checks`: what must fit within a file, and with the profiles
- `store`: the policies in use, with live reload
- `schema`: JSON Schema for editors
"""

from gateway.policies.loading import POLICY_FILE, LoadedPolicy, Loading, PolicySet, load_policies, read_policies
from gateway.policies.store import PolicyStore

__all__ = [
    "POLICY_FILE",
    "LoadedPolicy",
    "Loading",
    "PolicySet",
    "PolicyStore",
    "load_policies",
    "read_policies",
]
