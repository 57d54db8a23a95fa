"""`voicebot demo`: a real call to the demo hotline, placed and judged by the test phone."""

from voicebot.cli.demo.command import demo

__all__ = ["demo"]
