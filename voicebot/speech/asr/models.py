"""The folders under `models/`: which vosk model serves which language, and what is wrong with a broken one.

Everything that vosk would answer with a crash of the process is looked for here, before vosk sees the folder.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from voicebot.speech.errors import ModelProblem

_REQUIRED = ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf", "graph/words.txt")
_GRAMMAR_GRAPH = ("graph/HCLr.fst", "graph/Gr.fst", "graph/disambig_tid.int")
_STATIC_GRAPH = "graph/HCLG.fst"
_FST_MAGIC = b"\xd6\xfd\xb2\x7e"  # OpenFst's 2125659606, little-endian
_MODEL_BEGIN = b"\0B"  # Kaldi's mark of a binary file
_SMALLEST_FST = 64  # bytes: the header alone is as long
_HAN = re.compile("[\u4e00-\u9fff]")
_LANGUAGE_IN_NAME = re.compile(r"(?:^|[-_])(en|cn|zh)(?:[-_]|$)")
_SAMPLE_FREQUENCY = re.compile(r"^\s*--sample-frequency=(\d+(?:\.\d+)?)\s*(?:#.*)?$", re.MULTILINE)
_DEFAULT_RATE = 16000  # Kaldi's own
_GET_ANOTHER = "unpack a model from https://alphacephei.com/vosk/models there, or remove the folder"


@dataclass(frozen=True, slots=True)
class VoskModel:
    """A folder that vosk can load. `takes_grammars`: static graphs ignore a grammar without a word."""

    path: Path
    language: str
    sample_rate: int
    takes_grammars: bool


def check_model(path: Path) -> VoskModel:
    """Return what the folder holds. Raises ModelProblem: one line, with what to do."""
    if not path.is_dir():
        raise ModelProblem(f"{path} is not a folder; {_GET_ANOTHER}")
    missing = [name for name in _REQUIRED if not (path / name).is_file()]
    if missing:
        raise ModelProblem(f"{path} is no complete vosk model, {', '.join(missing)} missing; {_GET_ANOTHER}")
    takes_grammars = _check_graph(path)
    with (path / "am/final.mdl").open("rb") as model:
        if model.read(2) != _MODEL_BEGIN or (path / "am/final.mdl").stat().st_size < 1000:
            raise ModelProblem(f"{path}/am/final.mdl is damaged; {_GET_ANOTHER}")
    return VoskModel(path, _language(path), sample_rate(path), takes_grammars)


def sample_rate(path: Path) -> int:
    """Return the rate that the model wants, from its mfcc.conf."""
    found = _SAMPLE_FREQUENCY.search((path / "conf/mfcc.conf").read_text(encoding="utf-8", errors="replace"))
    return int(float(found.group(1))) if found else _DEFAULT_RATE


def find_models(directory: Path) -> tuple[dict[str, VoskModel], list[str]]:
    """Return language -> model for the folders under `directory`, and a line for each that cannot be used.

    The language is in the name (`vosk-model-small-en-us-0.15`, `...-cn-...`), else told from words.txt. Of two models
    for a language the first by name counts, and one that takes grammars before one that does not.
    """
    models: dict[str, VoskModel] = {}
    problems: list[str] = []
    if not directory.is_dir():
        return models, problems
    for path in sorted(directory.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        try:
            model = check_model(path)
        except ModelProblem as problem:
            problems.append(str(problem))
            continue
        present = models.get(model.language)
        if present is None or (model.takes_grammars and not present.takes_grammars):
            models[model.language] = model
    return models, problems


def _check_graph(path: Path) -> bool:
    """Return whether the model takes grammars: then all three files of its graph must be sound."""
    present = [(path / name).is_file() for name in _GRAMMAR_GRAPH]
    if not any(present):
        if (path / _STATIC_GRAPH).is_file():
            _check_fst(path, _STATIC_GRAPH)
            return False
        raise ModelProblem(f"{path} has no decoding graph (graph/HCLr.fst or graph/HCLG.fst); {_GET_ANOTHER}")
    if not all(present):
        lacking = ", ".join(name for name, there in zip(_GRAMMAR_GRAPH, present, strict=True) if not there)
        raise ModelProblem(f"{path} is no complete vosk model, {lacking} missing; {_GET_ANOTHER}")
    for name in _GRAMMAR_GRAPH[:2]:
        _check_fst(path, name)
    return True


def _check_fst(path: Path, name: str) -> None:
    file = path / name
    with file.open("rb") as content:
        if content.read(4) != _FST_MAGIC or file.stat().st_size < _SMALLEST_FST:
            raise ModelProblem(f"{file} is damaged; {_GET_ANOTHER}")


def _language(path: Path) -> str:
    found = _LANGUAGE_IN_NAME.search(path.name.lower())
    if found:
        return "en" if found.group(1) == "en" else "zh"
    words = (path / "graph/words.txt").read_text(encoding="utf-8", errors="replace")[:200_000]
    return "zh" if len(_HAN.findall(words)) > len(words) // 20 else "en"
