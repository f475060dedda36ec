"""Members of groups as a directory elsewhere lists them: pulled, and kept as files that are read as partners are.

- `crosslink`: pages of CrossLink's directory API to entries
- `entry_files`: entries to files; what an entry may change, and what is held until the office agrees
- `pull`: a source asked, its files written, and how that went last
"""
