"""Stereo recordings."""

import numpy as np

from voicebot.media import wav
from voicebot.media.recording import FRAME_BYTES, RecordingBuffer, interleave, recording_header


def test_left_is_what_the_leg_says_and_right_what_it_hears() -> None:
    said = np.full((2, 160), 100, np.int16)
    heard = np.full((2, 160), -7, np.int16)
    said[1] += 1
    audio = interleave(said, heard)
    assert len(audio) == 2 * FRAME_BYTES
    samples = np.frombuffer(audio, "<i2").reshape(2, 160, 2)
    assert (samples[0] == [100, -7]).all()
    assert (samples[1] == [101, -7]).all()


def test_header_and_frames_are_a_valid_file() -> None:
    audio = interleave(np.full((1, 160), 400, np.int16), np.full((1, 160), 200, np.int16))
    samples, rate = wav.decode_wav_at_its_rate(recording_header(len(audio)) + audio, "r.wav")
    assert rate == 8000
    assert samples.tolist() == [300] * 160


def test_masked_frames_are_silence_and_take_their_time() -> None:
    buffer = RecordingBuffer()
    buffer.append(b"\x01" * FRAME_BYTES)
    buffer.masked = True
    buffer.append(b"\x02" * FRAME_BYTES)
    buffer.masked = False
    buffer.append(b"\x03" * FRAME_BYTES)
    assert buffer.take() == b"\x01" * FRAME_BYTES + bytes(FRAME_BYTES) + b"\x03" * FRAME_BYTES
    assert buffer.seconds == 0.06


def test_a_disk_that_lags_5_s_ends_the_recording() -> None:
    buffer = RecordingBuffer()
    assert all(buffer.append(bytes(FRAME_BYTES)) for _ in range(250))
    assert not buffer.append(bytes(FRAME_BYTES))
    assert buffer.overrun
    buffer.take()
    assert not buffer.append(bytes(FRAME_BYTES))  # a hole would shift what follows: it stays ended
