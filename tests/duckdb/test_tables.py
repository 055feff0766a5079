#!/usr/bin/env python3
"""Opens the tables of `analyze -o DIR` in DuckDB and checks what docs/columns.md promises of them.

usage: pytest tests/duckdb        on the tables of every sample; the environment variable TRACEHOUND names the binary
       test_tables.py DIR...      on the tables of some folders

Needs the package `duckdb`; `tests/duckdb/run` provides it. The second form prints one line a folder, and every broken
promise; the exit code is 1 if there is one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "src" / "report" / "schema.txt"
SAMPLES = ROOT / "samples"
MANUAL = ROOT / "docs" / "columns.md"
OPTIONAL = {"events"}
DUCKDB_TYPES = {
    "bool": "BOOLEAN",
    "int64": "BIGINT",
    "uint64": "UBIGINT",
    "timestamp[ns]": "TIMESTAMP_NS",
    "utf8": "VARCHAR",
    "list<utf8>": "VARCHAR[]",
}
# Columns whose values must be found in processes.process.
KEYS = {
    "signals": ["process"],
    "processes": ["birth_parent", "parent"],
    "images": ["process"],
    "files": ["process"],
    "connections": ["process"],
    "events": ["process"],
}
SORTED_BY = {
    "signals": "ts, seq",
    "processes": "start, start_seq",
    "images": "ts, seq",
    "files": "first_ts, first_seq",
    "connections": "first_ts, first_seq",
    "rules": "index",
    "events": "seq",
}


def promised():
    """Tables with their columns: {table: [(column, type)]}, from the committed schema."""
    tables = {}
    for line in SCHEMA.read_text().splitlines():
        name, ty = line.split(" (")[0].split(" ", 1)
        table, column = name.split(".")
        tables.setdefault(table, []).append((column, ty))
    return tables


class Case:
    """The tables of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self.problems = []
        self.db = duckdb.connect()
        self.tables = {}
        for table, columns in promised().items():
            path = folder / f"{table}.parquet"
            if path.exists():
                self.tables[table] = columns
                literal = str(path).replace("'", "''")
                self.db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{literal}', file_row_number = true)")
            elif table not in OPTIONAL:
                self.problems.append(f"{path} is missing")

    def rows(self, sql):
        return self.db.execute(sql).fetchall()

    def one(self, sql):
        return self.rows(sql)[0][0]

    def none(self, sql, problem):
        """No row may come out of `sql`."""
        found = self.rows(sql)
        if found:
            self.problems.append(f"{problem}: {len(found)} rows, first {found[0]}")

    def equal(self, actual, expected, problem):
        if actual != expected:
            self.problems.append(f"{problem}: {actual!r}, expected {expected!r}")

    def check(self):
        for table, columns in self.tables.items():
            self.check_schema(table, columns)
            self.check_order(table)
            for column in KEYS.get(table, []):
                self.none(
                    f"SELECT {column} FROM {table} t ANTI JOIN processes p ON p.process = t.{column} "
                    f"WHERE t.{column} IS NOT NULL",
                    f"{table}.{column} is not found in processes",
                )
            # Every value of every column can be read.
            self.rows(f"SELECT * FROM {table}")
        if self.problems:
            return
        self.none("SELECT process FROM processes GROUP BY 1 HAVING count(*) > 1", "processes.process is not unique")
        self.none("SELECT id FROM signals GROUP BY 1 HAVING count(*) > 1", "signals.id is not unique")
        self.check_lineage()
        self.check_manual()
        self.check_counts()
        self.check_summary()

    def check_schema(self, table, columns):
        described = self.rows(f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {table}")
        actual = [(name, ty) for name, ty, *_ in described]
        self.equal(actual, [(name, DUCKDB_TYPES[ty]) for name, ty in columns], f"columns of {table}")
        path = str(self.folder / f"{table}.parquet").replace("'", "''")
        metadata = dict(
            self.rows(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{path}') WHERE key != 'ARROW:schema'")
        )
        self.equal(metadata.get("tracehound.table"), table, f"name in {table}")
        comments = json.loads(metadata.get("tracehound.columns", "[]"))
        self.equal([(c["name"], c["type"]) for c in comments], columns, f"comments of {table}")
        for comment in comments:
            if not comment["doc"].endswith("."):
                self.problems.append(f"{table}.{comment['name']} is not documented")
            if comment["type"].startswith("timestamp") and "UTC" not in comment["unit"]:
                self.problems.append(f"{table}.{comment['name']} has no unit")
        self.none(
            f"SELECT path_in_schema, compression FROM parquet_metadata('{path}') WHERE compression != 'ZSTD'",
            f"{table} is not compressed with zstd",
        )
        self.none(
            f"SELECT row_group_id FROM parquet_metadata('{path}') WHERE row_group_num_rows > 131072",
            f"{table} has large row groups",
        )

    def check_order(self, table):
        order = SORTED_BY.get(table)
        if order:
            first, *rest = [part.strip() for part in order.split(",")]
            keys = ", ".join(f"{column} NULLS FIRST" for column in [first, *rest])
            self.none(
                f"SELECT * FROM (SELECT file_row_number AS n, row_number() OVER (ORDER BY {keys}, file_row_number) - 1 AS m "
                f"FROM {table}) WHERE n != m",
                f"{table} is not ordered by {order}",
            )

    def check_lineage(self):
        """Walking birth_parent gives the ancestors that each row lists, for processes and for signals."""
        self.none(
            """
            WITH RECURSIVE up AS (
              SELECT process, birth_parent AS ancestor, 1 AS level FROM processes WHERE birth_parent IS NOT NULL
              UNION ALL
              SELECT up.process, p.birth_parent, level + 1 FROM up JOIN processes p ON p.process = up.ancestor
              WHERE p.birth_parent IS NOT NULL AND level < 64
            ), walked AS (
              SELECT process, list(ancestor ORDER BY level) AS ancestors FROM up GROUP BY process
            )
            SELECT p.process, p.ancestors, w.ancestors FROM processes p LEFT JOIN walked w ON w.process = p.process
            WHERE p.ancestors IS DISTINCT FROM coalesce(w.ancestors, []) OR len(p.ancestors) != least(p.depth, 64)
            """,
            "ancestors differ from a walk along birth_parent",
        )
        self.none(
            """
            SELECT s.id, p.pid, s.pid FROM signals s JOIN processes p ON p.process = s.process
            WHERE p.pid IS DISTINCT FROM s.pid
            """,
            "a signal's pid is not that of its process",
        )
        n_joined = self.one("SELECT count(*) FROM signals s JOIN processes p ON p.process = s.process")
        n_signals = self.one("SELECT count(*) FROM signals WHERE process IS NOT NULL")
        self.equal(n_joined, n_signals, "signals joined to processes")

    def check_manual(self):
        """The query of the manual runs, and finds every signal with a process."""
        sql = MANUAL.read_text().split("```sql")[1].split("```")[0].strip().rstrip(";")
        for table in self.tables:
            path = str(self.folder / f"{table}.parquet").replace("'", "''")
            sql = sql.replace(f"'{table}.parquet'", f"'{path}'")
        n_signals = self.one("SELECT count(*) FROM signals WHERE process IS NOT NULL")
        self.equal(len(self.rows(sql)), n_signals, "signals found by the manual's query")

    def check_counts(self):
        self.none(
            """
            SELECT p.process, p.n_signals, p.n_suppressed FROM processes p
            LEFT JOIN (SELECT process, count(*) FILTER (verdict = 'fired') AS fired,
                              count(*) FILTER (verdict = 'suppressed') AS suppressed
                       FROM signals GROUP BY process) s ON s.process = p.process
            WHERE p.n_signals != coalesce(fired, 0) OR p.n_suppressed != coalesce(suppressed, 0)
            """,
            "processes count other signals than there are",
        )
        self.none(
            """
            SELECT r.rule, r.n_hits FROM rules r
            LEFT JOIN (SELECT rule, count(*) AS n FROM signals GROUP BY rule) s ON s.rule = r.rule
            WHERE r.n_hits != coalesce(n, 0)
            """,
            "rules count other signals than there are",
        )

    def check_summary(self):
        path = self.folder / "summary.json"
        if not path.exists():
            return
        summary = json.loads(path.read_text())
        self.equal(summary["signals"]["fired"], self.one("SELECT count(*) FROM signals WHERE verdict = 'fired'"), "signals fired")
        self.equal(summary["processes"]["total"], self.one("SELECT count(*) FROM processes"), "processes in the summary")
        self.equal(summary["rules"]["loaded"], self.one("SELECT count(*) FROM rules"), "rules in the summary")
        if self.one("SELECT count(*) FROM losses WHERE kind IN ('damage', 'lost_events')"):
            self.equal(summary["evidence"], "partial", "evidence of a trace with losses")


def analyze(trace, folder):
    """Runs the binary on a trace and returns its exit code and the case it wrote."""
    binary = os.environ.get("TRACEHOUND", str(ROOT / "target" / "release" / "tracehound"))
    command = [binary, "analyze", str(trace), "-r", str(ROOT / "rules"), "-o", str(folder), "--events", "--quiet"]
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=600)
    return ended.returncode, Case(folder)


def pytest_generate_tests(metafunc):
    if "sample" in metafunc.fixturenames:
        samples = [path for path in SAMPLES.iterdir() if path.suffix in {".trace", ".trh", ".scap"}]
        metafunc.parametrize("sample", sorted(samples), ids=lambda path: path.name)


def test_sample(sample, tmp_path):
    code, case = analyze(sample, tmp_path / "out")
    case.check()
    assert (code, case.problems) == (0, [])
    assert case.one("SELECT count(*) FROM processes") > 0
    assert case.one("SELECT count(*) FROM signals") > 0
    assert case.one("SELECT count(*) FROM events") > 0


def test_damaged_sample(tmp_path):
    """Half of a trace, cut within a line: partial evidence, and tables that still keep every promise."""
    whole = (SAMPLES / "java_spawns_bash.trace").read_bytes()
    cut = tmp_path / "cut.trace"
    cut.write_bytes(whole[: whole.rindex(b" ", 0, len(whole) // 2)] + b" no-such-argument=")
    code, case = analyze(cut, tmp_path / "out")
    case.check()
    assert (code, case.problems) == (5, [])
    assert case.one("SELECT count(*) FROM losses WHERE kind = 'damage'") == 1
    assert case.one("SELECT count(*) FROM processes") > 0


def main():
    folders = [Path(arg) for arg in sys.argv[1:]]
    if not folders:
        sys.exit(__doc__.strip())
    failed = False
    for folder in folders:
        case = Case(folder)
        case.check()
        counts = ", ".join(f"{case.one(f'SELECT count(*) FROM {table}')} {table}" for table in case.tables)
        print(f"{folder}: {'FAILED' if case.problems else 'ok'} ({counts})")
        for problem in case.problems:
            print(f"  {problem}")
        failed |= bool(case.problems)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
