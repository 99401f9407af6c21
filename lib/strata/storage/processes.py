"""Which process of which machine: a host's name and a number are not enough where there are containers."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT_SPACE = "4026531836"
"""Namespace of processes of a machine itself, the same on every Linux (PROC_PID_INIT_INO): what is in it is in no
container."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, as other processes can recognise it.

    Attributes:
        host: the name of its machine.
        number: of the process there.
        mark: boot of the machine, namespace of processes, and start of the process, by Linux; None: not told.
    """

    host: str
    number: int
    mark: str | None = None

    def is_dead(self) -> bool:
        """True when it is sure, seen from here, that it runs no more."""
        if self.host != socket.gethostname():
            return False
        mine = _mark(os.getpid())
        if self.mark is None or mine is None:
            return not _is_running(self.number)
        (boot, space, _), (my_boot, my_space, _) = self.mark.split(), mine.split()
        if (boot, space) == (my_boot, my_space):
            return _mark(self.number) != self.mark
        # After another start of the machine all processes of before are gone; a container elsewhere may have its name.
        return boot != my_boot and space == my_space == ROOT_SPACE


def holder_of(lease: Mapping[str, Any]) -> Process:
    """The process that a row of `leases` names; before `mark` was kept there is none."""
    return Process(lease["host"], lease["process"], lease.get("mark"))


def this_process() -> Process:
    """The one that asks."""
    return Process(socket.gethostname(), os.getpid(), _mark(os.getpid()))


def _mark(number: int) -> str | None:
    """None: there is no such process, or nothing tells."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = os.stat("/proc/self/ns/pid").st_ino
        state, *rest = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else f"{boot} {space} {rest[18]}"


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
