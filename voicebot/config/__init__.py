"""config.yaml -> `Config`: frozen dataclasses, one for each section; every mistake at once, with its position.

The file is read by the same strict YAML as dialplans (`voicebot.dialplan.source`).
"""

from voicebot.config.dialling import dial_uri, may_dial
from voicebot.config.load import ConfigError, Overrides, api_token, load_config
from voicebot.config.model import (
    AgentConfig,
    Api,
    Auth,
    Config,
    Limits,
    Listen,
    Log,
    Login,
    MediaConfig,
    Recogniser,
    Register,
    Registrar,
    Reload,
    Shutdown,
    Sip,
    SpeechConfig,
    Storage,
    Tls,
    Trunk,
    Voice,
)

__all__ = [
    "AgentConfig",
    "Api",
    "Auth",
    "Config",
    "ConfigError",
    "Limits",
    "Listen",
    "Log",
    "Login",
    "MediaConfig",
    "Overrides",
    "Recogniser",
    "Register",
    "Registrar",
    "Reload",
    "Shutdown",
    "Sip",
    "SpeechConfig",
    "Storage",
    "Tls",
    "Trunk",
    "Voice",
    "api_token",
    "dial_uri",
    "load_config",
    "may_dial",
]
