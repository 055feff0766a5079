"""Kernel packages of Debian's suites, without touching the machine's own package lists.

The archive is the one that apt is configured for: its sources name the machine's own suite, and other suites lie
beside it. Lists and packages are kept in a folder of their own.
"""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

SUITES = ["bullseye", "bookworm", "bookworm-backports", "trixie", "trixie-backports", "sid"]
SECURITY_SUITES = ["bullseye-security", "bookworm-security", "trixie-security"]
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Package lists older than this are fetched again.
LIST_SECONDS = 7 * 24 * 3600
# Kernels from 6.19 on have the image in a package of its own.
NAME = re.compile(r"^linux-(image|binary)-([0-9][0-9.]*[0-9]\S*)-cloud-amd64$")


class Unavailable(Exception):
    """Something that this machine cannot have; the text says what."""


class Archive:
    def __init__(self, folder):
        self.folder = folder
        if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
            raise Unavailable("no apt-get here: kernels are Debian's packages")
        for name in ("lists/partial", "cache/archives/partial", "packages", "kernels"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._options = [
            f"Dir::Etc::sourcelist={folder}/sources.list",
            "Dir::Etc::sourceparts=-",
            f"Dir::State={folder}",
            f"Dir::State::lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "APT::Architecture=amd64",
            # The folder need not be readable for apt's own user.
            f"APT::Sandbox::User={os.environ.get('USER', 'root')}",
            "Acquire::Retries=2",
        ]
        self._update()
        found = self._apt("apt-cache", "search", "--names-only", "^linux-(image|binary)-[0-9].*-cloud-amd64$")
        names = [line.split(" ", 1)[0] for line in found.splitlines()]
        # Release to package; the package with the image alone wins over the one that needs it.
        self._packages = {}
        for name in sorted(names, key=lambda name: name.startswith("linux-binary-")):
            if match := NAME.match(name):
                self._packages[match.group(2)] = name
        if not self._packages:
            raise Unavailable("apt's archive has no kernel packages of Debian")

    def release(self, series):
        """Newest release of a series (`6.1`), or of all (`newest`)."""
        of_series = [r for r in self._packages if series == "newest" or re.match(re.escape(series) + r"([^0-9]|$)", r)]
        if not of_series:
            raise Unavailable(f"no suite of Debian has a kernel {series} any more")
        return max(of_series, key=lambda r: [int(n) for n in re.findall(r"\d+", r)])

    def kernel(self, release):
        """The image of a release, as (file to boot, package, version of the package)."""
        name = self._packages[release]
        package = next((self.folder / "packages").glob(f"{name}_*.deb"), None)
        if package is None:
            self._apt("apt-get", "download", name, cwd=self.folder / "packages")
            package = next((self.folder / "packages").glob(f"{name}_*.deb"))
        image = self.folder / "kernels" / release
        if not image.exists():
            unpacked = self.folder / "unpacked"
            shutil.rmtree(unpacked, ignore_errors=True)
            subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
            next(unpacked.rglob("vmlinuz*")).rename(image)
            shutil.rmtree(unpacked)
        version = subprocess.run(["dpkg-deb", "-f", package, "Version"], capture_output=True, text=True, check=True)
        return image, name, version.stdout.strip()

    def _update(self):
        stamp = self.folder / "updated"
        sources = self._sources()
        path = self.folder / "sources.list"
        is_same = path.exists() and path.read_text() == sources
        if is_same and stamp.exists() and time.time() - stamp.stat().st_mtime < LIST_SECONDS:
            return
        path.write_text(sources)
        # A suite that left the archive makes the command fail; the others are there all the same.
        result = self._run("apt-get", "update")
        for line in result.stderr.splitlines():
            if line.startswith("E:"):
                print(f"kernels: apt: {line}")
        stamp.touch()

    def _sources(self):
        listed = subprocess.run(
            ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"],
            capture_output=True,
            text=True,
        ).stdout
        pairs = [line.split() for line in listed.splitlines() if len(line.split()) == 2]
        options = f"[target=Packages{f' signed-by={KEYRING}' if KEYRING.exists() else ''}]"
        lines = []
        for is_security, suites in ((False, SUITES), (True, SECURITY_SUITES)):
            site = next((site for site, release in pairs if release.endswith("-security") == is_security), None)
            if site:
                lines += [f"deb {options} {site} {suite} main\n" for suite in suites]
        if not lines:
            raise Unavailable("apt has no sources here (or `apt-get update` was never run)")
        return "".join(lines)

    def _run(self, program, *arguments, cwd=None):
        options = [word for option in self._options for word in ("-o", option)]
        return subprocess.run([program, *options, *arguments], capture_output=True, text=True, cwd=cwd)

    def _apt(self, program, *arguments, cwd=None):
        result = self._run(program, *arguments, cwd=cwd)
        if result.returncode:
            raise Unavailable(f"{program} {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout


def emulator():
    """The emulator, installed if that is possible."""
    name = "qemu-system-x86_64"
    if not shutil.which(name):
        if os.geteuid() or not shutil.which("apt-get"):
            raise Unavailable(f"no {name} (package qemu-system-x86)")
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        for words in (["update"], ["install", "-y", "--no-install-recommends", "qemu-system-x86"]):
            result = subprocess.run(["apt-get", "-qq", *words], env=environment, capture_output=True, text=True)
        if result.returncode:
            raise Unavailable(f"qemu-system-x86 cannot be installed: {result.stderr.strip()}")
    return name
