"""Requests between two partners: the leg that asks further is made,
and events are carried from one leg to the other."""
