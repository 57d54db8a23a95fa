"""The story of a call, top to bottom: turns, legs, the line, bridges and queues; and the Protocols that it needs."""
