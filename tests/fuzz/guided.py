"""Fuzzing led by coverage: `python -m tests.fuzz.guided TARGET SECONDS CORPUS FINDINGS`, a process of its own (atheris ends it).

What goes where no other input went is kept in CORPUS; an input that raises is written to FINDINGS.
"""

import sys

import atheris

with atheris.instrument_imports(include=["voicebot.sip", "voicebot.sdp", "voicebot.media"]):
    from tests.fuzz.targets import TARGETS

MAX_BYTES = 2048


def main() -> None:
    name, seconds, corpus, findings = sys.argv[1:]
    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={findings}/",
        f"-max_len={MAX_BYTES}",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-verbosity=1",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, corpus], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
