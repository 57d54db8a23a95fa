"""`python -m voicebot.runtime.media_worker FD INDEX`: started by the control process only."""

import sys

from voicebot.runtime.media_worker.loop import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
