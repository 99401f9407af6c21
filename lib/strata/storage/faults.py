"""Places where a run can be made to die, to prove that the next one recovers; off unless the variable is set."""

import os
import signal

VARIABLE = "STRATA_KILL_AT"


def fault_point(name: str) -> None:
    """Kill this process here, as a lost machine would, when the environment says so."""
    if os.environ.get(VARIABLE) == name:
        os.kill(os.getpid(), signal.SIGKILL)
