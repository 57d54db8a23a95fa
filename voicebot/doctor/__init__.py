"""The doctor: one call through somebody's PBX, what was seen in it, and what to change there.

`examination` makes the call and gathers `Evidence`; the checks are pure functions of that.
"""

from voicebot.doctor.checks import findings
from voicebot.doctor.evidence import Evidence
from voicebot.doctor.examination import Pace, Target, examine
from voicebot.doctor.finding import Finding, Verdict

__all__ = ["Evidence", "Finding", "Pace", "Target", "Verdict", "examine", "findings"]
