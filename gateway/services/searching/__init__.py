"""Other libraries' catalogues: searched for staff, and looked up to know whom to ask."""
