"""The media core: RTP, RTCP, G.711, jitter buffer, telephone events, playout, recordings, WAV, tones and music.

Bytes and arrays in, bytes and arrays out. Nothing here opens a socket, reads a clock, starts a thread or draws a random
number: instants, SSRCs and first sequence numbers are arguments. Everything is mono at 8 kHz unless it says otherwise.
"""

SAMPLE_RATE = 8000
FRAME_SECONDS = 0.02
FRAME_SAMPLES = 160  # one tick: 20 ms at 8 kHz, which is also 160 bytes of G.711
