"""`python -m voicebot.runtime.speech_worker FD INDEX`: started by the control process only."""

import os
import sys

# Matrix products here are tiny: more threads than one only cost. Read by numpy's library when it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from voicebot.runtime.speech_worker.loop import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
