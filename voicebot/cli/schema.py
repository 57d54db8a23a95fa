"""`voicebot schema`: the language as a JSON Schema, for completion in editors."""

import json

import typer

from voicebot.dialplan.tools.json_schema import json_schema


def schema() -> None:
    """Print the JSON Schema (2020-12) of dialplans; docs/authoring.md says how editors use it."""
    typer.echo(json.dumps(json_schema(), ensure_ascii=False, indent=2))
