"""Requests that the gateway manages: what they are (`request`, `citation`), what can happen to them (`events`), and
what follows from it: two tables as data (`borrowing_table`, `lending_table`), read by one small machine
(`state_machine`).
"""
