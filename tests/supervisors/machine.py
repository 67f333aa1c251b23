"""A small Debian booted with systemd as its PID 1, for the tests of the units.

The root is made once by mmdebstrap, from the sources that apt has here, and
kept in ${XDG_CACHE_HOME:-~/.cache}/wwwd. Each machine boots a copy of it in
systemd-nspawn, with a loopback of its own, so that port 80 is always free.

$RELEASE names another release of Debian than the one here (trixie), which is
fetched from the same mirrors.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from kit.check import same, until
from kit.run import CLIENT, TOP, Client, Process

HERE = pathlib.Path(__file__).resolve().parent

# Debian lets one inetd in; these are unpacked beside it, into /opt/NAME.
BESIDE = ("inetutils-inetd", "xinetd")

# What client.py finds of a wwwd that serves all it should.
WELL = dict.fromkeys(("GET", "HEAD", "POST", "keep-alive", "100 MB"), "")

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unable(Exception):
	"""What a machine needs isn't here."""


def unable():
	"""Why no machine can be booted here, or None."""
	if os.geteuid() != 0:
		return "needs root"
	for name in ("mmdebstrap", "systemd-nspawn", "nsenter"):
		if not shutil.which(name):
			return f"there is no {name}"
	return None


def command(*args, **more):
	return subprocess.run(args, capture_output=True, text=True, errors="replace", **more)


def release():
	return os.environ.get("RELEASE") or own_release()


def own_release():
	text = pathlib.Path("/etc/os-release").read_text()
	found = re.search(r"^VERSION_CODENAME=(\S+)", text, re.M)
	if not found:
		raise Unable("/etc/os-release names no release")
	return found[1]


def mirror():
	"""Where apt here has its own release from."""
	found = re.search(rf"^ *\d+ (\S+) {own_release()}/main ", command("apt-cache", "policy").stdout,
		re.M)
	if not found:
		raise Unable("apt names no mirror of this release")
	return found[1]


def sources(suite):
	"""The files of apt's sources that are about the release itself, or a line for another one."""
	if suite != own_release():
		return [f"deb {mirror()} {suite} main"]
	etc = pathlib.Path("/etc/apt")
	files = [etc / "sources.list", *etc.glob("sources.list.d/*.list"),
		*etc.glob("sources.list.d/*.sources")]
	about = re.compile(rf"^[^#\n]*\s{suite}(\s|$)", re.M)
	return [str(f) for f in files if f.exists() and about.search(f.read_text())]


def apt_options():
	"""How apt reaches the sources here (proxies, dates), as lines of apt.conf."""
	way = re.compile(r"^Acquire::(Check|ftp|http|https|Retries)\S* \"")
	return [line for line in command("apt-config", "dump").stdout.splitlines() if way.match(line)]


def known(packages):
	"""Those of them that apt can install here; $RELEASE is taken to have the same."""
	if not command("apt-cache", "policy", "systemd").stdout:
		command("apt-get", "update")
	found = command("apt-cache", "--no-all-versions", "show", *packages).stdout
	have = set(re.findall(r"^Package: (\S+)$", found, re.M))
	return [name for name in packages if name in have]


def root(section):
	"""The directory of the cached root with the packages of a section, made if it isn't there."""
	suite = release()
	wanted = command(HERE.parent / "deps", "--list", section).stdout.split()
	key = hashlib.sha256(" ".join([suite, *wanted, *BESIDE]).encode()).hexdigest()[:12]
	home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
	cache = pathlib.Path(home) / "wwwd"
	ready = cache / f"root-{key}"
	if ready.exists():
		return ready
	beside = known(BESIDE)
	hook = ('cd "$1/opt" && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" &&'
		f' for p in {" ".join(beside)}; do'
		' apt-get -q download "$p" && dpkg -x "$p"_*.deb "$p" || exit; done')
	cache.mkdir(parents=True, exist_ok=True)
	print(f"# makes {ready} (once)", flush=True)
	with tempfile.TemporaryDirectory(dir=cache, prefix="making-") as making:
		os.chmod(making, 0o755)
		new = pathlib.Path(making) / "root"
		made = command("mmdebstrap", "--variant=minbase", "--format=directory",
			"--include=" + ",".join(known(wanted)), "--customize-hook=" + hook,
			*(f"--aptopt={line}" for line in apt_options()),
			suite, str(new), *sources(suite))
		if made.returncode != 0:
			raise Unable("mmdebstrap: " + made.stderr[-2000:])
		if not ready.exists():
			new.rename(ready)
	return ready


def some_device():
	"""The numbers of a character device that can be opened here, but is none that any program needs."""
	for name in ("fuse", "autofs", "net/tun", "loop-control"):
		with contextlib.suppress(OSError):
			os.close(os.open(f"/dev/{name}", os.O_RDONLY))
			number = os.stat(f"/dev/{name}").st_rdev
			return os.major(number), os.minor(number)
	return None


def hierarchies(kind):
	"""Where the cgroup hierarchies of a kind are mounted."""
	mounts = (line.split() for line in open("/proc/mounts"))
	return [pathlib.Path(m[1]) for m in mounts if m[2].startswith(kind)]


