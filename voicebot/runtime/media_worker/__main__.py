"""`python -m voicebot.runtime.media_worker FD INDEX`: started by the control process only."""

import os
import sys

if __name__ == "__main__":
    # Before numpy is loaded: its matrix threads would fight with the tick for the processors.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from voicebot.runtime.media_worker.loop import main

    sys.exit(main(sys.argv[1:]))
