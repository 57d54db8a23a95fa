"""Intents and slots: text -> meaning, per language. Pure: no clock, no I/O, no random number."""
