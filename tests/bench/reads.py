"""What Spark read of a table, by its own count: the scans in an event log."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SETTINGS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
    "spark.sql.maxMetadataStringLength": "10000",  # else the path of a scan is cut short
}
COUNTED = {"number of output rows": "rows", "size of files read": "bytes", "number of files read": "files"}
_UI = "org.apache.spark.sql.execution.ui."


def reads_of(logs: Path, table: str) -> dict[str, int]:
    """Rows, bytes and files that all scans of `table` (`silver/events`) have read; bytes are those of whole files.

    Args:
        logs: spark.eventLog.dir of sessions that have been stopped.
        table: the end of the folder that holds its files.
    """
    read = dict.fromkeys(COUNTED.values(), 0)
    for log in sorted(logs.iterdir()):
        with log.open(encoding="utf-8") as lines:
            for name, count in _reads_of_session(map(json.loads, lines), table).items():
                read[name] += count
    return read


def _reads_of_session(events: Iterator[dict[str, Any]], table: str) -> Counter[str]:
    scans: dict[int, str] = {}
    counted: Counter[int] = Counter()
    for event in events:
        match event["Event"].removeprefix(_UI):
            case "SparkListenerSQLExecutionStart" | "SparkListenerSQLAdaptiveExecutionUpdate":
                scans |= dict(_scans(event["sparkPlanInfo"], table))
            case "SparkListenerDriverAccumUpdates":
                for metric, count in event["accumUpdates"]:
                    counted[metric] += count
            case "SparkListenerTaskEnd":
                for update in event["Task Info"]["Accumulables"]:
                    if str(update.get("Update", "")).lstrip("-").isdigit():
                        counted[update["ID"]] += int(update["Update"])
    read: Counter[str] = Counter()
    for metric, name in scans.items():
        read[name] += counted[metric]
    return read


def _scans(node: dict[str, Any], table: str) -> Iterator[tuple[int, str]]:
    """Accumulator and what it counts, of every scan of the table in a plan."""
    if node["metadata"].get("Location", "").endswith(f"{table}]"):
        for metric in node["metrics"]:
            if metric["name"] in COUNTED:
                yield metric["accumulatorId"], COUNTED[metric["name"]]
    for child in node["children"]:
        yield from _scans(child, table)
