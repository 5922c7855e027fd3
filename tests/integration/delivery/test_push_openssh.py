"""The client that pushes files, against the server that most customers have."""

import asyncssh
import pytest

from pratique.connectors.sftp_push.client import push, try_out
from pratique.connectors.sftp_push.keys import make_key_pair
from pratique.connectors.sftp_push.types import File, How, PushError
from tests.integration.delivery.openssh import SSHD, openssh

CONTENT = bytes(range(256)) * 12_000
FILE = File("students.csv", "students.csv.abc123.part", len(CONTENT), lambda at, n: CONTENT[at : at + n])

pytestmark = pytest.mark.skipif(not SSHD, reason="there is no sshd")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    with openssh(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def private_key(sshd):
    private, public = make_key_pair("ed25519", comment="pratique")
    sshd.authorized.write_text(public + "\n")
    for one in sshd.root.iterdir():
        one.unlink()
    return private


def pushed(server, file=FILE):
    return push(server, file, renaming=False, before_rename=lambda: None, progress=lambda _sent: None)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_file_arrives_with_a_key_that_we_made(sshd, kind):
    private, public = make_key_pair(kind, comment="pratique")
    sshd.authorized.write_text(public + "\n")
    assert asyncssh.import_public_key(public).get_comment() == "pratique"
    assert pushed(sshd.server(private)).how == How.RENAMED
    assert (sshd.root / "students.csv").read_bytes() == CONTENT
    assert [one.name for one in sshd.root.iterdir()] == ["students.csv"]


def test_a_connection_test_passes_and_leaves_nothing(sshd, private_key):
    found = try_out(sshd.server(private_key))
    assert (found.ready, found.host_key.public) == (True, sshd.host_key)
    assert list(sshd.root.iterdir()) == []


def test_an_unfinished_upload_is_gone_on_with(sshd, private_key):
    (sshd.root / FILE.temporary).write_bytes(CONTENT[:2_500_000])
    assert pushed(sshd.server(private_key)).resumed == 1024 * 1024
    assert (sshd.root / "students.csv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": "nobody-here"}, "sign_in_refused"),
        ({"folder": "/nowhere/at/all"}, "folder_missing"),
        ({"folder": "/proc"}, "write_denied"),
    ],
    ids=["another-user", "no-folder", "no-right"],
)
def test_each_failure_names_its_step(sshd, private_key, changes, code):
    with pytest.raises(PushError) as caught:
        pushed(sshd.server(private_key, **changes))
    assert (
        caught.value.code in {code, "write_failed"} if code == "write_denied" else caught.value.code == code
    )


def test_a_server_without_posix_rename_has_the_older_file_replaced(tmp_path):
    private, public = make_key_pair("ed25519", comment="pratique")
    with openssh(tmp_path, internal="-P posix-rename") as sshd:
        sshd.authorized.write_text(public + "\n")
        (sshd.root / "students.csv").write_bytes(b"older")
        assert pushed(sshd.server(private)).how == How.REPLACED
        assert (sshd.root / "students.csv").read_bytes() == CONTENT


# The library says of these what we say: they are to be gone.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("old", [False, True], ids=["not-asked-for", "asked-for"])
def test_old_algorithms_serve_only_who_asks_for_them(tmp_path, old):
    private, public = make_key_pair("rsa", comment="pratique")
    lines = ["KexAlgorithms diffie-hellman-group14-sha1", "MACs hmac-sha1", "Ciphers aes128-cbc"]
    with openssh(tmp_path, *lines) as sshd:
        sshd.authorized.write_text(public + "\n")
        server = sshd.server(private, old_algorithms=old)
        if old:
            assert pushed(server).how == How.RENAMED
            return
        with pytest.raises(PushError) as caught:
            pushed(server)
        assert caught.value.code == "no_common_algorithm"
