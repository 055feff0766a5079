#!/usr/bin/env python3
"""Converts the output of strace to the text notation of traces.

    strace -f -ttt -T -yy -v -s 256 -o OUT COMMAND...
    strace_to_trace.py OUT --uid N --gid N --cwd DIR --hostname NAME --kernel RELEASE > x.trace

strace sees calls of the traced processes, with their arguments. What it does not see is left out of the events (unknown),
or derived: the child's own return from clone (just before its first call), `comm` (the last part of the executed
path, 15 bytes), the resolved path of an executable (links of this machine's /bin and /usr/bin are followed).
Calls without a row of their own are written by name.
"""

import argparse
import os
import re
import sys
from decimal import Decimal

FILE_FLAGS = set(
    "O_LARGEFILE O_DIRECTORY O_DIRECT O_TRUNC O_SYNC O_NONBLOCK O_EXCL O_DSYNC O_APPEND O_CREAT O_RDWR O_WRONLY "
    "O_RDONLY O_CLOEXEC O_TMPFILE".split()
)
CLONE_FLAGS = set(
    "CLONE_FILES CLONE_FS CLONE_IO CLONE_PARENT CLONE_SIGHAND CLONE_SYSVSEM CLONE_THREAD CLONE_VM "
    "CLONE_CHILD_CLEARTID CLONE_CHILD_SETTID CLONE_PARENT_SETTID CLONE_SETTLS CLONE_VFORK".split()
)
PROT_FLAGS = {"PROT_READ", "PROT_WRITE", "PROT_EXEC", "PROT_NONE"}
MMAP_FLAGS = {"MAP_SHARED", "MAP_PRIVATE", "MAP_FIXED", "MAP_ANONYMOUS", "MAP_DENYWRITE"}
SNAPLEN = 80
FORKS = {"clone", "clone3", "fork", "vfork"}


class Task:
    """A traced thread and what strace does not repeat on every line."""

    def __init__(self, tid, pid, ppid, like=None):
        self.tid, self.pid, self.ppid = tid, pid, ppid
        self.exe = like.exe if like else ""
        self.args = list(like.args) if like else []
        self.comm = like.comm if like else ""
        self.cwd = like.cwd if like else "/"
        self.pgid = like.pgid if like else tid


def quoted(raw):
    """Bytes as a string of the notation."""
    out = []
    for b in raw:
        if b in (0x22, 0x5C):
            out.append("\\" + chr(b))
        elif 0x20 <= b < 0x7F:
            out.append(chr(b))
        else:
            out.append({10: "\\n", 13: "\\r", 9: "\\t", 0: "\\0"}.get(b, "\\x%02x" % b))
    return '"' + "".join(out) + '"'


def unescape(text):
    """The bytes of a C string as strace prints it, without its quotes."""
    out, i = bytearray(), 0
    simple = {"n": 10, "r": 13, "t": 9, "v": 11, "f": 12, "a": 7, "b": 8, "e": 27, '"': 34, "\\": 92}
    while i < len(text):
        c = text[i]
        if c != "\\":
            out += c.encode()
            i += 1
            continue
        octal = re.match(r"[0-7]{1,3}", text[i + 1 :])
        if octal:
            out.append(int(octal[0], 8))
            i += 1 + len(octal[0])
        elif text[i + 1] == "x":
            out.append(int(text[i + 2 : i + 4], 16))
            i += 4
        else:
            out.append(simple[text[i + 1]])
            i += 2
    return bytes(out)


def split_args(text):
    """Splits at commas outside of strings, brackets and the <...> after descriptors."""
    parts, depth, start, i = [], 0, 0, 0
    while i < len(text):
        c = text[i]
        if c == '"':
            i += 1
            while text[i] != '"':
                i += 2 if text[i] == "\\" else 1
        elif c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        elif c == "<" and i and (text[i - 1].isalnum()):
            # The name of a descriptor: up to the ">" that ends the word.
            end = re.compile(r">(?=[,\])]|$| )").search(text, i)
            while end and text[end.start() - 1] == "-":
                end = re.compile(r">(?=[,\])]|$| )").search(text, end.end())
            i = end.start() if end else i
        elif c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
        i += 1
    last = text[start:].strip()
    return parts + [last] if last else parts


