"""`make crash-sweep`: kill the driver at every commit and at random moments, on grocery; see `kills`.

It takes more than a day on two cores. What is done is written down: begun again, it goes on where it was.
"""

import argparse
import signal
import sys
from pathlib import Path

from tests.sweep.kills import Leg, Outcome, Place, add_outcome, kills, read_outcomes

COLUMNS = ("kills", "killed", "identical", "mixed sets", "torn slices", "sets read", "slices read", "other faults")


def main() -> int:
    # Told to end, it ends its drivers too, which are in groups of their own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = _options()
    folder = options.folder / (f"{options.households}-households" if options.households else "whole")
    folder.mkdir(parents=True, exist_ok=True)
    place, book = Place(folder.resolve(), options.households), folder / "outcomes.jsonl"
    legs = place.legs()
    _say(", ".join(f"{leg.name}: {len(leg.points)} points, {leg.seconds:.0f} s" for leg in legs))
    by_name, wanted = {leg.name: leg for leg in legs}, list(kills(legs, options.points, options.random, options.seed))
    done = {(o.leg, o.kill): o for o in read_outcomes(book)}
    for number, kill in enumerate(wanted, 1):
        if (kill.leg, kill.name) in done:
            continue
        outcome = place.try_out(by_name[kill.leg], kill)
        done[kill.leg, kill.name] = outcome
        add_outcome(book, outcome)
        _say(f"{number}/{len(wanted)} {_line(outcome)}")
    outcomes = [done[k.leg, k.name] for k in wanted]
    _print_table(legs, outcomes)
    return int(any(o.faults for o in outcomes))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crash-sweep", description=__doc__)
    parser.add_argument("--points", type=int, help="how many of the commits, evenly spread; without: all")
    parser.add_argument("--random", type=int, default=100, help="how many random moments")
    parser.add_argument("--households", type=int, default=0, help="the first so many; without: all")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    parser.add_argument("--folder", type=Path, default=Path(".crash-sweep"), help="tables, and what is done already")
    return parser.parse_args()


def _line(outcome: Outcome) -> str:
    what = f"killed after {outcome.killed_after} s" if outcome.was_killed else "was through before"
    said = "; ".join(outcome.faults) or "identical"
    return f"{outcome.leg}: {outcome.kill}: {what}, rerun {outcome.rerun} s, {said}"


def _print_table(legs: list[Leg], outcomes: list[Outcome]) -> None:
    rows = []
    for leg in legs:
        for is_random in (False, True):
            of_leg = [o for o in outcomes if (o.leg, o.is_random) == (leg.name, is_random)]
            rows.append((f"{leg.name}, {'random' if is_random else 'points'}", _figures(of_leg)))
    rows.append(("all", _figures(outcomes)))
    _say(f"{'':18}" + "".join(f"{name:>14}" for name in COLUMNS))
    for name, figures in rows:
        _say(f"{name:18}" + "".join(f"{figure:>14,}" for figure in figures))


def _figures(outcomes: list[Outcome]) -> tuple[int, ...]:
    def seen(what: str) -> int:
        return sum(o.seen.get(what, 0) for o in outcomes)

    others = [f for o in outcomes for f in o.faults if not f.startswith(("mixed set:", "torn slice:", "differs:"))]
    identical = sum(not any(f.startswith(("differs:", "rerun:")) for f in o.faults) for o in outcomes)
    killed = sum(o.was_killed for o in outcomes)
    told = seen("mixed sets"), seen("torn slices"), seen("sets"), seen("slices")
    return len(outcomes), killed, identical, *told, len(others)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
