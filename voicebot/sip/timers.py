"""Timer values (RFC 3261 section 17.1.1.1 and table 4), seconds."""

T1 = 0.5
T2 = 4.0
T4 = 5.0
# Timers B, F, H, J, L, M, and how long a 2xx is repeated.
TIMEOUT = 64 * T1
# Timer D: "at least 32 seconds" over UDP.
TIMER_D = 32.0
# A peer with several addresses that sends nothing within this time, a little less than the fourth repetition of an
# INVITE: the next address is tried (RFC 3263 section 4.3 waits for 64*T1; no caller does).
NEXT_ADDRESS = 7 * T1
# A UAS tells the caller every minute that it still rings (section 13.3.1.1); timer C ends a ringing that goes nowhere.
RING_REFRESH = 60.0
TIMER_C = 180.0
# An INVITE whose user is silent for so long gets a 100 (section 17.2.1).
TRYING_AFTER = 0.2
