"""Prints what the reference reader makes of a capture, one line a thing, for comparison with the reader under test.

usage: driver.py TOOLS_DIR TABLE FILE counts|all
Differences between the reference conversion and ours that are on purpose are made here: a value that libscap makes up
(zero or empty because the capture does not have it) is marked as absent.
"""
import json
import sys

sys.path.insert(0, sys.argv[1])
import scap_read

table = json.load(open(sys.argv[2]))
path, mode = sys.argv[3], sys.argv[4]


class Absent(bytes):
    """A value that the conversion would make up."""


for rule in table["conversion_rules"]:
    for source in rule.get("params", []):
        if source["from"] == "empty":
            source["from"] = "default"
        if source.get("fallback") == "empty":
            source["fallback"] = "default"


class Converter(scap_read.Converter):
    def default(self, param):
        return Absent()

    def cap(self, param, value):
        return value if isinstance(value, Absent) else super().cap(param, value)


def hexed(text):
    return text.encode("utf8", "surrogateescape").hex()


def ends(addr):
    return " ".join(str(x) for x in addr)


def shown(param, raw):
    if isinstance(raw, Absent):
        return "absent"
    kind = param["type"]
    if kind == "PT_DYN" and raw:
        dyn = table["dyn_tables"][param["dyn_table"]]
        if raw[0] < len(dyn) and len(raw) > 1:
            inner = shown(dict(dyn[raw[0]]), raw[1:])
            return "malformed " + raw.hex() if inner.startswith("malformed") else "dyn %d %s" % (raw[0], inner)
        return "bytes " + raw.hex()
    if not raw or (kind in ("PT_CHARBUF", "PT_FSPATH", "PT_FSRELPATH") and raw == b"(NULL)\0"):
        return "empty"
    exact = {"PT_SOCKADDR": {2: 7, 10: 19}, "PT_SOCKTUPLE": {2: 13, 10: 37}}.get(kind, {}).get(raw[0])
    if kind == "PT_FDLIST":
        exact = 2 + 10 * int.from_bytes(raw[:2], "little")
    too_short = kind == "PT_SOCKTUPLE" and raw[0] == 1 and len(raw) < 17
    if too_short or exact not in (None, len(raw)):
        return "malformed " + raw.hex()
    try:
        value = scap_read.value(table, param, raw)
    except scap_read.ScapError:
        return "malformed " + raw.hex()
    if isinstance(value, int):
        return "int %d" % value
    if isinstance(value, str) and kind in ("PT_IPV4ADDR", "PT_IPV6ADDR"):
        return "bytes " + raw.hex()
    if isinstance(value, str):
        return "bytes " + hexed(value)
    if isinstance(value, list):
        return "list " + " ".join("%d:%d" % x for x in value)
    if isinstance(value, tuple):
        if value[0] == "unix":
            value = value[:-1] + (hexed(value[-1]),)
        if value[0] == "family":
            return "bytes " + raw.hex()
        return ends(value)
    return "bytes " + raw.hex()


def optional(value, unknown):
    return "-" if value is None or value == unknown else str(value)


def joined(strings):
    return "".join(x + "\0" for x in strings)


class Lists:
    """Descriptor lists in file order: a thread may have several, of which the reference would keep the last."""

    def __init__(self):
        self.lists = []

    def __setitem__(self, tid, fds):
        self.lists.append((tid, fds))

    def items(self):
        return self.lists


reader = scap_read.Reader(path, table)
reader.fds = Lists()
converter = Converter(table)
types = {e["code"]: e for e in table["events"]}
n_records = n_events = 0
entered = {}
out = []
try:
    for e in reader.events():
        n_records += 1
        info = types[e.type]
        is_syscall = "EC_SYSCALL" in info["category"]
        enter_ts = "-"
        if is_syscall and e.type % 2 == 0:
            entered[e.tid] = (e.type, e.ts, e.params)
        elif is_syscall:
            before = entered.pop(e.tid, None)
            if e.type == 1 and before and before[0] == 0 and before[2][0] != e.params[0]:
                # Enter and exit of two different system calls that are recorded by number alone.
                before = None
                converter.store.pop(e.tid, None)
            if before and before[0] == e.type - 1:
                enter_ts = before[1]
        try:
            converted = converter.run(e.tid, e.type, e.params)
        except scap_read.ScapError:
            converter.store.pop(e.tid, None)
            converted = converter.run(e.tid, e.type, e.params)
        if converted is None:
            continue
        n_events += 1
        if mode == "counts":
            continue
        code, params = converted
        after = types[code]
        if code % 2 == 0 and "EC_SYSCALL" in after["category"]:
            print("folded", n_events)
            continue
        if info["const"] == "PPME_SYSCALL_BPF_X":
            # The result stands behind a type index, which the conversion takes for a part of it.
            raw = e.params[0]
            first = "int %d" % int.from_bytes(raw[1:], "little", signed=True) if len(raw) == 9 else "malformed " + raw.hex()
            print("event", n_events, e.ts, e.tid, e.cpu, e.dflags & 1, code, after["name"], enter_ts, first, sep="\t")
            continue
        values = [shown(p, b) for p, b in zip(after["params"], params)]
        print("event", n_events, e.ts, e.tid, e.cpu, e.dflags & 1, code, after["name"], enter_ts, *values, sep="\t")
