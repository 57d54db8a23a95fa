"""espeak-ng by ctypes, from the library and data that the espeakng-loader wheel brings.

The library is one per process and not thread-safe: two threads in it crash the process. So there is one library object
and one lock for all. It must not share a process with pyttsx3, which drives the same library behind our back.
"""

import ctypes
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import espeakng_loader
import numpy as np

from voicebot.speech.errors import EngineProblem, VoiceUnknown
from voicebot.speech.tts.synthesiser import Clip, VoiceInfo

# speak_lib.h of espeak-ng 1.52
_SYNCHRONOUS_OUTPUT = 2  # the callback runs on the caller's thread, before espeak_Synth returns
_DO_NOT_EXIT = 0x8000  # without it a wrong data path ends the process
_CHARS_UTF8 = 1
_RATE = 1
_DEFAULT_WORDS_PER_MINUTE = 165
_BUFFER_MS = 60
_PHONEMES_PLAIN = 0

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _VoiceRecord(ctypes.Structure):
    _fields_: ClassVar = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


class _Library:
    """The loaded library. Its methods are called with `lock` held."""

    def __init__(self) -> None:
        try:
            self._c = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EngineProblem(
                f"espeak-ng cannot be loaded: {error}; reinstall espeakng-loader for this machine"
            ) from error
        self._declare()
        self._chunks: list[bytes] = []
        self._cancelled: Callable[[], bool] | None = None
        self._callback = _Callback(self._receive)  # the library keeps only the address: this keeps it alive
        self._voice = ""
        self.lock = threading.Lock()
        self.data = Path(espeakng_loader.get_data_path())
        rate = self._c.espeak_Initialize(
            _SYNCHRONOUS_OUTPUT, _BUFFER_MS, str(self.data).encode(), _DO_NOT_EXIT
        )
        if rate <= 0:
            raise EngineProblem(f"espeak-ng finds no data in {self.data}; reinstall espeakng-loader")
        self.sample_rate: int = rate
        self._c.espeak_SetSynthCallback(self._callback)
        self.languages = self._list()

    def _declare(self) -> None:
        c = self._c
        c.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        c.espeak_SetSynthCallback.argtypes = [_Callback]
        c.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        c.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        c.espeak_ListVoices.argtypes = [ctypes.c_void_p]
        c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceRecord))
        c.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.POINTER(ctypes.c_uint),
            ctypes.c_void_p,
        ]
        c.espeak_TextToPhonemes.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_int]
        c.espeak_TextToPhonemes.restype = ctypes.c_char_p

    def _receive(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _events: int) -> int:
        if count > 0 and samples:
            self._chunks.append(ctypes.string_at(samples, 2 * count))
        return 1 if self._cancelled is not None and self._cancelled() else 0

    def _list(self) -> dict[str, str]:
        """Return language code -> identifier, each code's preferred voice only ("en-gb" -> "gmw/en")."""
        records = self._c.espeak_ListVoices(None)
        found: dict[str, tuple[int, str]] = {}
        index = 0
        while records[index]:
            record = records[index].contents
            index += 1
            identifier = record.identifier.decode()
            languages = record.languages
            while languages and languages[0]:
                # each entry: one byte of priority, low is better, then the code
                code, _, rest = languages[1:].partition(b"\0")
                if code.decode() not in found or languages[0] < found[code.decode()][0]:
                    found[code.decode()] = (languages[0], identifier)
                languages = rest
        return {code: identifier for code, (_, identifier) in found.items()}

    def select(self, name: str, words_per_minute: int) -> bool:
        """Return whether there is such a voice. A refused name leaves the old voice on: never speak after False."""
        if name != self._voice:
            self._voice = ""
            if self._c.espeak_SetVoiceByName(name.encode()):
                return False
            self._voice = name
        self._c.espeak_SetParameter(_RATE, words_per_minute, 0)
        return True

    def speak(self, text: str, cancelled: Callable[[], bool] | None) -> bytes:
        data = text.encode() + b"\0"
        self._chunks, self._cancelled = [], cancelled
        result = self._c.espeak_Synth(data, len(data), 0, 1, 0, _CHARS_UTF8, None, None)
        chunks, self._chunks, self._cancelled = self._chunks, [], None
        if result:
            raise EngineProblem(f"espeak-ng could not synthesise (status {result})")
        return b"".join(chunks)

    def phonemes(self, text: str) -> str:
        pointer = ctypes.c_char_p(text.encode())
        clauses = []
        while pointer.value:
            clause = self._c.espeak_TextToPhonemes(ctypes.byref(pointer), _CHARS_UTF8, _PHONEMES_PLAIN)
            clauses.append((clause or b"").decode())
        return " ".join(clauses)


