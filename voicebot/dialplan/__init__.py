"""The dialplan language: schema, loader, checker, steps and interpreter."""