def string(arg):
    """A string argument as bytes, or None for NULL or an address."""
    m = re.match(r'"((?:[^"\\]|\\.)*)"', arg)
    return unescape(m[1]) if m else None


def strings(arg):
    """An array of strings as a list of the notation."""
    return "[" + ",".join(quoted(unescape(m)) for m in re.findall(r'"((?:[^"\\]|\\.)*)"', arg)) + "]"


def fd(arg):
    """A descriptor argument."""
    m = re.match(r"(-?\d+|AT_FDCWD)", arg)
    return m[1] if m else "-1"


def fd_name(arg):
    m = re.match(r"-?\w+<(.*)>$", arg)
    return m[1] if m else ""


def flags(arg, known):
    """Names of a table joined by a bar; names that are not in it are left out."""
    names = [f for f in re.split(r"\|", arg) if f in known]
    return "|".join(names) if names else "0"


def number(arg, default="0"):
    m = re.match(r"0x[0-9a-f]+|-?\d+", arg)
    return m[0] if m else default


def inet(arg):
    """An address structure as HOST:PORT, or None."""
    port = re.search(r"htons\((\d+)\)", arg)
    host = re.search(r'inet_addr\("([^"]+)"\)', arg)
    return f"{host[1]}:{port[1]}" if port and host else None


def path(arg):
    raw = string(arg)
    return quoted(raw) if raw is not None else "?"


def socket_tuple(name):
    """LOCAL->REMOTE of a descriptor's name."""
    m = re.match(r"TCP:\[([\d.]+:\d+)->([\d.]+:\d+)\]", name)
    return (m[1], m[2]) if m else None


def data(arg):
    raw = string(arg)
    return quoted(raw[:SNAPLEN]) if raw is not None else "?"


def shebang(name):
    """The interpreter that the first line of a script names."""
    try:
        with open(name, "rb") as script:
            m = re.match(rb"#! ?(\S+)", script.readline())
    except OSError:
        return None
    return m[1].decode() if m else None


