"""Our host keys as people see them are the ones that the server has."""

from pratique.interfaces.sftp.host_keys import HostKeys
from pratique.transfers.host_keys import public_host_keys


def test_the_public_halves_are_those_of_the_server(tmp_path):
    made = HostKeys(tmp_path)
    made.ensure()
    made.add("ed25519")
    found = public_host_keys(tmp_path)
    assert [(key.fingerprint, key.signs) for key in found] == [
        (key.fingerprint, key.signs) for key in made.listed()
    ]
    assert [key.bits for key in found] == [3072, 256, 256]
    for port in (22, 2222):
        assert [key.known_hosts("sftp.example", port) for key in found] == [
            key.known_hosts("sftp.example", port) for key in made.listed()
        ]


def test_before_the_first_start_there_are_none(tmp_path):
    assert list(public_host_keys(tmp_path)) == []


def test_a_file_that_is_gone_or_broken_is_left_out(tmp_path):
    (tmp_path / "keys.json").write_text('{"rsa": ["rsa-1", "rsa-2"]}')
    (tmp_path / "rsa-2").write_text(
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"
    )
    assert list(public_host_keys(tmp_path)) == []
