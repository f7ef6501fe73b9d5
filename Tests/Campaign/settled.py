"""What may be there when a journey has ended, and what may not: processes and cgroups."""

import os
from collections import Counter

from processes import masters, workers

WORKER_AGE = 15.0  # seconds; a source worker ends by its own deadline


def cgroup_root(owner):
    """Where the stacks of an owner have their cgroups, or None without cgroup2."""
    with open("/proc/mounts") as mounts:
        for line in mounts:
            _, place, kind, *_ = line.split()
            if kind == "cgroup2":
                return os.path.join(place, "viridian", owner)
    return None


def cgroups(root):
    """Names of the stacks' cgroups."""
    if root is None or not os.path.isdir(root):
        return set()
    return {name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name))}


def complaints(processes, weights, gates, asked, groups, stacks):
    """Sentences. `stacks`: names of those on disk. `asked`: `present`: target → whether it is
    declared; `serving`: else nothing may be left."""
    all = list(processes.values())
    if not asked["serving"]:
        left = [f"{p.pid} {p.command}" for p in all] + [f"cgroup {name}" for name in groups]
        return [f"left behind: {text}" for text in left]
    found = [f"{p.kind} {p.pid} is stopped" for p in all if p.state in "Tt"]
    found += [f"process {p.pid} belongs to nobody: {p.command}" for p in all
              if p.kind in ("other", "unpacker")]
    found += wrong_counts(all)
    found += wrong_stacks(all, weights, gates, asked["present"])
    found += [f"cgroup {name} belongs to no stack" for name in groups
              if not any(name.startswith(f"{stack}-") for stack in stacks)]
    found += [f"the keeper of {p.stack}, which is not there, runs" for p in all
              if p.kind == "keeper" and p.stack not in stacks]
    return found


def wrong_counts(all):
    found = []
    for what, number in (("agent", sum(p.kind == "agent" for p in all)),
                         ("HAProxy master", len(masters(all))),
                         ("HAProxy worker", len(workers(all)))):
        if number != 1:
            found.append(f"{number} {what} processes")
    for stack, number in Counter(p.stack for p in all if p.kind == "keeper").items():
        if number > 1:
            found.append(f"{number} keepers of {stack}")
    return found


def wrong_stacks(all, weights, gates, present):
    """At most the stable stack and one that is warm run; each has a keeper and all instances."""
    found, running = [], Counter(p.stack for p in all if p.kind == "instance")
    keepers = {p.stack for p in all if p.kind == "keeper"}
    for target, gate in gates.items():
        names = [s for s in running if s.rsplit("-v", 1)[0] == target]
        serving = [s for s in names if weights.get(s, 0) == 100]
        if not present[target]:
            found += [f"{s} runs, and {target} is not declared" for s in names]
        elif len(serving) != 1:
            found.append(f"{target} is served by {serving}, weights {weights}")
        if len(names) > 2:
            found.append(f"{len(names)} stacks of {target} run: {sorted(names)}")
        for stack in names:
            if running[stack] != gate.instances:
                found.append(f"{running[stack]} instances of {stack} run")
            if stack not in keepers:
                found.append(f"{stack} has no keeper")
    return found