class Converter:
    def __init__(self, options):
        self.options = options
        self.tasks = {}
        self.events = []  # (time in us, order, tid, duration in us, text)
        self.forked = {}  # child -> (fork, task of the parent as it was, flags)
        self.n = 0

    def emit(self, time, tid, text, duration=None):
        self.n += 1
        self.events.append((time, self.n, tid, duration, text))

    def task_args(self, task, clone_flags, with_cwd=True):
        ids = f"tid={task.tid} pid={task.pid} ptid={task.ppid} cwd= comm={quoted(task.comm.encode())}"
        return (
            f"exe={quoted(task.exe.encode())} args=[{','.join(quoted(a) for a in task.args)}] {ids} "
            f"flags={clone_flags} uid={self.options.uid} gid={self.options.gid} vtid={task.tid} vpid={task.pid}"
        )

    def seen(self, tid, time):
        """The first line of a thread: its own return from the fork comes just before."""
        if tid in self.tasks:
            return
        if tid in self.forked:
            kind, parent, clone_flags = self.forked[tid]
        else:
            return
        is_thread = "CLONE_THREAD" in clone_flags
        task = Task(tid, parent.pid if is_thread else tid, parent.ppid if is_thread else parent.tid, parent)
        task.pgid = parent.pgid
        self.tasks[tid] = task
        self.emit(time - 1, tid, f"{kind} res=0 {self.task_args(task, clone_flags)}")

    def fork_returned(self, tid, kind, args, child, time, duration):
        task = self.tasks[tid]
        text = " ".join(args)
        names = re.findall(r"CLONE_\w+", text)
        if kind == "vfork":
            names = ["CLONE_VM", "CLONE_VFORK"]
        clone_flags = "|".join(n for n in names if n in CLONE_FLAGS) or "0"
        if child > 0:
            self.forked[child] = (kind, task, clone_flags)
            self.seen(child, time + 1 - (duration or 0))
        res = str(child)
        self.emit(time, tid, f"{kind} res={res} {self.task_args(task, clone_flags)}", duration)

    def call(self, tid, kind, args, ret, time, duration):
        task = self.tasks[tid]
        m = re.match(r"0x[0-9a-f]+|-?\d+", ret)
        if not m:
            return  # "?": the call did not return (exit_group), or was restarted.
        # umask alone answers in octal.
        value = int(m[0], 8 if re.match(r"0\d", m[0]) else 0)
        errno = re.match(r"-1 (E[A-Z0-9]+)", ret)
        res = errno[1] if errno else str(value)
        if kind in FORKS:
            child = -1 if errno else value
            return self.fork_returned(tid, kind, args, child, time, duration)
        o = self.options
        a = args + [""] * 6
        text = None
        if kind == "execve":
            filename = string(a[0]) or b""
            if errno:
                text = f"res={res} exe={quoted(task.exe.encode())} tid={tid} pid={task.pid} filename={quoted(filename)}"
            else:
                argv = [unescape(x) for x in re.findall(r'"((?:[^"\\]|\\.)*)"', a[1])]
                task.exe = argv[0].decode(errors="replace") if argv else ""
                task.args = argv[1:]
                task.comm = os.path.basename(filename.decode(errors="replace"))[:15]
                joined = os.path.normpath(os.path.join(task.cwd, filename.decode(errors="replace")))
                real = os.path.realpath(joined) if os.path.exists(joined) else joined
                interpreter = shebang(real)
                if interpreter:
                    # The kernel runs the interpreter with the path of the script as its first argument.
                    task.exe, task.args = interpreter, [filename, *task.args]
                    real = os.path.realpath(interpreter)
                text = (
                    f"res=0 exe={quoted(task.exe.encode())} args=[{','.join(quoted(x) for x in task.args)}] tid={tid} "
                    f"pid={task.pid} ptid={task.ppid} cwd={quoted(task.cwd.encode())} comm={quoted(task.comm.encode())} "
                    f"env={strings(a[2])} tty=0 vpgid={task.pgid} loginuid=-1 uid={o.uid} "
                    f"trusted_exepath={quoted(real.encode())} pgid={task.pgid} gid={o.gid} filename={quoted(filename)}"
                )
        elif kind == "openat":
            mode = a[3] if a[3] else "0"
            text = f"fd={res} dirfd={fd(a[0])} name={path(a[1])} flags={flags(a[2], FILE_FLAGS)} mode={mode}"
        elif kind == "close":
            text = f"res={res} fd={fd(a[0])}"
        elif kind in ("read", "write"):
            shown = data(a[1]) if not errno and value else '""'
            text = f"res={res} data={shown} fd={fd(a[0])} size={number(a[2])}"
        elif kind == "pread64":
            kind, text = "pread", f"res={res} data={data(a[1])} fd={fd(a[0])} size={number(a[2])} pos={number(a[3])}"
        elif kind == "dup2":
            text = f"res={res} oldfd={fd(a[0])} newfd={fd(a[1])}"
        elif kind == "dup":
            text = f"res={res} oldfd={fd(a[0])}"
        elif kind == "fcntl":
            command = a[1] if a[1] in ("F_DUPFD", "F_GETFD", "F_SETFD", "F_GETFL", "F_SETFL", "F_DUPFD_CLOEXEC") else ""
            if command:
                argument = "1" if a[2] == "FD_CLOEXEC" else number(a[2])
                text = f"res={res} fd={fd(a[0])} cmd={command} arg={argument}"
        elif kind in ("pipe", "pipe2"):
            ends = re.findall(r"(\d+)<pipe:\[(\d+)\]>", a[0])
            if len(ends) == 2:
                text = f"res={res} fd1={ends[0][0]} fd2={ends[1][0]} ino={ends[0][1]}"
                if kind == "pipe2":
                    text += f" flags={flags(a[1], FILE_FLAGS)}"
        elif kind == "socket":
            domain = a[0] if a[0] in ("AF_INET", "AF_INET6", "AF_UNIX") else "0"
            types = {"SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3}
            protocols = {"IPPROTO_TCP": 6, "IPPROTO_UDP": 17, "IPPROTO_IP": 0}
            sort = types.get(a[1].split("|")[0], 0)
            bits = "O_CLOEXEC" if "SOCK_CLOEXEC" in a[1] else "0"
            text = f"fd={res} domain={domain} type={sort} proto={protocols.get(a[2], 0)} flags={bits}"
        elif kind in ("bind", "connect"):
            address = inet(a[1])
            unix = re.search(r'sun_path="([^"]*)"', a[1])
            if unix:
                text = f"res={res} addr=unix:{unix[1]} fd={fd(a[0])}"
            if address:
                text = f"res={res} addr={address} fd={fd(a[0])}"
                if kind == "connect":
                    # The local end is chosen by the call: the next line that names the descriptor tells it.
                    text = ("CONNECT", tid, fd(a[0]), f"res={res} fd={fd(a[0])} addr={address}")
        elif kind == "listen":
            text = f"res={res} fd={fd(a[0])} backlog={number(a[1])}"
        elif kind in ("accept", "accept4"):
            ends = socket_tuple(fd_name(ret.split(" <")[0]))
            if ends:
                text = f"fd={res} tuple={ends[1]}->{ends[0]}" + (" flags=0" if kind == "accept4" else "")
        elif kind == "chdir":
            where = string(a[0]) or b""
            text = f"res={res} path={quoted(where)}"
            if not errno:
                task.cwd = os.path.normpath(os.path.join(task.cwd, where.decode(errors="replace")))
        elif kind == "mmap":
            text = (
                f"res={res if errno else hex(value)} addr={number(a[0])} length={number(a[1])} "
                f"prot={flags(a[2], PROT_FLAGS)} flags={flags(a[3], MMAP_FLAGS)} fd={fd(a[4])} offset={number(a[5])}"
            )
        elif kind == "munmap":
            text = f"res={res} addr={number(a[0])} length={number(a[1])}"
        elif kind == "mprotect":
            text = f"res={res} addr={number(a[0])} length={number(a[1])} prot={flags(a[2], PROT_FLAGS)}"
        elif kind == "brk":
            text = f"res={hex(value)} addr={number(a[0])}"
        elif kind == "newfstatat":
            text = f"res={res} dirfd={fd(a[0])} path={path(a[1])} flags={'AT_EMPTY_PATH' if 'AT_EMPTY' in a[3] else 0}"
        elif kind == "unlinkat":
            text = f"res={res} dirfd={fd(a[0])} name={path(a[1])} flags=0"
        elif kind in ("unlink", "rmdir", "stat", "lstat"):
            text = f"res={res} path={path(a[0])}"
        elif kind in ("mkdir",):
            text = f"res={res} path={path(a[0])} mode={number(a[1])}"
        elif kind == "access":
            text = f"res={res} name={path(a[0])} mode=0"
        elif kind == "lseek":
            text = f"res={res} fd={fd(a[0])} offset={number(a[1])} whence={a[2]}"
        elif kind == "ioctl":
            requests = {"TCGETS": 0x5401, "TIOCGPGRP": 0x540F, "TIOCSPGRP": 0x5410, "FIOCLEX": 0x5451}
            text = f"res={res} fd={fd(a[0])} request={requests.get(a[1], 0)}"
        elif kind in ("getuid", "geteuid", "getgid", "getegid"):
            text = f"{kind[3:]}={res}"
        elif kind == "setpgid":
            target = int(number(a[0])) or tid
            group = int(number(a[1])) or target
            if not errno and target in self.tasks:
                self.tasks[target].pgid = group
            text = f"res={res} pid={number(a[0])} pgid={number(a[1])}"
        elif kind == "getdents64":
            text = f"res={res} fd={fd(a[0])}"
        elif kind == "kill":
            text = f"res={res} pid={number(a[0])} sig={a[1]}"
        if text is None:
            text = ""
        self.emit(time, tid, (kind, text) if isinstance(text, tuple) else f"{kind} {text}".rstrip(), duration)

    def read(self, lines):
        pending = {}
        names = []  # (line number, tid, fd, tuple) of every socket that a line names
        connects = []
        head = re.compile(r"(\d+) +(\d+\.\d+) (.*)$")
        for line in lines:
            m = head.match(line.rstrip("\n"))
            if not m:
                continue
            tid, rest = int(m[1]), m[3]
            time = int(Decimal(m[2]) * 1000000)
            if not self.tasks:
                self.tasks[tid] = Task(tid, tid, 1)
                self.tasks[tid].cwd = self.options.cwd
                self.root = tid
            exited = re.match(r"\+\+\+ (?:exited with (\d+)|killed by (\w+).*) \+\+\+", rest)
            signal = re.match(r"--- (SIG\w+) \{.*si_pid=(\d+)", rest)
            unfinished = re.match(r"(\w+)\((.*?)(?:, )? ?<unfinished \.\.\.>$", rest)
            resumed = re.match(r"<\.\.\. (\w+) resumed>(.*)$", rest)
            if unfinished and unfinished[1] in FORKS and tid in self.tasks:
                # The child can run before the call returns: the next new thread is its child.
                pending[tid] = (time, unfinished[1], rest[len(unfinished[1]) + 1 :].replace("<unfinished ...>", ""))
                continue
            if tid not in self.tasks and tid not in self.forked:
                waiting = [t for t, p in pending.items() if p[1] in FORKS]
                if waiting:
                    parent, (began, kind, text) = waiting[0], pending[waiting[0]]
                    clone_flags = "|".join(n for n in re.findall(r"CLONE_\w+", text) if n in CLONE_FLAGS)
                    if kind == "vfork":
                        clone_flags = "CLONE_VM|CLONE_VFORK"
                    self.forked[tid] = (kind, self.tasks[parent], clone_flags or "0")
            self.seen(tid, time)
            if tid not in self.tasks:
                print(f"unknown thread {tid}", file=sys.stderr)
                continue
            for f in re.finditer(r"(\d+)<(TCP:\[[^\]]*->[^\]]*\])>", rest):
                names.append((len(self.events), self.tasks[tid].pid, f[1], socket_tuple(f[2])))
            if exited:
                status = int(exited[1]) << 8 if exited[1] else 9
                ret = exited[1] or "0"
                sig = 0 if exited[1] else exited[2]
                self.emit(time, tid, f"procexit status={status} ret={ret} sig={sig} core=0 reaper_tid=0")
                continue
            if signal:
                self.emit(time, tid, f"signaldeliver spid={signal[2]} dpid={tid} sig={signal[1]}")
                continue
            if unfinished:
                pending[tid] = (time, unfinished[1], rest[len(unfinished[1]) + 1 :].replace("<unfinished ...>", ""))
                continue
            if resumed:
                began, kind, text = pending.pop(tid)
                rest = f"{kind}({text}{resumed[2]}"
                time = began
            m = re.match(r"(\w+)\((.*)\) += (.*?)(?: <(\d+\.\d+)>)?$", rest)
            if not m:
                continue
            duration = int(Decimal(m[4]) * 1000000) if m[4] else 0
            before = len(self.events)
            self.call(tid, m[1], split_args(m[2]), m[3], time + duration, duration)
            for i in range(before, len(self.events)):
                if isinstance(self.events[i][4], tuple):
                    connects.append(i)
        for i in connects:
            time, n, tid, duration, (kind, (_, _, number_, text)) = self.events[i]
            pid = self.tasks[tid].pid
            ends = next((t for at, p, f, t in names if at > i and p == pid and f == number_), None)
            shown = f"connect {text}" + (f" tuple={ends[0]}->{ends[1]}" if ends else "")
            self.events[i] = (time, n, tid, duration, shown)

    def write(self, out):
        o = self.options
        out.write("#tracehound-trace 1\n")
        out.write(f"machine hostname={o.hostname} kernel={o.kernel} arch=x86_64 recorder=strace\n")
        out.write(f"user {o.uid} {o.user}\ngroup {o.gid} {o.user}\n")
        root = self.root
        out.write(f"thread {root} ptid=1 comm=strace exe=strace exepath=/usr/bin/strace cwd={o.cwd} root=/ ")
        out.write(f"uid={o.uid} gid={o.gid} tty=0\n")
        for n in range(3):
            out.write(f"fd {root} {n} file /dev/null flags=O_RDWR\n")
        # By time; the order of strace's lines decides among equal ones.
        previous = 0
        for n, (time, _, tid, duration, text) in enumerate(sorted(self.events), 1):
            shown = f"+{time - previous}us" if previous else f"{time}000"
            began = f" <{duration}us" if duration else ""
            out.write(f"{n} {shown} {tid}{began} {text}\n")
            previous = time


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("strace")
    parser.add_argument("--uid", type=int, required=True)
    parser.add_argument("--gid", type=int, required=True)
    parser.add_argument("--user", default="nobody")
    parser.add_argument("--cwd", default="/tmp")
    parser.add_argument("--hostname", default="lab.example.com")
    parser.add_argument("--kernel", required=True)
    options = parser.parse_args()
    converter = Converter(options)
    with open(options.strace, encoding="utf-8", errors="surrogateescape") as lines:
        converter.read(lines)
    converter.write(sys.stdout)


main()
