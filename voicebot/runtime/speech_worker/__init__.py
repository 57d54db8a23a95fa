"""The speech worker: a process that holds recognisers and voices for many calls.

`loop` is the process (channels, heartbeats), `worker` what it decides (no socket, no clock of its own), `hearing` one
call's recognisers and turn, `speaking` one stream of live speech. Native engines live here so that a crash takes no
call with it: control starts the process again and asks the turn again. Nothing that a caller said is logged.
"""
