"""The verbs of the language, one file each. Importing the package makes all of them known to the loader."""

from voicebot.dialplan.steps import (  # noqa: F401  # each registers its verb
    answer,
    branch,
    callback,
    collect,
    confirm,
    flow,
    form,
    http,
    language,
    listen,
    menu,
    notify,
    play,
    queue,
    record,
    record_message,
    say,
    set,
    transfer,
)
