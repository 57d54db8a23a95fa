"""Speech: voice activity (`vad`), recognisers (`asr/`) and voices (`tts/`) behind Protocols, and rendered prompts.

Audio is int16 mono in numpy arrays; 8 kHz unless a name says otherwise. Nothing here opens a socket or reads a clock.
"""
