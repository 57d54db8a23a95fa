"""G.711 by table."""

import numpy as np
import pytest

from voicebot.media import g711
from voicebot.media.g711 import CODECS, PCMA, PCMU, Codec


def test_mu_law_decodes_the_values_of_the_standard() -> None:
    codes = np.array([[0x00, 0x0F, 0x7F, 0x80, 0x8F, 0xF0, 0xFF]], np.uint8)
    assert g711.decode_ulaw(codes).tolist() == [[-32124, -16764, 0, 32124, 16764, 120, 0]]


def test_a_law_decodes_the_values_of_the_standard() -> None:
    codes = np.array([[0x2A, 0xAA, 0x55, 0xD5, 0x00, 0x80]], np.uint8)
    assert g711.decode_alaw(codes).tolist() == [[-32256, 32256, -8, 8, -5504, 5504]]


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_every_sample_is_encoded_within_half_a_step(codec: Codec) -> None:
    """Steps are a sixteenth of the segment's lower end: half of one is 1/32 of the magnitude."""
    samples = np.arange(-32768, 32768)
    error = np.abs(codec.decode(codec.encode(samples.astype(np.int16))) - samples)
    magnitude = np.abs(samples)
    clipped = magnitude > np.abs(codec.decoder.astype(int)).max()
    assert ((error <= np.maximum(8, (magnitude + 132) / 32)) | clipped).all()


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
def test_codes_survive_decoding_and_encoding(codec: Codec) -> None:
    codes = bytes(code for code in range(256) if (codec, code) != (PCMU, 0x7F))  # mu-law's negative zero
    assert codec.encode(codec.decode(codes)) == codes


def test_a_tick_of_mixed_laws_is_decoded_at_once() -> None:
    payloads = np.frombuffer(bytes(range(160)) * 2, np.uint8).reshape(2, 160)
    mixed = g711.decode_mixed(payloads, np.array([PCMU.index, PCMA.index], np.uint16))
    assert mixed.dtype == np.int16
    assert (mixed[0] == g711.decode_ulaw(payloads)[0]).all()
    assert (mixed[1] == g711.decode_alaw(payloads)[1]).all()


def test_encoding_keeps_the_shape() -> None:
    samples = np.zeros((3, 160), np.int16)
    assert g711.encode_ulaw(samples).shape == g711.encode_alaw(samples).shape == (3, 160)


def test_transcoding_goes_through_linear() -> None:
    payload = bytes(range(256))
    assert payload.translate(g711.TRANSCODE["PCMU", "PCMA"]) == PCMA.encode(PCMU.decode(payload))


def test_attenuation_makes_a_payload_quieter_by_its_decibels() -> None:
    loud = PCMU.encode((8000 * np.sin(np.arange(800) / 5)).astype(np.int16))
    quiet = PCMU.decode(PCMU.softer(loud, 6.0)).astype(float)
    assert 20 * np.log10(PCMU.decode(loud).astype(float).std() / quiet.std()) == pytest.approx(6.0, abs=0.2)


def test_silence_is_silent() -> None:
    assert np.abs(PCMU.decode(PCMU.quiet(5))).max() == 0
    assert np.abs(PCMA.decode(PCMA.quiet(5))).max() <= 8
