"""The child process that renders prompts: the only place beside speech workers where voices are loaded."""
