"""A virtual machine that boots a kernel with the recorder and the workload, and gives back what they wrote."""

import stat
import subprocess

# Not by what the machine can do, so that every machine emulates the same one. Five levels of page tables are slow to
# emulate; QEMU 7.2 spoils a flag of the processor in `cmpxchg16b`, with which 6.12 does not survive its first forks.
PROCESSOR = "max,-la57,-cx16"
SECONDS = 600


def ramdisk(files):
    """An initial ramdisk (cpio, `newc`: Documentation/driver-api/early-userspace/buffer-format.rst of Linux)."""
    entries = [("dev", stat.S_IFDIR | 0o755, b"", (0, 0)), ("out", stat.S_IFDIR | 0o755, b"", (0, 0))]
    entries.append(("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1)))
    entries += [(name, stat.S_IFREG | 0o755, data, (0, 0)) for name, data in sorted(files.items())]
    entries.append(("TRAILER!!!", 0, b"", (0, 0)))
    out = bytearray()
    for inode, (name, mode, data, device) in enumerate(entries, 1):
        path = name.encode() + b"\0"
        fields = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + path
        out += bytes(-len(out) % 4)
        out += data
        out += bytes(-len(out) % 4)
    return bytes(out)


def boot(emulator, kernel, disk, folder):
    """Boots, waits for the end, and returns the files that `init.c` sent (by name) and what the console said."""
    console, results = folder / "console", folder / "results"
    command = ["nice", emulator, "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", PROCESSOR, "-smp", "2"]
    command += ["-m", "1024", "-nodefaults", "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", disk]
    command += ["-append", "console=ttyS0 panic=-1 quiet"]
    command += ["-serial", f"file:{console}", "-serial", f"file:{results}"]
    try:
        subprocess.run(command, timeout=SECONDS, capture_output=True)
    except subprocess.TimeoutExpired:
        pass
    return received(results.read_bytes()), console.read_text(errors="replace")


def received(stream):
    """Files by name, as far as they came."""
    files = {}
    while stream.startswith(b"file "):
        header, _, stream = stream.partition(b"\n")
        _, name, size = header.split()
        files[name.decode().rpartition("/")[2]] = stream[: int(size)]
        stream = stream[int(size) :]
    return files
