"""Resident memory over the run, and whether it grows."""

import collections
import statistics

WINDOW = 3  # samples at the beginning and at the end that are compared
GROWTH = 0.04
GROWTH_KIB = 3 * 1024


class Memory:
    """Of each process by itself: one that has been started again knows nothing of its predecessor's
    growth, and has as much memory as its age and what it has done in it make."""

    def __init__(self):
        self.samples = collections.defaultdict(list)  # (role, pid) -> [(seconds, KiB)]

    def add(self, seconds, usage):
        for role, (pid, kib, _, _) in usage.items():
            self.samples[role, pid].append((seconds, kib))

    def judge(self, warm, what):
        """Compares what came after `warm` seconds: (lines for the summary, findings)."""
        lines, findings = [], []
        short = collections.defaultdict(list)
        for (role, pid), samples in self.samples.items():
            after = [kib for seconds, kib in samples if seconds >= warm]
            if len(after) < 2 * WINDOW:
                short[role] += [kib for _, kib in samples]
                continue
            first, last = (statistics.median(part) for part in (after[:WINDOW], after[-WINDOW:]))
            lines.append(f"{what}: {role} (pid {pid}): {first:.0f} KiB after warm-up, {last:.0f} KiB "
                         f"at the end, at most {max(after)}, {len(after)} samples")
            if last - first > GROWTH_KIB and last > first * (1 + GROWTH):
                findings.append(f"{what}: {role} grows: {after} KiB")
        for role, kib in short.items():
            lines.append(f"{what}: {role}: {len(kib)} samples of lives too short to judge, "
                         f"{min(kib)} to {max(kib)} KiB")
        return lines, findings
