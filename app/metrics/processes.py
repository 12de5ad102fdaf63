"""What the processes of a gateway take of the machine, all together (Linux only).

prometheus_client tells it of the process that is asked, and of none where several serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import ProcessCollector

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

CPU: Final = "process_cpu_seconds"
STARTED: Final = "process_start_time_seconds"


def of_process(pid: int) -> dict[str, Metric]:
    """Return the metrics of the process *pid* by their names; none of one that has gone."""
    collector = ProcessCollector(pid=lambda: pid, registry=None)
    return {metric.name: metric for metric in collector.collect()}


def value(metric: Metric) -> float:
    """Return the one value of *metric*."""
    return float(metric.samples[0].value)


def together(processes: Iterable[dict[str, Metric]], cpu_before: float = 0.0) -> Iterable[Metric]:
    """Return the metrics of all *processes* together: sums, and when the first one began.

    *cpu_before* is what others have used that are gone: a counter doesn't fall.
    """
    values: dict[str, list[float]] = {}
    metrics: dict[str, Metric] = {}
    for process in processes:
        metrics |= process
        for name, metric in process.items():
            values.setdefault(name, []).append(value(metric))
    for name, metric in metrics.items():
        total = min(values[name]) if name == STARTED else sum(values[name])
        metric.samples = [metric.samples[0]._replace(value=total + cpu_before * (name == CPU))]
    return metrics.values()
