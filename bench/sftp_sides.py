"""The two servers that the SFTP benchmarks compare, side by side on loopback for as long as a benchmark runs.

Ours is `pratique sftp` over the bench population's database, files encrypted at rest, uploads kept from being taken
into processing (the settle time is an hour, so that nothing else runs meanwhile). The floor is OpenSSH's sshd with
internal-sftp on plain files in a folder. Both are asked by OpenSSH's client with the same RSA key and cipher.

    def setup(n): sides.started(n)           # in the parent once; children find both by the environment
    sides.sftp("ours", "put big.csv inbound/big.csv")
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import fasteners
import psutil

import population

HOST = "127.0.0.1"
CIPHER = "aes256-gcm@openssh.com"
FOLDER = Path(tempfile.gettempdir()) / "pratique-bench-sftp"
_STARTED = "PRATIQUE_BENCH_SFTP"
_STARTED_WITHIN = 60
_turn = fasteners.InterProcessLock(Path(tempfile.gettempdir()) / "pratique-bench-sftp.lock")


@dataclass
class Side:
    """How one of the two is reached."""

    port: int
    username: str
    pid: int
    root: str  # where /inbound and /outbound are, as the client names it


@dataclass
class Sides:
    """Both, and the account of ours."""

    ours: Side
    floor: Side
    institution_id: str = ""
    account_id: str = ""

    def of(self, name: str) -> Side:
        return self.ours if name == "ours" else self.floor


def started(n: int, *, database: str = "sftp", settle: float = 3600, students: int = 0) -> Sides:
    """Start both servers and make the account; in a child of the benchmark, return what the parent started."""
    if found := os.environ.get(_STARTED):
        told = json.loads(found)
        return Sides(Side(**told["ours"]), Side(**told["floor"]), told["institution_id"], told["account_id"])
    # The folder and the database are one for all: a second benchmark waits for its turn.
    _turn.acquire()
    school = population.prepared(students, name=database)
    shutil.rmtree(FOLDER, ignore_errors=True)
    for folder in ("keys", "floor/inbound", "floor/outbound"):
        (FOLDER / folder).mkdir(parents=True, mode=0o700)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "rsa", "-b", "3072", "-N", "", "-f", str(FOLDER / "keys" / "client")],
        check=True,
    )
    account = _account()
    sides = Sides(_ours(school, account, settle), _sshd(), str(population.INSTITUTION), str(account.id))
    known = b""
    for side in (sides.ours, sides.floor):
        scan = ["ssh-keyscan", "-p", str(side.port), "-t", "rsa,ed25519", HOST]
        known += subprocess.run(scan, check=True, capture_output=True).stdout
    (FOLDER / "keys" / "known_hosts").write_bytes(known)
    os.environ[_STARTED] = json.dumps(
        {"ours": asdict(sides.ours), "floor": asdict(sides.floor),
         "institution_id": sides.institution_id, "account_id": sides.account_id}
    )  # fmt: skip
    return sides


def ended(sides: Sides) -> None:
    """Stop both and drop the database."""
    for side in (sides.ours, sides.floor):
        _end(side.pid)
    os.environ.pop(_STARTED, None)
    shutil.rmtree(FOLDER, ignore_errors=True)
    population.throw_away(
        population.School(0, os.environ[population._DATABASE], population.INSTITUTION, population.SLUG)
    )


def sftp(name: str, *lines: str) -> float:
    """Run a batch of OpenSSH's client against "ours" or "floor"; return the seconds from its start to its end.

    `{root}` in a line is the folder that holds inbound and outbound.
    """
    side = started(0).of(name)
    command = [
        "sftp", "-q", "-b", "-", "-F", "none", "-i", str(FOLDER / "keys" / "client"), "-P", str(side.port),
        "-o", f"Ciphers={CIPHER}", "-o", f"UserKnownHostsFile={FOLDER / 'keys' / 'known_hosts'}",
        "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", f"{side.username}@{HOST}",
    ]  # fmt: skip
    batch = "\n".join(lines).replace("{root}", side.root) + "\n"
    began = time.perf_counter()
    done = subprocess.run(command, input=batch, text=True, capture_output=True, cwd=FOLDER, check=False)
    taken = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"sftp against {name} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return taken


def peak_mb(name: str) -> float:
    """Return the largest resident size of any process of a side so far."""
    import measure

    sizes = []
    for one in family(started(0).of(name).pid):
        # A process of sshd's may be ending; it has no size then.
        with suppress(OSError, IndexError):
            sizes.append(measure.peak_mb(one.pid))
    return max(sizes)


def family(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def random_file(path: Path, megabytes: int) -> Path:
    """Write a file of bytes that no cipher and no disk can make shorter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        for _ in range(megabytes):
            out.write(os.urandom(1024 * 1024))
    return path


