"""Loads and saves settings in a process of its own for each, which a test can trace, starve and kill.

A command is a line of JSON on the standard input: what to do, in which folder. The answer is the process' number; it
has everything ready then and has stopped, until another line says `go`. The second answer says how it ended.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.errors import SaveFailed
from appliance.settings import FactoryVariant, Settings, Values

PR_SET_PTRACER = 0x59616D61
PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)

NEW = {"tunnel.port": "10002", "network.hostname": "meter-room-2", "line.baud_rate": "300"}


def texts(values: Values) -> dict[str, str]:
    return {setting.name: setting.type.format(value) for setting, value in values.items()}


def prepared(command: dict[str, Any]) -> Callable[[], Settings]:
    """Do all that shall not be traced; what is given back does the rest."""
    folder = Path(command["folder"])
    if command["action"] == "load":
        return lambda: Settings(folder)
    settings = Settings(folder)
    if command["action"] == "write":
        settings.set(NEW, save=False)

    def act() -> Settings:
        match command["action"]:
            case "save":
                settings.set(NEW, save=True)
            case "save twice":
                with contextlib.suppress(SaveFailed):
                    settings.set(NEW, save=True)
                settings.set(NEW, save=True)
            case "write":
                settings.save()
            case "reset":
                settings.reset(FactoryVariant.STATIC)
            case "import":
                settings.import_(command["text"])
        return settings

    def act_or_fail() -> Settings:
        with contextlib.suppress(SaveFailed):  # it is also in the problems
            act()
        return settings

    return act_or_fail


def work(command: dict[str, Any], answer: int) -> None:
    # Where only a parent may trace (Yama), the test that is none may.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0)
    act = prepared(command)
    if "largest_file" in command:
        resource.setrlimit(resource.RLIMIT_FSIZE, (command["largest_file"], command["largest_file"]))
    os.kill(os.getpid(), signal.SIGSTOP)
    settings = act()
    report = {
        "is_saved": settings.is_saved,
        "running": texts(settings.running),
        "saved": texts(settings.saved),
        "problems": [str(problem) for problem in settings.problems],
    }
    os.write(answer, json.dumps(report).encode())


def main() -> None:
    while line := sys.stdin.readline():
        answer, answerer = os.pipe()
        process = os.fork()
        if process == 0:
            status = 1
            try:
                work(json.loads(line), answerer)
                status = 0
            finally:
                os._exit(status)
        os.close(answerer)
        os.waitpid(process, os.WUNTRACED)
        print(process, flush=True)  # noqa: T201 (the answer)
        sys.stdin.readline()
        os.kill(process, signal.SIGCONT)
        report = b"".join(iter(lambda: os.read(answer, 65536), b""))  # noqa: B023 (used up in this round)
        os.close(answer)
        ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        print(json.dumps({"ended": ended, "report": json.loads(report or b"null")}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
