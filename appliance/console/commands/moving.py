"""Commands that lead from level to level, and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.console.complaint import Complaint
from appliance.console.grammar import Call, Command, command

if TYPE_CHECKING:
    from appliance.console.level import Level


def enter_command(words: str, level: Level) -> Command:
    """Make the command that leads to `level`."""

    def run(call: Call) -> None:
        call.shell.enter(level)

    return command(words, level.title, run)


def stay_command(words: str, help_: str) -> Command:
    """Make a command that does nothing, because one is there already."""
    return command(words, help_, lambda _: None)


def exec_commands() -> list[Command]:
    """Give the ways out of the first levels."""
    return [
        command("exit", "Leave this level; from the first one, end the session.", _exit),
        command("logout", "End the session.", _log_out),
        command("quit", "End the session.", _log_out),
        command("help", "Say how to use this console.", _help),
    ]


def configure_commands() -> list[Command]:
    """Give the ways out of a level of settings."""
    return [
        command("exit", "Go back to the level above.", _exit),
        command("end", "Go back to the level of enable.", _end),
        command("help", "Say how to use this console.", _help),
    ]


def disable_command() -> Command:
    """Give the way back to the first level."""
    return command("disable", "Go back to the level where nothing can be changed.", _disable)


def batch_commands() -> list[Command]:
    """Give the commands that hold changes together."""
    return [
        command("begin", "Collect changes; commit makes them all together.", _begin),
        command("commit", "Make the changes collected since begin.", _commit),
        command("abort", "Forget the changes collected since begin.", _abort),
    ]


def _exit(call: Call) -> None:
    call.shell.leave()


def _end(call: Call) -> None:
    call.shell.leave(to_enabled=True)


def _disable(call: Call) -> None:
    call.shell.step_down()


def _log_out(call: Call) -> None:
    call.shell.log_out()


def _begin(call: Call) -> None:
    if call.shell.changes.is_batch:
        raise Complaint("changes are collected already; commit makes them, abort forgets them")
    call.shell.changes.begin()


def _commit(call: Call) -> None:
    if not call.shell.changes.is_batch:
        raise Complaint("nothing is being collected; begin starts that")
    call.shell.change(call.shell.changes.commit)


def _abort(call: Call) -> None:
    if not call.shell.changes.is_batch:
        raise Complaint("nothing is being collected")
    call.shell.changes.abort()


HELP = """\
?            what may be typed here, also after any word: show ?
Tab          completes a word; twice lists what fits
abbreviations  words may be cut as long as they are unique: sh stat
"..."        a value with blanks or a question mark; \\" and \\\\ stand for themselves
no X         switches X off or sets it to none;  default X  sets the factory default
begin        collects changes, commit makes them together
write        saves; before that a * at the prompt says that something is not saved
exit         one level up;  end  to the level of enable
Changes hold at once, but those marked "after reboot" wait for write and reload.
Lines that begin with ! are comments. Messages about errors begin with %."""


def _help(call: Call) -> None:
    call.shell.terminal.page(HELP.splitlines())
