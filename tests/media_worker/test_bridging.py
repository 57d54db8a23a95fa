"""Bridges, keys towards the peer, and recordings."""

import os

import numpy as np
import pytest

from tests.media_worker.fakes import Bench, Peer
from voicebot.media import telephone_event, wav
from voicebot.media.g711 import PCMA, PCMU
from voicebot.media.telephone_event import EventReceiver
from voicebot.wire import (
    Bridge,
    CloseLeg,
    EndRecording,
    LegClosed,
    Log,
    MaskRecording,
    Play,
    PlayEnded,
    PromptItem,
    Record,
    RecordingEnded,
    SendKeys,
    Unbridge,
)

QUIET = b"\xff" * 160


def keys_heard(peer: Peer) -> str:
    receiver = EventReceiver()
    keys = [
        receiver.receive(packet.rtp_timestamp, packet.marker, packet.payload)
        for packet in peer.heard()
        if packet.payload_type == 101
    ]
    return "".join(key for key in keys if key)


@pytest.fixture
def pair(bench: Bench) -> tuple[Peer, Peer]:
    made = bench.leg(1), bench.leg(2, port=4002)
    bench.do(Bridge("call", 1, 2))
    return made


def test_both_hear_each_other_byte_for_byte(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    one, two = pair

    def talk(tick: int) -> None:
        one.say(bytes((tick,)) * 160)
        two.say(bytes((100 + tick,)) * 160)

    bench.run(10, talk)
    assert two.audio() == b"".join(bytes((n,)) * 160 for n in range(10))
    assert one.audio() == b"".join(bytes((100 + n,)) * 160 for n in range(10))


def test_different_laws_are_transcoded(bench: Bench) -> None:
    one, two = bench.leg(1), bench.leg(2, port=4002, codec="PCMA")
    bench.do(Bridge("call", 1, 2))
    tone = (9000 * np.sin(np.arange(160) / 3)).astype(np.int16)
    one.say(PCMU.encode(tone))
    two.say(PCMA.encode(tone))
    bench.run(1)
    assert np.abs(PCMA.decode(two.audio()) - tone).max() < 500
    assert np.abs(PCMU.decode(one.audio()) - tone).max() < 500


def test_a_silent_peer_is_heard_as_silence(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    bench.run(5)
    assert pair[1].audio() == QUIET * 5


def test_keys_pass_as_the_same_events_on_the_other_timeline(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    one, two = pair
    bench.run(3, lambda tick: one.say())
    one.press("4", packets=6)
    bench.run(3)
    one.press("2")
    bench.run(3)
    assert keys_heard(two) == "42"
    events = [packet for packet in two.heard() if packet.payload_type == 101]
    durations = [event.duration for event in map(telephone_event.parse, (p.payload for p in events)) if event]
    assert len(durations) == 6 + 4
    assert durations[:6] == [160 * n for n in range(1, 7)]
    numbers = [packet.sequence_number for packet in two.heard()]
    assert numbers == [(numbers[0] + n) & 0xFFFF for n in range(len(numbers))]


def test_a_key_that_was_down_before_the_bridge_is_not_for_the_peer(bench: Bench) -> None:
    """A menu's key may be held, and is repeated, when who is called answers at once."""
    one, two = bench.leg(1), bench.leg(2, port=4002)
    one.press("3", packets=2)
    bench.run(1)
    bench.do(Bridge("call", 1, 2))
    one.rtp_timestamp -= 2 * 160  # the same event goes on
    one.press("3", packets=6)
    bench.run(3)
    one.press("5")
    bench.run(3)
    assert keys_heard(two) == "5"


def test_keys_pass_as_tones_to_a_peer_without_events(bench: Bench) -> None:
    one, two = bench.leg(1), bench.leg(2, port=4002, event_payload_type=None)
    bench.do(Bridge("call", 1, 2))
    one.say()
    one.press("5")
    bench.run(8)
    samples = PCMU.decode(two.audio()).astype(float)[: 160 * 5]
    spectrum = np.abs(np.fft.rfft(samples, 8000))
    assert spectrum[[770, 1336]].min() > 20 * np.median(spectrum)


def test_bridging_ends_the_plays_of_both(bench: Bench) -> None:
    bench.leg(1)
    bench.leg(2, port=4002)
    bench.prompts.audio = {"/a": b"a" * 16000}
    for leg in (1, 2):
        bench.do(Play("call", leg, leg, (PromptItem("/a"),)))
    bench.run(1)
    bench.do(Bridge("call", 1, 2))
    assert [(end.leg, end.cause) for end in bench.told(PlayEnded)] == [(1, "replaced"), (2, "replaced")]


def test_after_unbridging_nobody_hears_anybody(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    bench.do(Unbridge("call", 2))
    bench.run(3, lambda tick: pair[0].say(b"a" * 160))
    assert pair[1].audio() == QUIET * 3


def test_the_other_leg_lives_on_when_one_closes(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    bench.do(CloseLeg("call", 1))
    bench.run(3, lambda tick: pair[1].say())
    assert pair[1].audio() == QUIET * 3


def test_a_third_leg_takes_over_and_the_second_hears_silence(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    third = bench.leg(3, port=4004)
    bench.do(Bridge("call", 1, 3))
    bench.run(2, lambda tick: pair[0].say(b"a" * 160))
    assert third.audio() == b"a" * 320
    assert pair[1].audio() == QUIET * 2


def test_bridging_to_nobody_is_said_and_changes_nothing(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    bench.do(Bridge("call", 1, 99))
    assert len(bench.told(Log)) == 1
    bench.run(1, lambda tick: pair[0].say(b"a" * 160))
    assert pair[1].audio() == b"a" * 160


def test_what_is_held_is_not_passed_on(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    bench.configure(pair[0], receive=False)
    bench.run(2, lambda tick: pair[0].say(b"a" * 160))
    pair[0].press("1")
    bench.run(2)
    assert pair[1].audio() == QUIET * 4
    assert keys_heard(pair[1]) == ""


def test_keys_are_sent_as_events_and_audio_goes_on_in_time(bench: Bench) -> None:
    peer = bench.leg()
    bench.run(2)
    bench.do(SendKeys("call", 1, "42#"))
    bench.run(40)
    assert keys_heard(peer) == "42#"
    packets = peer.heard()
    audio = [packet for packet in packets if packet.payload_type == 0]
    elapsed = (audio[-1].rtp_timestamp - audio[0].rtp_timestamp) & 0xFFFFFFFF
    assert elapsed == 41 * 160
    assert len(packets) == 42


# --- recordings ---------------------------------------------------------------------------------------------------


def recorded(path: str) -> tuple[list[int], list[int]]:
    """Return the first sample of every frame, left and right."""
    with open(path, "rb") as file:
        data = file.read()
    samples = np.frombuffer(data[44:], "<i2").reshape(-1, 160, 2)
    assert wav.decode_wav_at_its_rate(data, path)[1] == 8000
    assert int.from_bytes(data[40:44], "little") == len(data) - 44
    return samples[:, 0, 0].tolist(), samples[:, 0, 1].tolist()


def test_a_recording_has_both_sides_also_while_bridged(bench: Bench, pair: tuple[Peer, Peer]) -> None:
    path = str(bench.folder / "deep" / "er" / "r.wav")
    bench.do(Record("call", 1, path))

    def talk(tick: int) -> None:
        pair[0].say(PCMU.encode(np.full(160, 1000, np.int16)))
        pair[1].say(PCMU.encode(np.full(160, -2000, np.int16)))

    bench.run(10, talk)
    bench.do(EndRecording("call", 1, path))
    bench.recorder.write_all()
    bench.run(1)
    left, right = recorded(path)
    assert left == [pytest.approx(1000, abs=32)] * 10
    assert right == [pytest.approx(-2000, abs=64)] * 10
    ended = bench.told(RecordingEnded)[0]
    assert (ended.path, ended.seconds, ended.problem) == (path, 0.2, "")
    assert os.stat(path).st_mode & 0o777 == 0o600


def test_a_masked_recording_is_silent_and_keeps_time(bench: Bench) -> None:
    peer = bench.leg()
    path = str(bench.folder / "r.wav")
    bench.do(Record("call", 1, path))
    loud = PCMU.encode(np.full(160, 8000, np.int16))
    bench.prompts.audio = {"/secret": loud * 9}
    bench.do(Play("call", 1, 1, (PromptItem("/secret"),), "none"))
    for on in (False, True, False):
        bench.do(MaskRecording("call", 1, on))
        bench.run(3, lambda tick: peer.say(loud))
    bench.do(EndRecording("call", 1, path))
    bench.recorder.write_all()
    for side in recorded(path):
        assert [sample != 0 for sample in side] == [True] * 3 + [False] * 3 + [True] * 3


def test_a_mask_set_before_the_recording_begins_holds(bench: Bench) -> None:
    peer = bench.leg()
    path = str(bench.folder / "r.wav")
    bench.do(MaskRecording("call", 1, True))
    bench.do(Record("call", 1, path))
    bench.run(3, lambda tick: peer.say(b"\x80" * 160))
    bench.do(EndRecording("call", 1, path))
    bench.recorder.write_all()
    assert recorded(path)[0] == [0, 0, 0]


def test_a_message_is_recorded_beside_the_call_and_ends_alone(bench: Bench) -> None:
    peer = bench.leg()
    call, message = str(bench.folder / "call.wav"), str(bench.folder / "message.wav")
    loud = PCMU.encode(np.full(160, 8000, np.int16))
    bench.do(Record("call", 1, call))
    bench.run(2, lambda tick: peer.say(loud))
    bench.do(Record("call", 1, message))
    bench.run(3, lambda tick: peer.say(loud))
    bench.do(EndRecording("call", 1, message))
    bench.run(2, lambda tick: peer.say(loud))
    bench.do(CloseLeg("call", 1))
    bench.recorder.write_all()
    bench.run(1)
    assert {(ended.path, ended.seconds) for ended in bench.told(RecordingEnded)} == {
        (call, 0.14),
        (message, 0.06),
    }
    assert len(bench.told(LegClosed)) == 1


def test_the_file_is_valid_while_it_grows(bench: Bench) -> None:
    peer = bench.leg()
    path = str(bench.folder / "r.wav")
    bench.do(Record("call", 1, path))
    for frames in (5, 10):
        bench.run(5, lambda tick: peer.say())
        bench.recorder.write_all()
        assert len(recorded(path)[0]) == frames


def test_a_full_disk_ends_the_recording_and_not_the_call(bench: Bench) -> None:
    peer = bench.leg()
    bench.do(Record("call", 1, "/dev/full"))
    bench.run(3, lambda tick: peer.say())
    bench.recorder.write_all()
    bench.run(3, lambda tick: peer.say())
    ended = bench.told(RecordingEnded)[0]
    assert "No space left" in ended.problem
    assert len(peer.heard()) == 6
    bench.do(CloseLeg("call", 1))
    assert len(bench.told(LegClosed)) == 1


def test_a_disk_that_hangs_ends_the_recording(bench: Bench) -> None:
    peer = bench.leg()
    path = str(bench.folder / "r.wav")
    bench.do(Record("call", 1, path))
    bench.run(300, lambda tick: peer.say())
    bench.recorder.write_all()
    bench.run(1)
    ended = bench.told(RecordingEnded)[0]
    assert (ended.seconds, ended.problem != "") == (5.0, True)


def test_the_recording_ends_before_its_leg(bench: Bench) -> None:
    peer = bench.leg()
    bench.do(Record("call", 1, str(bench.folder / "r.wav")))
    bench.run(3, lambda tick: peer.say())
    bench.do(CloseLeg("call", 1))
    bench.run(3)
    assert bench.told(LegClosed) == []
    assert not bench.plane.idle
    bench.recorder.write_all()
    bench.run(1)
    assert [type(message) for message in bench.plane.outbox][-2:] == [RecordingEnded, LegClosed]
    assert bench.plane.idle


def test_what_a_message_suffered_is_told_when_its_caller_hangs_up_at_once(bench: Bench) -> None:
    """Hanging up ends the message, and then the leg: after LegClosed nobody would listen."""
    peer = bench.leg()
    bench.do(Record("call", 1, "/dev/full"))
    bench.run(3, lambda tick: peer.say())
    bench.do(EndRecording("call", 1, "/dev/full"))
    bench.do(CloseLeg("call", 1))
    bench.recorder.write_all()
    bench.run(1)
    ended, closed = list(bench.plane.outbox)[-2:]
    assert isinstance(ended, RecordingEnded)
    assert "No space left" in ended.problem
    assert isinstance(closed, LegClosed)
    assert bench.plane.idle


def test_a_leg_does_not_wait_for_a_hanging_disk_for_ever(bench: Bench) -> None:
    bench.leg()
    bench.do(Record("call", 1, str(bench.folder / "r.wav")))
    bench.do(CloseLeg("call", 1))
    bench.run(100)
    assert len(bench.told(LegClosed)) == 1


def test_a_bridge_that_waits_to_be_heard_lets_the_tone_go_on_until_the_first_packet(bench: Bench) -> None:
    """Early media: many a 183 with a description is followed by no packet at all (RFC 3960 section 3.2)."""
    caller, callee = bench.leg(1), bench.leg(2, port=4002, send=False)
    bench.prompts.audio = {"/tone": b"t" * 1600}
    bench.do(Play("call", 1, 1, (PromptItem("/tone"),), loop=True))
    bench.do(Bridge("call", 1, 2, when_heard=True))
    bench.run(3, lambda tick: caller.say(b"c" * 160))
    assert caller.audio() == b"t" * 480
    assert bench.told(PlayEnded) == []

    def both(tick: int) -> None:
        caller.say(b"c" * 160)
        callee.say(b"e" * 160)

    bench.run(3, both)
    assert caller.audio()[480:] == b"e" * 480
    assert [end.cause for end in bench.told(PlayEnded)] == ["replaced"]
    assert b"c" * 160 not in callee.audio(), "who has not answered hears nobody"


@pytest.mark.parametrize("end", [Unbridge("call", 1), CloseLeg("call", 2), CloseLeg("call", 1)])
def test_a_bridge_that_waits_is_given_up(bench: Bench, end: Unbridge | CloseLeg) -> None:
    callee = bench.leg(2, port=4002, send=False)
    caller = bench.leg(1)
    bench.do(Bridge("call", 1, 2, when_heard=True))
    bench.do(end)
    bench.run(3, lambda tick: callee.say(b"e" * 160))
    assert b"e" not in caller.audio()
