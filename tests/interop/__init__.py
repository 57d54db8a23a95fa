"""Calls with telephone software that is not ours: SIPp, baresip and Asterisk 22. `make interop` runs them."""