def small_files(folder: Path, n: int) -> Path:
    """Write `n` files of 4 KB into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        (folder / f"small-{number}.csv").write_bytes(os.urandom(4096))
    return folder


def put_outbound(name: str, content: bytes | Path) -> None:
    """Let a file lie in /outbound of both sides."""
    from uuid import UUID

    from pratique.foundation import audit, clock
    from pratique.transfers.actions import outbound
    from pratique.transfers.types import AccountRef

    sides = started(0)
    data = content.read_bytes() if isinstance(content, Path) else content
    (FOLDER / "floor" / "outbound" / name).write_bytes(data)
    outbound.put(
        account=AccountRef(UUID(sides.institution_id), UUID(sides.account_id), sides.ours.username),
        folder="", name=name, content=(data[start : start + 65536] for start in range(0, len(data), 65536)),
        source="bench", by=audit.Actor("command", "bench"), now=clock.now(),
    )  # fmt: skip


def _account():  # noqa: ANN202  (its class may be imported only once Django is set up)
    from pratique.foundation import audit, clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.institutions.queries import institution_by_slug
    from pratique.transfers.actions.accounts import create_account
    from pratique.transfers.actions.keys import add_key

    institution = institution_by_slug(population.SLUG)
    by, now = audit.Actor("command", "bench"), clock.now()
    account = create_account(
        institution=institution, name="Bench", username_part="files", contact_email="", by=by, now=now
    )
    with institution_scope(institution.id):
        account.most_sessions = 1000
        account.save(update_fields=["most_sessions"])
        public = (FOLDER / "keys" / "client.pub").read_text()
        add_key(account=account, label="Bench", text=public, by=by, now=now)
    return account


def _ours(school: population.School, account, settle: float) -> Side:  # noqa: ANN001
    port = _free_port()
    environment = os.environ | {
        "DATABASE_URL": school.url("pratique"),
        "PRATIQUE_LOG_LEVEL": "ERROR",
        "PRATIQUE_SFTP_SETTLE_SECONDS": str(settle),
        "PRATIQUE_SFTP_PROCESSES": "1",
        "PRATIQUE_PARENT": str(os.getpid()),  # a benchmark that is killed leaves no server behind
    }
    shutil.rmtree(Path(os.environ["PRATIQUE_VAR"]) / "spool", ignore_errors=True)
    command = [sys.executable, "-m", "pratique.config.command", "sftp", "--port", str(port)]
    with (FOLDER / "ours.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=log, stderr=log)
    _wait(process, port, FOLDER / "ours.log")
    return Side(port, account.username, process.pid, "")


def _sshd() -> Side:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(FOLDER / "keys" / "host")], check=True
    )
    port, root = _free_port(), FOLDER / "floor"
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd drops what it need not have into this empty folder
    lines = [
        f"Port {port}", f"ListenAddress {HOST}", f"HostKey {FOLDER / 'keys' / 'host'}", "PidFile none",
        f"AuthorizedKeysFile {FOLDER / 'keys' / 'client.pub'}", "StrictModes no", "UsePAM no",
        "PasswordAuthentication no", "Subsystem sftp internal-sftp", "MaxStartups 1000", "PermitRootLogin yes",
        f"Ciphers {CIPHER}",
    ]  # fmt: skip
    settings = FOLDER / "keys" / "sshd_config"
    settings.write_text("\n".join(lines) + "\n")
    with (FOLDER / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            [shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(settings)],
            start_new_session=True, stdout=log, stderr=log,
        )  # fmt: skip
    _wait(process, port, FOLDER / "sshd.log")
    return Side(port, psutil.Process().username(), process.pid, str(root))


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _STARTED_WITHIN
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=5) as connection:
            if connection.recv(4) == b"SSH-":
                return
        time.sleep(0.1)
    raise SystemExit(f"A server of the benchmark did not start.\n{log.read_text()}")


def _end(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        everybody = family(pid)
        everybody[0].send_signal(signal.SIGTERM)
        _gone, alive = psutil.wait_procs(everybody, timeout=10)
        for one in alive:
            one.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
