"""Places and key providers as tests use them: a bucket and KMS on moto's server, an HSM by SoftHSM2."""

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import boto3
import pytest

from pratique.foundation import vault
from pratique.foundation.storage import blob_store

SOFTHSM = next((path for path in map(Path, (
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
)) if path.exists()), None)  # fmt: skip


@pytest.fixture(scope="session")
def aws_server():
    """Start moto's server: S3 and KMS over real HTTP."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def aws(aws_server, settings, monkeypatch):
    """Point our settings at moto, with credentials that mean nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    settings.S3_ENDPOINT = settings.KMS_ENDPOINT = aws_server
    settings.AWS_REGION = "us-east-1"
    return aws_server


@pytest.fixture
def bucket(aws, settings):
    """Make a bucket of this test's own; return its name."""
    settings.S3_BUCKET = f"files-{uuid.uuid4().hex[:12]}"
    settings.S3_PREFIX = "pratique/files"
    boto3.client("s3", endpoint_url=aws, region_name="us-east-1").create_bucket(Bucket=settings.S3_BUCKET)
    settings.FILE_STORE = "pratique.foundation.object_storage.Bucket"
    return settings.S3_BUCKET


@pytest.fixture(params=["folder", "bucket"])
def store(request, settings, tmp_path):
    """Return a store over each kind of place."""
    settings.FILES = tmp_path / "files"
    if request.param == "bucket":
        request.getfixturevalue("bucket")
    return blob_store()


@pytest.fixture
def kms_key(aws, settings):
    """Make a key of KMS; return its ARN."""
    client = boto3.client("kms", endpoint_url=aws, region_name="us-east-1")
    settings.KMS_KEY = client.create_key()["KeyMetadata"]["Arn"]
    return settings.KMS_KEY


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory):
    """Give SoftHSM2 a folder for tokens."""
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM2 is not installed (apt package softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = f"{folder}/softhsm2.conf"
    yield SOFTHSM
    os.environ.pop("SOFTHSM2_CONF") if before is None else os.environ.update(SOFTHSM2_CONF=before)


@pytest.fixture
def hsm(softhsm, settings, tmp_path):
    """Make an empty token of this test's own, with a PIN; return its label."""
    settings.PKCS11_MODULE = str(softhsm)
    settings.PKCS11_TOKEN = f"token-{uuid.uuid4().hex[:8]}"
    pin = tmp_path / "pin"
    pin.write_text("24681357\n")
    settings.PKCS11_PIN_FILE = str(pin)
    make = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        settings.PKCS11_TOKEN,
        "--so-pin",
        "1234567890",
    ]
    subprocess.run([*make, "--pin", "24681357"], check=True, capture_output=True)
    return settings.PKCS11_TOKEN


@pytest.fixture
def master_key(settings, tmp_path):
    """Give the local provider a folder of this test's own, for a rotation must not touch the others' key."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    settings.VAULT_MASTER_KEY = folder / "vault"
    settings.VAULT_MASTER_KEY.write_text("the master key of this one test, " * 2)
    return settings.VAULT_MASTER_KEY


@pytest.fixture
def no_remembered_keys():
    """Forget unwrapped keys before and after."""
    vault.forget_keys()
    yield
    vault.forget_keys()
