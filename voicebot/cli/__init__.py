"""The commands. Each is one file; `main` puts them together."""
