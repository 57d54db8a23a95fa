"""The checks of a dialplan, by what they look at."""
