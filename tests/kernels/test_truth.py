#!/usr/bin/env python3
"""The comparison must accept an exact recording and name each thing that is wrong in another one.

usage: tests/kernels/test_truth.py TRACEHOUND-BINARY
"""

import sys
import tempfile
import unittest
from pathlib import Path

import truth

# Two processes one after the other had number 101; the second executes a program in a thread's place and is an orphan
# at its end. The machine started 1000 s after the epoch.
TRUTH = """\
clock	1000000000000
process	fork	101	210	100	100	100	100	768
thread	threads	101	220	102
process	orphan	101	220	100	100	1	0	9
exec	absent	101	220	-2	/no/program		absent
exec	step	101	220	0	/bin/script	/bin/step	step	a b	
open	open	100	100	4	/tmp/a file
open	open	100	100	-2	/tmp/none
connect	connect	100	100	-111	127.0.0.1:53
done
"""
TRACE = """\
#tracehound-trace 1
machine hostname=guest kernel=6.1.0
thread 1 comm=init exe=/init start_ns=1000000000000
thread 100 ptid=1 comm=workload exe=/workload exepath=/workload start_ns=1001000000000
at 1002100000000
100 clone res=101 tid=100 pid=100 ptid=1
101 clone res=0 tid=101 pid=101 ptid=100 vtid=101 vpid=101
101 procexit status=768 ret=3 sig=0
at 1002205000000
101 clone res=0 tid=101 pid=101 ptid=100 vtid=101 vpid=101
102 clone res=0 tid=102 pid=101 ptid=100 vtid=102 vpid=101 flags=CLONE_THREAD|CLONE_VM|CLONE_FILES
102 procexit status=0 ret=0 sig=0
101 execve res=ENOENT filename=/no/program
101 execve res=0 exe=step args=["a b",""] tid=101 pid=101 ptid=100 trusted_exepath=/bin/step filename=/bin/script
100 openat fd=3 dirfd=AT_FDCWD name=/proc/self/stat flags=O_RDONLY
100 openat fd=4 dirfd=AT_FDCWD name="/tmp/a file" flags=O_RDWR
100 openat fd=ENOENT dirfd=AT_FDCWD name=/tmp/none flags=O_RDONLY
100 socket fd=5 domain=2 type=1 proto=0
100 connect res=ECONNREFUSED tuple=127.0.0.1:4000->127.0.0.1:53 fd=5 addr=127.0.0.1:53
REPARENT
101 procexit status=9 ret=0 sig=9
"""


class Comparison(unittest.TestCase):
    def score(self, *changes):
        trace = TRACE.replace("REPARENT", "100 procexit status=0 ret=0 sig=0 reaper_tid=1")
        for old, new in changes:
            self.assertIn(old, trace)
            trace = trace.replace(old, new)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.trace"
            path.write_text(trace)
            return truth.compare(TRACEHOUND, path, TRUTH)

    def test_exact(self):
        score = self.score()
        self.assertEqual(score.errors, [])
        self.assertTrue(score.is_exact)
        self.assertEqual(score.reused, 1)
        totals = {"processes": 2, "parents": 2, "parents at the end": 2, "exit codes": 2, "threads": 1}
        self.assertEqual(dict(score.total), totals | {"programs": 2, "files": 2, "connections": 1})

    def test_each_deviation_is_named(self):
        for aspect, old, new in [
            ("processes", "at 1002205000000", "at 1002505000000"),
            ("parents", "ptid=100 vtid=101 vpid=101\n102", "ptid=1 vtid=101 vpid=101\n102"),
            ("parents at the end", "100 procexit status=0 ret=0 sig=0 reaper_tid=1", ""),
            ("exit codes", "status=9 ret=0", "status=8 ret=0"),
            ("threads", "102 procexit status=0 ret=0 sig=0\n", ""),
            ("programs", 'args=["a b",""]', 'args=["a b"]'),
            ("programs", "trusted_exepath=/bin/step", "trusted_exepath=/bin/other"),
            ("programs", "filename=/no/program", "filename=/no/other"),
            ("programs", "101 execve res=ENOENT", "101 execve res=0 exe=x tid=101 pid=101\n101 execve res=ENOENT"),
            ("files", "openat fd=4", "openat fd=5"),
            ("files", "fd=ENOENT", "fd=EACCES"),
            ("connections", "127.0.0.1:53", "127.0.0.1:54"),
            ("losses", "100 socket", "0 drop ratio=1\n100 socket"),
        ]:
            with self.subTest(aspect=aspect, old=old):
                score = self.score((old, new))
                self.assertTrue(any(error.startswith(aspect) for error in score.errors), score.errors)
                self.assertFalse(score.is_exact)

    def test_a_workload_that_stopped_is_no_truth(self):
        self.assertFalse(truth.compare(TRACEHOUND, Path("/nonexistent"), TRUTH.replace("done\n", "")).is_exact)


if __name__ == "__main__":
    TRACEHOUND = sys.argv.pop()
    unittest.main()
