"""Resident memory over the run, and whether it grows."""

import collections
import statistics

WINDOW = 3  # samples at the beginning and at the end that are compared
GROWTH = 0.04
GROWTH_KIB = 3 * 1024


class Memory:
    def __init__(self):
        self.samples = collections.defaultdict(list)  # role -> [(seconds, KiB)]

    def add(self, seconds, usage):
        for role, (kib, _, _) in usage.items():
            self.samples[role].append((seconds, kib))

    def judge(self, warm, what):
        """Compares what came after `warm` seconds: (lines for the summary, findings)."""
        lines, findings = [], []
        for role, samples in self.samples.items():
            after = [kib for seconds, kib in samples if seconds >= warm]
            if len(after) < 2 * WINDOW:
                lines.append(f"{what}: {role}: too short to tell: " +
                             " ".join(str(kib) for _, kib in samples) + " KiB")
                continue
            first, last = (statistics.median(part) for part in (after[:WINDOW], after[-WINDOW:]))
            lines.append(f"{what}: {role}: {first:.0f} KiB after warm-up, {last:.0f} KiB at the end, "
                         f"at most {max(after)}, {len(after)} samples")
            if last - first > GROWTH_KIB and last > first * (1 + GROWTH):
                findings.append(f"{what}: {role} grows: {after} KiB")
        return lines, findings