except scap_read.ScapError as x:
    print("stopped", x)

if mode == "all":
    for t in reader.procs:
        # The reference goes on behind a field of the tail that does not fit, and takes stray bytes for smaller ones.
        missing = False
        for field in ("pidns_init_start_ts", "tty") * ("tty" in t) + (
                "loginuid", "exe_writable", "cap_inheritable", "cap_permitted", "cap_effective", "exe_upper_layer",
                "exe_ino", "exe_ino_ctime", "exe_ino_mtime", "exe_from_memfd", "exe_lower_layer", "pgid"):
            missing |= field not in t
            if missing:
                t.pop(field, None)
        known = lambda *names: [t.get(n, 0) for n in names]
        many = lambda names: "-" if not any(known(*names)) else " ".join(map(str, known(*names)))
        bits = sum(b for n, b in (("exe_writable", 1), ("exe_upper_layer", 2), ("exe_from_memfd", 4),
                                  ("exe_lower_layer", 8)) if t.get(n))
        print("thread", t["tid"], t["pid"], str(t["ptid"]) if t["ptid"] > 0 else "-", optional(t.get("sid"), -1),
              optional(t.get("vpgid"), -1), hexed(t["comm"]), hexed(t["exe"]), hexed(t.get("exepath", "")),
              hexed(joined(t["args"])), hexed(t["cwd"]), t["fdlimit"], t["flags"], optional(t["uid"], 0xffffffff),
              optional(t["gid"], 0xffffffff), *known("vmsize_kb", "vmrss_kb", "vmswap_kb", "pfmajor", "pfminor"),
              hexed(joined(t.get("env", []))), optional(t.get("vtid"), -1), optional(t.get("vpid"), -1),
              hexed(joined(t.get("cgroups", []))), hexed(t.get("root", "")), optional(t.get("tty"), 0),
              optional(t.get("loginuid"), 0xffffffff),
              many(("cap_inheritable", "cap_permitted", "cap_effective")), bits or "-",
              many(("exe_ino", "exe_ino_ctime", "exe_ino_mtime")), optional(t.get("pgid"), -1),
              optional(t.get("pidns_init_start_ts"), 0), sep="\t")
    for tid, fds in reader.fds.items():
        for f in fds:
            if f["type"] > 21:
                continue
            if f.get("l4", 0) > 5:
                f["l4"] = 0
            kind = 1 if f["type"] == 16 else f["type"]
            name = hexed(f.get("name", ""))
            if name.endswith("0a"):
                name = name[:-2]
            print("fd", tid, f["fd"], f["ino"], kind, name, f.get("open_flags", "-"), f.get("dev", "-"),
                  ends(f[k] for k in ("sip", "sport", "dip", "dport", "ip", "port", "l4", "source", "destination")
                       if k in f), sep="\t")
    for u in reader.users:
        print("user", u["uid"], u["gid"], hexed(u["name"]), hexed(u["home"]), hexed(u["shell"]), sep="\t")
    for g in reader.groups:
        print("group", g["gid"], hexed(g["name"]), sep="\t")
    for i in reader.ifs:
        print("interface", hexed(i["name"]), i["addr"], i["mask"], i["bcast"], sep="\t")
    if reader.mi:
        print("machine", reader.mi["num_cpus"], reader.mi["memory_bytes"], hexed(reader.mi["hostname"]),
              reader.mi["boot_ts"], sep="\t")
print("counts", n_records, n_events)
