"""The media worker: a process of its own that moves the audio of many legs on one absolute 20 ms clock.

`python -m voicebot.runtime.media_worker FD INDEX` serves the control channel that it inherits as descriptor FD, and
exits when control closes it. It has reflexes only (`wire.messages` says which); it never decides anything about a call.

    loop.py        the loop: sleeping, epoll, channels, heartbeat
    clock.py       the absolute clock: slots, ticks, what is skipped after a stall
    plane.py       all legs: commands in, the tick, messages out; no file, thread or clock
    leg.py         one leg: addresses, RTP in and out, RTCP
    playback.py    a Play command and its reflexes
    hearing.py     what callers say, as arrays: levels, VAD edges, pre-roll, audio to the speech workers, recordings
    turns.py       a Listen command: audio and its end to a speech worker
    streams.py     live speech from the speech workers, by credit
    prompts.py     the thread that loads prompts
    recorder.py    the thread that writes recordings
"""
