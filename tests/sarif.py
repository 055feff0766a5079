"""What `rules check -f sarif` prints of each rule file, `test -f sarif` of a suite that fails, and `diff -f sarif` of the
default rules and a changed copy, is valid SARIF 2.1.0, by the schema of the standard. The JUnit XML of the same suite is read by Python's parser.

Usage: TRACEHOUND=PROGRAM python3 tests/sarif.py SCHEMA RULES...
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import jsonschema


def failing_suite():
    """The SARIF log and the JUnit XML of a suite in which everything goes wrong that can."""
    root = pathlib.Path(__file__).resolve().parent.parent
    rule = "Service runtime spawned a shell"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        trace = (root / "samples/java_spawns_bash.trace").read_bytes()
        (folder / "<a> b%.trace").write_bytes(trace)
        (folder / "whole.trace").write_bytes(trace)
        (folder / "damaged.trace").write_bytes(trace + b"1 what is this\n")
        (folder / "noise.trace").write_bytes(b"\x7fnothing")
        (folder / "suite.yaml").write_text(
            f"suite: 's & <t>'\nrules: ['{root}/rules']\nunexpected: ignore\ntraces:\n"
            f"- {{trace: '<a> b%.trace', absent: [{rule}], unexpected: fail}}\n"
            f"- {{trace: whole.trace, partial: true, expect: [{{rule: {rule}, events: [7]}}]}}\n"
            "- trace: damaged.trace\n- trace: noise.trace\n"
        )
        command = [os.environ["TRACEHOUND"], "test", "suite.yaml", "--no-cache", "-f", "sarif=log.json", "-f", "junit=log.xml"]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode != 4:
            raise SystemExit(f"test: exit code {done.returncode}: {done.stderr.decode()}")
        log = json.loads((folder / "log.json").read_bytes())
        return log, xml.etree.ElementTree.parse(folder / "log.xml").getroot()


def changed_rules():
    """The SARIF log of changes of every kind: a list, priorities, a new rule with a hostile name."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for path in pathlib.Path("rules").glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            text = text.replace("[cat, tac,", "[tac,").replace("priority: CRITICAL", "priority: ERROR")
            (folder / path.name).write_text(text, encoding="utf-8")
        name = json.dumps("a: b, %0A\n::error:: \x1b[31m \u202e </script>")
        rule = f"- rule: {name}\n  desc: d\n  condition: evt.type = execve\n  output: o %proc.name\n  priority: INFO\n"
        (folder / "zz_hostile.yaml").write_text(rule, encoding="utf-8")
        command = [os.environ["TRACEHOUND"], "diff", "-q", "--base", "rules", "--head", folder, "samples", "-f", "sarif"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode not in (0, 5):
            raise SystemExit(f"diff: exit code {done.returncode}")
        log = json.loads(done.stdout)
        if sum(len(run["results"]) for run in log["runs"]) < 5:
            raise SystemExit("diff: fewer results than changes")
        return log


def main() -> int:
    schema_path, *rules = sys.argv[1:]
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)
    if validator.is_valid({"version": "2.1.0"}):
        raise SystemExit("the schema accepts a log without runs: not the one that is meant")
    results = wrong = 0
    for path in rules:
        command = [os.environ["TRACEHOUND"], "rules", "check", path, "-f", "sarif"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        if done.returncode not in (0, 3):
            raise SystemExit(f"{path}: exit code {done.returncode}")
        log = json.loads(done.stdout)
        results += sum(len(run["results"]) for run in log["runs"])
        for error in validator.iter_errors(log):
            wrong += 1
            print(f"{path}: {error.json_path}: {error.message[:200]}")
    log, junit = failing_suite()
    for name, log in (("test", log), ("diff", changed_rules())):
        results += sum(len(run["results"]) for run in log["runs"])
        for error in validator.iter_errors(log):
            wrong += 1
            print(f"{name}: {error.json_path}: {error.message[:200]}")
    for key, element in (("tests", "testcase"), ("failures", "testcase[failure]"), ("errors", "testcase[error]")):
        counted, found = int(junit.get(key)), len(junit.findall(f"./testsuite/{element}"))
        if counted != found or not found:
            wrong += 1
            print(f"test: junit counts {counted} {key} and has {found}")
    print(f"{len(rules) + 2} logs with {results} results, {wrong} violations of the schema")
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
