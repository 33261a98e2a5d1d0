"""What happened when, shared by the processes of the soak: versions that came into force and went,
and times of reloads and of a front or vmm that was gone. CLOCK_MONOTONIC is the same in all of them."""

import math
import multiprocessing
import time

MAX_VERSIONS = 100_000
MAX_KILLS = 20_000
# A front that is told to drain may still take queries from the sockets until its threads get the
# processor.
GRACE = 3.0

now = time.monotonic


class Gaps:
    """Times of something that did not last. One process writes."""

    def __init__(self):
        self._times = multiprocessing.Array("d", 2 * MAX_KILLS, lock=False)
        self._count = multiprocessing.Value("i", 0, lock=False)

    def begin(self):
        i = self._count.value
        self._times[2 * i] = now()
        self._times[2 * i + 1] = math.inf
        self._count.value = i + 1

    def end(self):
        """All that are open."""
        for i in reversed(range(self._count.value)):
            if self._times[2 * i + 1] != math.inf:
                break
            self._times[2 * i + 1] = now()

    def count(self):
        return self._count.value

    def touches(self, begin, end):
        for i in reversed(range(self._count.value)):
            if self._times[2 * i] <= end and self._times[2 * i + 1] >= begin:
                return True
            if self._times[2 * i + 1] < begin - 120:
                break
        return False


class Timeline:
    def __init__(self):
        self._begin = multiprocessing.Array("d", MAX_VERSIONS, lock=False)
        self._end = multiprocessing.Array("d", MAX_VERSIONS, lock=False)
        self._newest = multiprocessing.Value("i", 0, lock=False)
        self._in_force = multiprocessing.Value("i", 0, lock=False)
        self.front_gone = Gaps()
        self.vmm_gone = Gaps()
        # Reloads: the connections of a front that is replaced are closed.
        self.reloading = Gaps()
        self.stop = multiprocessing.Event()

    def may_come(self, version):
        """Before its files can be read by anybody."""
        self._begin[version] = now()
        self._end[version] = math.inf
        self._newest.value = version

    def comes(self, version):
        """In place of the one before."""
        self._end[self._in_force.value] = now()
        self._in_force.value = version

    def refused(self, version):
        self._end[version] = now()

    def versions(self, asked, answered):
        """That an answer may have been made from, newest first. asked: when the query was sent, or
        when its connection was opened."""
        found = []
        for v in range(self._newest.value, 0, -1):
            if self._end[v] + GRACE < asked:
                # But for those that were refused, they end in the order in which they came.
                if v < self._in_force.value and self._end[v] < asked - 120:
                    break
            elif self._begin[v] <= answered:
                found.append(v)
        return found

    def connection_may_be_cut(self, opened):
        return any(gaps.touches(opened - GRACE, now()) for gaps in (self.reloading, self.front_gone))
