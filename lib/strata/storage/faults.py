"""Points before and after every commit where a run can be made to die, to prove that the next one recovers.

Off unless the environment says otherwise: `STRATA_FAULTS=record:FILE` writes down the points a run passes,
`kill:POINT` kills the process at one, as a lost machine would, `raise:POINT` raises there. A point is a name, or its
number among those the run has passed. Commits run side by side, so that a name is the surer choice: all commits to one
table have an order, and from the second on the name says which it is: `after append publish.run_log #2`.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

VARIABLE = "STRATA_FAULTS"
ACTIONS = ("record", "kill", "raise")


class Fault(Exception):
    """Raised at a fault point, because the environment asked for it."""


@dataclass
class Faults:
    """The fault points of one run.

    `action`: what is done at `where`, one of ACTIONS; empty: nothing. `passed`: how often each point was, by name.
    """

    action: str = ""
    where: str = ""
    passed: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, compare=False, repr=False)

    @classmethod
    def from_environment(cls) -> "Faults":
        """As STRATA_FAULTS says.

        Raises:
            ValueError: it says something else than an action and where.
        """
        action, _, where = os.environ.get(VARIABLE, "").partition(":")
        if action and not (action in ACTIONS and where):
            raise ValueError(f"{VARIABLE}={action}:{where}: expected one of {', '.join(ACTIONS)}, a colon and where")
        return cls(action, where)

    @contextmanager
    def around(self, commit: str, table: str) -> Iterator[None]:
        """The points before and after a commit, which is what is done within.

        Raises:
            Fault: the environment asked for it.
        """
        if not self.action:
            yield
            return
        self.reach(f"before {commit} {table}")
        yield
        self.reach(f"after {commit} {table}")

    def reach(self, point: str) -> None:
        """The run is at a point.

        Raises:
            Fault: the environment asked for it.
        """
        with self._lock:
            self.passed[point] += 1
            again = f" #{self.passed[point]}" if self.passed[point] > 1 else ""
            name, number = point + again, str(self.passed.total())
            if self.action == "record":
                with Path(self.where).open("a") as record:
                    record.write(f"{name}\n")
                return
        if self.where in (name, number):
            if self.action == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise Fault(f"fault point {number}: {name}")