def cgroup():
	"""A cgroup of our own: two machines in one would be one to systemd."""
	mine = next(line for line in open("/proc/self/cgroup") if line.startswith("0::"))
	group = pathlib.Path(mine[4:].strip()) / f"wwwd-{os.getpid()}"
	(hierarchies("cgroup2")[0] / group).mkdir()
	return group


def found(client):
	"""What a client of start_client() has found, once it has ended."""
	return json.loads(client.found(seconds=300))


class Machine:
	"""with Machine() as machine: booted at the top, powered off at the end."""

	section = "supervisors-root"  # of tests/packages

	def __init__(self):
		self.work = pathlib.Path(tempfile.mkdtemp(prefix="wwwd-machine-"))
		self.root = self.work / "root"
		self.group = self.nspawn = self.leader = None

	def __enter__(self):
		try:
			if unable():
				raise Unable(unable())
			subprocess.run(["cp", "-a", "--reflink=auto", root(self.section), self.root], check=True)
			for unit in ("inetd.service", "stunnel4.service"):
				(self.root / "etc/systemd/system" / unit).symlink_to("/dev/null")
			self.group = cgroup()
			self.boot()
		except BaseException:
			self.__exit__()
			raise
		return self

	def boot(self):
		def enter():
			(hierarchies("cgroup2")[0] / self.group / "cgroup.procs").write_text("0")

		# What nspawn keeps from its guests by itself, Landlock and the BPF of
		# IPAddressDeny= among it, a real machine has.
		self.nspawn = Process("systemd-nspawn", "--quiet", "--register=no", "--keep-unit",
			"--console=pipe", "--private-network", "--capability=CAP_BPF",
			"--system-call-filter=@known", "--machine=wwwd", "-b", "-D", self.root,
			env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, preexec_fn=enter)
		children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")

		def booted():
			self.leader = (children.read_text().split() or [None])[0]
			return self.leader and self.run("systemctl", "is-system-running").stdout.strip() in (
				"running", "degraded")

		try:
			until(lambda: self.nspawn.ended() or booted(), seconds=60, pause=0.1)
		except AssertionError:
			self.leader = None
		if self.nspawn.ended() or not self.leader:
			raise Unable("systemd didn't boot: " + self.nspawn.said()[-2000:])

	def __exit__(self, *_):
		if self.nspawn and not self.nspawn.ended() and not self.poweroff():
			self.nspawn.kill()
		for mount in hierarchies("cgroup") if self.group else ():
			for below, _, _ in os.walk(mount / self.group, topdown=False):
				os.rmdir(below)
		shutil.rmtree(self.work, ignore_errors=True)

	def poweroff(self):
		"""Whether the machine has left by itself."""
		self.run("systemctl", "--no-block", "--job-mode=replace-irreversibly",
			"start", "poweroff.target")
		try:
			return self.nspawn.process.wait(60) == 0
		except subprocess.TimeoutExpired:
			return False

	def install(self):
		"""Puts wwwd where `make install` puts it, and tells systemd."""
		for done in (
			command("make", "-C", str(TOP), "install", f"DESTDIR=/proc/{self.leader}/root"),
			self.run("systemd-sysusers"), self.run("systemctl", "daemon-reload")):
			if done.returncode != 0:
				raise RuntimeError(done.stdout + done.stderr)

	def inside(self, *args):
		"""The command line that runs args in the machine."""
		return ["nsenter", "-t", self.leader, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w",
			"env", "-i", f"PATH={PATH}", "TERM=dumb", "SYSTEMD_PAGER=", *map(str, args)]

	def run(self, *args, **more):
		return command(*self.inside(*args), **more)

	def ok(self, *args):
		"""What it prints, which ends well."""
		done = self.run(*args)
		assert done.returncode == 0, f"{' '.join(map(str, args))}: {done.stdout}{done.stderr}"
		return done.stdout

	def start_client(self, *args):
		"""Starts kit/client.py, with the python from here, on the machine's loopback."""
		return Client("nsenter", "-t", self.leader, "-n", sys.executable, CLIENT, *args)

	def client(self, *args):
		"""What a client has found."""
		with self.start_client(*args) as client:
			return found(client)

	def file(self, path):
		"""A path of the machine as one of ours."""
		return pathlib.Path(f"/proc/{self.leader}/root") / str(path).lstrip("/")

	def write(self, path, text):
		file = self.file(path)
		file.parent.mkdir(parents=True, exist_ok=True)
		file.write_text(text)
		return file

	def processes(self, *fields):
		"""Each process as a list of the fields that ps has for it."""
		lines = self.run("ps", "-eo", ",".join(f"{f}:32" for f in fields), "--no-headers")
		return [line.split() for line in lines.stdout.splitlines()]

	def wwwd(self, *fields):
		"""The processes of wwwd."""
		return [p[1:] for p in self.processes("comm", *fields) if p[0].startswith("wwwd")]

	def show(self, unit, name):
		return self.ok("systemctl", "show", "--value", "-p", name, unit).strip()

	def serves(self):
		same(self.client("flood", 80, 1, 1, 1), {"200": 1})

	def refuses(self):
		same(self.client("flood", 80, 1, 1, 1), {"ConnectionRefusedError": 1})

	def cpu(self, group="."):
		"""Seconds of CPU that all of the machine has used, or one of its cgroups."""
		return int(self.file(f"/sys/fs/cgroup/{group}/cpu.stat").read_text().split()[1]) / 1e6
