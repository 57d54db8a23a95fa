"""What `voicebot serve` tells whoever starts it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from voicebot.cli import serve
from voicebot.config import Config, Storage
from voicebot.engines import Engines


class _Refused:
    """A server whose data folder is another user's: a volume of root, say, mounted into a container."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    async def start(self) -> None:
        raise PermissionError(13, "Permission denied", "/data/line.key")


def test_a_data_folder_of_another_user_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(serve, "Server", _Refused)
    config = Config(tmp_path / "config.yaml", tmp_path, {}, tmp_path, Storage("sqlite://", tmp_path))
    assert asyncio.run(serve.run_server(config, {}, Engines({}, {}))) == 2
    assert capsys.readouterr().err.startswith("/data/line.key: Permission denied: the data folder")
