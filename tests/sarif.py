"""What `rules check -f sarif` prints of each rule file is valid SARIF 2.1.0, by the schema of the standard.

Usage: TRACEHOUND=PROGRAM python3 tests/sarif.py SCHEMA RULES...
"""

import json
import os
import subprocess
import sys

import jsonschema


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
    print(f"{len(rules)} logs with {results} results, {wrong} violations of the schema")
    return 1 if wrong or not results else 0


if __name__ == "__main__":
    sys.exit(main())
