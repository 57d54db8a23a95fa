"""The simulator: virtual time, and callers, agents and media that need no telephone."""
