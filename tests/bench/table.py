#!/usr/bin/env python3
"""table.py FILE…: lays out measurements as one table.

*.tsv is what daemon_bench prints: figure, what, measured, floor, ratio, goal, met.
*.json is what a Google Benchmark program writes; the lists below say which of its numbers are
figures, and which benchmark is the floor of which. Of repetitions the median counts.
"""

import json
import os
import statistics
import sys

HEADER = ["", "what", "measured", "floor or peer", "ratio", "goal", "met"]

NS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}

# Figure, what, benchmark, floor's name, floor's benchmark, at most this ratio (None: no goal).
RATIOS = [
    # 70 ns, the goal, is 1.1 times what the same hash map took where the goal was set.
    ("P9", "warm look-up among 1,000,000 nodes", "WarmLookUp", "hash map", "RawLookUp", 1.1),
    ("P10", "put 4 KiB", "BM_Put4K_Store", "RocksDB+SHA-256", "BM_Put4K_BareRocksDbAndSha256", 1.2),
    ("P10", "get 4 KiB, uncached", "BM_Get4K_Store", "RocksDB", "BM_Get4K_BareRocksDb", 1.2),
    ("P10", "get 4 KiB, cached", "BM_GetHot4K_Store", "RocksDB", "BM_GetHot4K_BareRocksDb", 1.2),
    ("P10", "find_missing, all missing", "BM_FindMissing_AllMissing_Store", "RocksDB",
     "BM_FindMissing_AllMissing_BareRocksDb", 1.2),
    ("P10", "find_missing, all there", "BM_FindMissing_AllThere_Store", "RocksDB",
     "BM_FindMissing_AllThere_BareRocksDb", 1.2),
]

# Figure, what, benchmark, floor's name, floor's benchmark, at most so many nanoseconds
# (None: no goal). For a benchmark that counts items: for one item.
LIMITS = [
    ("P9", "node: request, run, complete; 64 chains of 4,000", "FirstRunByThreads/1", None, None,
     600),
    ("P9", "the same, one chain of 100,000", "FirstRun/100000", "bare memo",
     "BareFirstRun/100000", 600),
    ("P9", "the same, one chain of 1,000,000", "FirstRun/1000000", "bare memo",
     "BareFirstRun/1000000", 600),
    ("P9", "warm look-up among 4,000 nodes", "WarmLookUpInCache", "hash map",
     "RawLookUpInCache", 70),
    ("P9", "dirty scan, per edge", "DirtyScan", "raw scan", "RawScan", 4),
    ("P9", "dirtying, per edge", "InvalidateAll", None, None, None),
    ("P10", "open", "BM_Open", None, None, 50e6),
    ("P10", "open after kill -9, 4 KiB blobs", "BM_OpenAfterKill/4096", None, None, 50e6),
    ("P10", "open after kill -9, 400 B blobs", "BM_OpenAfterKill/400", None, None, 50e6),
    ("P13", "compile 1,000 rules", "Compile/Realistic", None, None, 50e6),
    ("P13", "compile a union of 999 members", "Compile/Wide", None, None, 50e6),
    ("P13", "compile a chain of 1,000 rules", "Compile/Deep", None, None, 50e6),
]

# Figure, what, benchmark, counter, floor's name, floor's counter, at most this ratio. Microseconds.
COUNTERS = [
    ("P6", "start a process with 4 GiB resident", "SpawnFromABigProcess", "4GiB_us", "empty",
     "empty_us", 1.2),
    ("P4", "sandbox around cp, one at a time", "SandboxAroundCp/1", "sandboxed_us", "bare cp",
     "bare_us", None),
    ("P4", "sandbox around cp, two at a time", "SandboxAroundCp/2", "sandboxed_us", "bare cp",
     "bare_us", None),
]

# What two threads do beside one: what, benchmark, at least this ratio (None: no goal).
THREADS = [
    ("nodes per second, two threads", "FirstRunByThreads", 1.6),
    ("the same, a bare memo for each thread", "BareByThreads", None),
]

MAX_NODE_BYTES = 256


def digits(value):
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"


def duration(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{digits(ns / size)} {unit}"
    return f"{digits(ns)} ns"


def median(repetitions, counter):
    return statistics.median(repetition[counter] for repetition in repetitions)


def cost(repetitions):
    """Nanoseconds of one iteration, or of one item."""
    if "items_per_second" in repetitions[0]:
        return 1e9 / median(repetitions, "items_per_second")
    return median(repetitions, "real_time") * NS[repetitions[0]["time_unit"]]


def row(figure, what, ns, floor_name, floor_ns, goal, met):
    floor = f"{floor_name} {duration(floor_ns)}" if floor_ns else ""
    ratio = f"{digits(ns / floor_ns)}x" if floor_ns else ""
    return [figure, what, duration(ns), floor, ratio, goal, "" if not goal else met]


def verdict(met):
    return "yes" if met else "NO"


def benchmark_rows(path):
    with open(path, encoding="utf-8") as file:
        results = {}  # name → repetitions
        for result in json.load(file)["benchmarks"]:
            if result["run_type"] == "aggregate":
                continue
            name = [p for p in result["name"].split("/")
                    if p not in ("real_time", "process_time") and ":" not in p]
            results.setdefault("/".join(name), []).append(result)
    rows = []
    for figure, what, name, floor_name, floor, allowed in RATIOS:
        if name in results:
            ns, floor_ns = cost(results[name]), cost(results[floor])
            rows.append(row(figure, what, ns, floor_name, floor_ns, f"≤ {allowed}x",
                            verdict(ns <= allowed * floor_ns)))
    for figure, what, name, floor_name, floor, limit in LIMITS:
        if name in results:
            ns = cost(results[name])
            goal = f"≤ {duration(limit)}" if limit else ""
            rows.append(row(figure, what, ns, floor_name, cost(results[floor]) if floor else None,
                            goal, verdict(not limit or ns <= limit)))
    for figure, what, name, counter, floor_name, floor, allowed in COUNTERS:
        if name in results:
            ns, floor_ns = (median(results[name], c) * 1e3 for c in (counter, floor))
            goal = f"≤ {allowed}x" if allowed else ""
            rows.append(row(figure, what, ns, floor_name, floor_ns, goal,
                            verdict(not allowed or ns <= allowed * floor_ns)))
    if "FirstRun/1000000" in results:
        node = median(results["FirstRun/1000000"], "bytes/node")
        for what, name, least in THREADS:
            one, two = (median(results[f"{name}/{n}"], "items_per_second") for n in (1, 2))
            rows.append(["P9", what, f"{two:.3g}", f"one {one:.3g}", f"{digits(two / one)}x",
                         f"≥ {least}x" if least else "",
                         verdict(two >= least * one) if least else ""])
        rows.append(["P9", "memory of a node", f"{node:.0f} B", "", "", f"≤ {MAX_NODE_BYTES} B",
                     verdict(node <= MAX_NODE_BYTES)])
    return rows


def main(paths):
    rows = []
    for path in paths:
        if not os.path.exists(path):
            continue  # a shell pattern that matched nothing
        if path.endswith(".json"):
            rows += benchmark_rows(path)
        else:
            with open(path, encoding="utf-8") as file:
                rows += [line.rstrip("\n").split("\t") for line in file]
    rows.sort(key=lambda row: int("".join(c for c in row[0] if c.isdigit())))
    widths = [max(len(row[i]) for row in [HEADER, *rows]) for i in range(len(HEADER))]
    for line in [HEADER, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


if __name__ == "__main__":
    main(sys.argv[1:])
