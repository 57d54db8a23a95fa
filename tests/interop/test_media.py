"""Codecs, packet times and encryption with a telephone that we did not write: audio is measured both ways."""

from pathlib import Path

import numpy as np
import pytest

from tests.interop.audio import CALLER_HZ, loud_seconds, seconds_in, write_wav
from tests.interop.baresip import Baresip
from tests.interop.report import features_of
from tests.live.hotline import Config, Hotline, keys_of
from voicebot.media.tones import tone
from voicebot.media.wav import read_wav

pytestmark = pytest.mark.usefixtures("baresip_program")
feature = features_of("baresip")


@pytest.fixture(scope="module")
def config() -> Config:
    return {"media": {"codecs": ["PCMU", "PCMA", "G722", "OPUS"], "srtp": "optional"}}


_PAUSE = np.zeros(int(2.5 * 8000), np.int16)  # as long as the prompt, which stops when somebody speaks


def check_call(hotline: Hotline, folder: Path, codec: str, ptime: int, encryption: str) -> None:
    """Key a number after a tone was said: the keys count, the tone is in the recording, and the prompt was heard."""
    says = write_wav(folder / "says.wav", np.concatenate([_PAUSE, tone((CALLER_HZ,), 2.0), *[_PAUSE] * 12]))
    phone = Baresip(folder / "caller", says=says, codec=codec, ptime=ptime, encryption=encryption)
    with phone as caller:
        caller.dial(hotline.uri("701"))
        caller.listen(2.5 + 2.0)
        caller.keys("314159")
        caller.wait_for("CALL_CLOSED", timeout=15)
        assert ("SRTP is Enabled" in caller.log_text()) == bool(encryption)
    record = hotline.new_record()
    assert keys_of(record) == "314159"
    assert seconds_in(Path(record["recording"]), CALLER_HZ) > 1.2
    assert loud_seconds(read_wav(caller.heard())) > 0.7


@feature("G.722 and Opus")
@pytest.mark.parametrize("codec", ["g722/16000/1", "opus/48000/2"])
def test_wide_codecs(codec: str, hotline: Hotline, tmp_path: Path) -> None:
    check_call(hotline, tmp_path, codec, 20, "")


@feature("packets of 30 and 40 ms")
@pytest.mark.parametrize(("codec", "ptime"), [("pcma", 40), ("g722/16000/1", 30)])
def test_packet_times(codec: str, ptime: int, hotline: Hotline, tmp_path: Path) -> None:
    check_call(hotline, tmp_path, codec, ptime, "")


@feature("SRTP by SDES, optional and mandatory")
@pytest.mark.parametrize("encryption", ["srtp", "srtp-mand"])
def test_encrypted_calls(encryption: str, hotline: Hotline, tmp_path: Path) -> None:
    check_call(hotline, tmp_path, "pcmu", 20, encryption)
