"""voicebot: a telephony-first IVR and voice-bot server."""

__version__ = "0.1.0"
