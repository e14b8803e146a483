"""What an installation costs that nobody sends anything to: memory and CPU of all processes over a minute."""

import tempfile
import time
from pathlib import Path

import psutil

from tests.product import running


def main(seconds: int = 60) -> None:
    """Start, wait until quiet, measure."""
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder, running(Path(folder) / "data") as product:
        product.site()
        time.sleep(15)
        processes = product.processes()
        before = {name: _cpu(process) for name, process in processes.items()}
        time.sleep(seconds)
        total_memory = total_cpu = 0.0
        for name, process in processes.items():
            memory = process.memory_full_info().pss / 1e6
            cpu = (_cpu(process) - before[name]) / seconds * 100
            total_memory, total_cpu = total_memory + memory, total_cpu + cpu
            print(
                f"{name:<24}{process.memory_info().rss / 1e6:>8.0f} MB resident {memory:>8.0f} MB own {cpu:>8.2f} % of a core"
            )
        print(f"{'all, idle':<24}{'':>21}{total_memory:>8.0f} MB own {total_cpu:>8.2f} % of a core")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
