#!/usr/bin/env python3
"""Faults that people make in rules, put into the default rules: the samples' suites must notice each.

Usage: faults.py TRACEHOUND        Prints a table; exit code 1 if a fault goes unnoticed.
"""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# (kind of fault, file, rule or list it is in, text, what it becomes)
FAULTS = [
    ("clause dropped", "attack_paths.yaml", "Service runtime spawned a shell", " and proc.pname in (service_runtimes)", ""),
    ("exception dropped", "attack_paths.yaml", "Credential file read by an unexpected program", "account_tools, ", ""),
    ("exception dropped", "persistence.yaml", "Rule of sudo written", " and\n    not proc.aname in (visudo)", ""),
    ("wrong field", "attack_paths.yaml", "File written below dev", "fd.name startswith /dev/", "fd.filename startswith /dev/"),
    ("wrong field", "execution.yaml", "Program executed from shared memory", "proc.exepath pmatch", "proc.cwd pmatch"),
    ("misspelt item of a list", "00_common.yaml", "shells", "[sh, bash, dash", "[shh, bsh, dash"),
    ("misspelt value", "defense_evasion.yaml", "Thread renamed to a thread of the kernel", "PR_SET_NAME", "PR_SETNAME"),
    ("wrong operator", "discovery.yaml", "Script for finding weaknesses started", "proc.args icontains linpeas", "proc.args = linpeas"),
    ("and for or", "container_escape.yaml", "Release agent of a cgroup written", "file_opened_for_writing and", "file_opened_for_writing and in_container and not in_container and"),
    ("not forgotten", "network.yaml", "Name server outside asked by an unusual program", "not fd.snet in (", "fd.snet in ("),
    ("too broad", "privilege_escalation.yaml", "Capability given to a file", "proc.args contains cap_setuid", "proc.args contains cap_"),
    ("wrong number", "attack_paths.yaml", "Standard stream redirected to a network connection", "evt.rawres in (0, 1, 2)", "evt.rawres in (1, 2)"),
]


def main(tracehound):
    unnoticed = 0
    print("| fault | in | noticed by |\n|---|---|---|")
    for kind, file, name, text, becomes in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            rules = Path(folder) / "rules"
            shutil.copytree(ROOT / "rules", rules)
            whole = (rules / file).read_text()
            at = whole.index(f": {name}\n")
            # Conditions are folded over lines wherever that looked best.
            changed = whole[:at] + replaced(whole[at:], text, becomes)
            (rules / file).write_text(changed)
            run = subprocess.run([tracehound, "test", "samples", "-r", rules, "--no-cache", "-q", "-f", "json"],
                                 cwd=ROOT, capture_output=True, text=True, timeout=600)
            noticed = []
            if run.returncode == 1:
                for suite in json.loads(run.stdout)["suites"]:
                    noticed += [t["trace"] for t in suite["traces"] if t["status"] == "failed"]
            elif run.returncode == 3:
                noticed = ["the rules do not load"]
            else:
                unnoticed += 1
            rest = f" and {len(noticed) - 2} more" if len(noticed) > 2 else ""
            print(f"| {kind} | {name} | {', '.join(noticed[:2]) or 'NOTHING'}{rest} |", flush=True)
    return 1 if unnoticed else 0


def replaced(whole, text, becomes):
    """The first occurrence of a text, however its words are folded over lines."""
    words, start = text.split(), -1
    for start in range(len(whole)):
        end = start
        for word in words:
            while end < len(whole) and whole[end].isspace() and end > start:
                end += 1
            if not whole.startswith(word, end):
                break
            end += len(word)
        else:
            return whole[:start] + (" " + becomes.strip() if text[0].isspace() else becomes) + whole[end:]
    raise SystemExit(f"not in the rules any more: {text}")


sys.exit(main(str(Path(sys.argv[1]).resolve())))
