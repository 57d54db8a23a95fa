"""The real process on loopback: started as control starts it, talked to by RTP and messages, ended by closing."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from tests.media_worker.fakes import voiced
from voicebot.media import rtp, wav
from voicebot.media.g711 import PCMU
from voicebot.wire import (
    AttachSpeech,
    Audio,
    AudioEnd,
    CloseLeg,
    ConfigureLeg,
    EndListen,
    Heartbeat,
    LegClosed,
    Listen,
    Message,
    OpenLeg,
    Play,
    PlayEnded,
    PlayStarted,
    PromptItem,
    Record,
    RecordingEnded,
)
from voicebot.wire.channel import Channel, pair

DEADLINE = 20.0
M = TypeVar("M", bound=Message)


class Control:
    """Our end of a worker's channel."""

    def __init__(self) -> None:
        ours, theirs = pair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "voicebot.runtime.media_worker", str(theirs.fileno()), "0"],
                pass_fds=(theirs.fileno(),),
            )
        self.channel = Channel(ours)
        self.told: list[Message] = []

    def wait_for(self, kind: type[M], other: Channel | None = None) -> M:
        """Return the next message of this kind."""
        channel = other or self.channel
        end = time.monotonic() + DEADLINE
        while (left := end - time.monotonic()) > 0:
            select.select([channel], [], [], left)
            received = channel.receive()
            if received is not None:
                self.told.append(received[0])
                if isinstance(received[0], kind):
                    return received[0]
        raise AssertionError(f"no {kind.__name__}; told {self.told}")


@pytest.fixture
def control() -> Iterator[Control]:
    made = Control()
    yield made
    made.channel.close()
    made.process.kill()
    made.process.wait()


def udp() -> socket.socket:
    item = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    item.bind(("127.0.0.1", 0))
    return item


def test_a_call_from_its_first_packet_to_its_counters(control: Control, tmp_path: Path) -> None:
    tone = (6000 * np.sin(np.arange(1600) / 3)).astype(np.int16)
    prompt, recording = tmp_path / "hello.wav", tmp_path / "call.wav"
    prompt.write_bytes(wav.encode_wav(tone))
    control.wait_for(Heartbeat)
    ours, theirs = pair()
    speech = Channel(ours)
    control.channel.send(AttachSpeech(0), (theirs,))
    theirs.close()
    with udp() as phone, udp() as media, udp() as reports:
        target = media.getsockname()
        control.channel.send(OpenLeg("c1", 1), (media, reports))
        host, port = phone.getsockname()
        control.channel.send(ConfigureLeg("c1", 1, "PCMU", 0, 101, 101, host, port, host))
        control.channel.send(Record("c1", 1, str(recording)))
        control.channel.send(Listen("c1", 1, 1, 0))
        control.channel.send(Play("c1", 1, 1, (PromptItem(str(prompt)),), "none"))
        phone.settimeout(DEADLINE)
        heard = b""
        for number, frame in enumerate(
            voiced(1.0)
        ):  # one packet for each that comes: the worker's clock is ours
            packet = rtp.parse(phone.recv(2048))
            assert packet is not None
            heard += packet.payload
            phone.sendto(rtp.build(0, number, number * 160, 5, frame), target)
        control.wait_for(PlayStarted)
        assert control.wait_for(PlayEnded).cause == "done"
        assert PCMU.encode(tone) in heard
        control.wait_for(Audio, speech)
        control.channel.send(EndListen("c1", 1, 1))
        assert not control.wait_for(AudioEnd, speech).lagging
        control.channel.send(CloseLeg("c1", 1))
    assert control.wait_for(RecordingEnded).problem == ""
    counters = control.wait_for(LegClosed).counters
    assert counters["packets_received"] >= 45
    assert counters["packets_sent"] >= 50
    assert len(wav.read_wav(recording)) >= 160 * 45
    speech.close()


def test_signals_do_not_end_the_worker_but_a_closed_channel_does(control: Control) -> None:
    control.wait_for(Heartbeat)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(control.process.pid, number)
    control.wait_for(Heartbeat)
    control.channel.close()
    assert control.process.wait(DEADLINE) == 0


def test_what_is_no_message_is_survived(control: Control) -> None:
    control.wait_for(Heartbeat)
    raw = socket.socket(fileno=os.dup(control.channel.fileno()))
    with raw:
        raw.send(b"garbage")
    control.wait_for(Heartbeat)
    assert control.process.poll() is None
