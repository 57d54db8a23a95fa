"""A real server process for tests that talk to it over the wire."""
