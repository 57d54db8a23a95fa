"""What callers say and key in confidence stays in the call."""