@lru_cache(maxsize=1)
def _library() -> _Library:
    return _Library()


# What people write for a language -> what espeak calls it.
_ALIASES = {
    "zh": "cmn",
    "zh-cn": "cmn",
    "zh-hans": "cmn",
    "zh-tw": "cmn",
    "zh-hk": "yue",
    "en": "en-us",
    "english": "en-us",
}
_ISO_639_1 = {"cmn": "zh", "yue": "zh", "hak": "zh"}


class Espeak:
    """Voices are named by language ("en-us", "en-gb", "cmn"), with "+variant" for another timbre ("en-us+f3")."""

    name = "espeak"

    def __init__(self) -> None:
        self._library = _library()

    def voices(self) -> tuple[VoiceInfo, ...]:
        """Return the voices without their variants; `variants` are the same for all."""
        return tuple(VoiceInfo(code, (code,)) for code in sorted(self._library.languages))

    def variants(self) -> tuple[str, ...]:
        """Return what may follow a voice's name after "+": other timbres, male and female."""
        return tuple(sorted(path.name for path in (self._library.data / "voices" / "!v").iterdir()))

    def check(self, voice: str) -> None:
        self._resolve(voice)

    def language(self, voice: str) -> str:
        code = voice.partition("+")[0].lower()
        code = _ALIASES.get(code, code).rpartition("/")[2].partition("-")[0]
        return _ISO_639_1.get(code, code)

    def synthesise(
        self,
        text: str,
        voice: str,
        *,
        words_per_minute: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Clip:
        name = self._resolve(voice)
        library = self._library
        with library.lock:
            if not library.select(name, words_per_minute or _DEFAULT_WORDS_PER_MINUTE):
                raise VoiceUnknown("espeak", voice, library.languages)
            data = library.speak(text.replace("\0", " "), cancelled)
        return Clip(np.frombuffer(data, "<i2"), library.sample_rate)

    def phonemes(self, text: str, voice: str = "en-us") -> str:
        """Return espeak's own phoneme mnemonics of `text` (stress marks included)."""
        name = self._resolve(voice)
        with self._library.lock:
            if not self._library.select(name, _DEFAULT_WORDS_PER_MINUTE):
                raise VoiceUnknown("espeak", voice, self._library.languages)
            return self._library.phonemes(text.replace("\0", " "))

    def close(self) -> None:
        """Nothing to do: the library stays in the process."""

    def _resolve(self, voice: str) -> str:
        """Return the identifier that the library knows, or raise VoiceUnknown.

        The library itself takes "en-us+nonsense" without a word, and knows no "en-gb".
        """
        base, plus, variant = voice.partition("+")
        languages = self._library.languages
        code = _ALIASES.get(base.lower(), base.lower())
        identifiers = {identifier.lower(): identifier for identifier in languages.values()}
        identifier = languages.get(code) or identifiers.get(code)
        if identifier is None:
            raise VoiceUnknown("espeak", voice, languages)
        if not plus:
            return identifier
        if variant not in self.variants():
            raise VoiceUnknown("espeak", voice, (f"{base}+{known}" for known in self.variants()))
        return f"{identifier}+{variant}"
