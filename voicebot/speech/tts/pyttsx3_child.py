"""The process in which pyttsx3 lives: one JSON line in, one JSON line and that many bytes out, until input ends.

`{"voices": true}` -> `{"bytes": 0, "voices": [{"name", "languages"}]}`; `{"text", "voice", "rate"}` -> a WAV file.
"""

import ctypes
import io
import json
import os
import sys
from typing import Any, BinaryIO


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # pyttsx3 prints to standard output, which is for answers only
    engine = _open()
    for line in sys.stdin.buffer:
        job = json.loads(line)
        try:
            head, data = _serve(engine, job)
        except (RuntimeError, ValueError, OSError, KeyError) as error:
            head, data = {"problem": type(error).__name__}, b""
        _answer(answers, head, data)


def _open() -> Any:
    import espeakng_loader

    # pyttsx3 opens "libespeak-ng.so.1" by name: a library of that name which is already loaded is what it gets.
    ctypes.CDLL(espeakng_loader.get_library_path(), mode=ctypes.RTLD_GLOBAL)
    os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()  # without it the process would exit
    import pyttsx3

    return pyttsx3.init("espeak")


def _serve(engine: Any, job: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    if "voices" in job:
        return {"voices": [_described(voice) for voice in engine.getProperty("voices")]}, b""
    engine.setProperty("voice", job["voice"])
    engine.setProperty("rate", job["rate"])
    file = io.BytesIO()
    engine.save_to_file(job["text"], file)  # one at a time: of two, only the last would be written
    engine.runAndWait()
    return {}, file.getvalue()


def _described(voice: Any) -> dict[str, Any]:
    languages = [
        code.decode(errors="replace") if isinstance(code, bytes) else str(code) for code in voice.languages
    ]
    return {
        "name": str(voice.id),
        "languages": [code.strip("\0\x02\x05\x03\x04\x06\x07") for code in languages],
    }


def _answer(answers: BinaryIO, head: dict[str, Any], data: bytes) -> None:
    answers.write(json.dumps(head | {"bytes": len(data)}).encode() + b"\n" + data)
    answers.flush()


if __name__ == "__main__":
    main()
