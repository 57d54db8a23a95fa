"""Open files: connections must not use up those that calls need."""

import resource

import structlog

SPARE = 512  # files, pipes and sockets of the server itself
A_CALL = 8  # two sockets for each of a call's legs, of which a transfer may have four

log = structlog.get_logger("server")


def provide(connections: int, calls: int) -> int:
    """Raise this process's limit (that of its workers too) as far as may be needed and is allowed; return what it is."""
    wanted = connections + A_CALL * calls + SPARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft < wanted:
        log.warning(
            "fewer open files are allowed than `limits` may need: raise LimitNOFILE (ulimit -n), or lower limits.connections",
            allowed=soft,
            wanted=wanted,
        )
    return soft
