"""Stored files in a bucket of S3, or of what speaks like it.

Objects are named below the prefix as files are in a folder (`storage.path_of`), so any tool that copies a tree to a
bucket moves files from the one to the other. What lies there is sealed before it leaves us, so the
bucket's own encryption is neither needed nor in the way. Requests are tried again by botocore, reads by ranges of
their own, and no more than a few MiB of a file are in memory.

`replace` needs a server that honours If-Match on writes (Amazon's does). One that ignores it could, in the moment
between our look and the write, bring back a file that was just deleted; so we look right before.
"""

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.conf import settings

from pratique.foundation import vault
from pratique.foundation.storage import (
    FileMissingError,
    StorageError,
    StoredFile,
    folder_of,
    name_of,
    path_of,
)

_PART = 8 * 1024 * 1024
# One request brings at least so much of a file that is read in a row.
_LEAST_AHEAD, _MOST_AHEAD = 128 * 1024, 1024 * 1024
_PAGE = 1000
_TRIES = 3
_MISSING = ("NoSuchKey", "404")
_REMEDIES = {
    "NoSuchBucket": "Make the bucket, or correct PRATIQUE_S3_BUCKET.",
    "AccessDenied": "Allow this machine's AWS identity s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket "
    "and s3:AbortMultipartUpload on it.",
    "InvalidAccessKeyId": "Correct this machine's AWS credentials.",
    "SignatureDoesNotMatch": "Correct this machine's AWS credentials.",
    "PermanentRedirect": "Correct PRATIQUE_AWS_REGION.",
}
_ANY_REMEDY = (
    "Check PRATIQUE_S3_ENDPOINT, the AWS credentials of this machine and the network, and try again."
)

_connected: tuple[tuple[int, str, str], Any] | None = None
_lock = threading.Lock()


class BucketFile:
    """An object while it is read: the version that was there when it was opened, or ReplacedError."""

    def __init__(self, client: Any, bucket: str, key: str, name: str, *, ahead: int = _LEAST_AHEAD) -> None:
        self._client, self._bucket, self._key, self._name = client, bucket, key, name
        self.size, self.version = 0, ""
        self._start, self._block = 0, b""
        self._ahead = ahead
        self._block = self._get(0, ahead)

    def read_at(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        kept_to = self._start + len(self._block)
        if self._start <= offset and end <= kept_to:
            return self._block[offset - self._start : end - self._start]
        in_a_row = self._start <= offset <= kept_to
        kept = self._block[offset - self._start :] if in_a_row else b""
        self._ahead = min(self._ahead * 2, max(_MOST_AHEAD, self._ahead)) if in_a_row else _LEAST_AHEAD
        fetched = self._get(offset + len(kept), max(end - offset - len(kept), self._ahead))
        self._start, self._block = offset, kept + fetched
        return self._block[: end - offset]

    def close(self) -> None:
        self._block = b""

    def _get(self, offset: int, length: int) -> bytes:
        arguments = {
            "Bucket": self._bucket,
            "Key": self._key,
            "Range": f"bytes={offset}-{offset + length - 1}",
        }
        if self.version:
            arguments["IfMatch"] = self.version
        for attempt in range(_TRIES):
            try:
                with _told(self._name):
                    answer = self._client.get_object(**arguments)
                    self.version = answer["ETag"]
                    self.size = int(answer["ContentRange"].rpartition("/")[2])
                    body: bytes = answer["Body"].read()
                    return body
            except _EmptyError:
                return b""
            except FileMissingError:
                if self.version:
                    raise vault.ReplacedError from None
                raise
            except _BrokenOffError:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("the last try returns or raises")


class Bucket:
    """A place for stored files: `settings.S3_BUCKET`."""

    def __init__(self) -> None:
        self._bucket = settings.S3_BUCKET
        prefix = settings.S3_PREFIX.strip("/")
        self._prefix = f"{prefix}/" if prefix else ""

    def write(self, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> None:
        self._write(institution_id, name, sealed, "")

    def replace(self, institution_id: UUID, name: str, sealed: Iterable[bytes], *, read: StoredFile) -> bool:
        try:
            self._write(institution_id, name, sealed, read.version)
        except (FileMissingError, vault.ReplacedError):
            return False
        return True

    def open(self, institution_id: UUID, name: str) -> BucketFile:
        return BucketFile(_client(), self._bucket, self._key(institution_id, name), name)

    def read(self, institution_id: UUID, name: str) -> Iterator[bytes]:
        key = self._key(institution_id, name)
        file = BucketFile(_client(), self._bucket, key, name, ahead=_MOST_AHEAD)
        offset = 0
        try:
            while block := file.read_at(offset, _MOST_AHEAD):
                yield block
                offset += len(block)
        except vault.ReplacedError:
            raise StorageError(
                f"The stored file {name} was replaced while it was read. Read it again."
            ) from None

    def delete(self, institution_id: UUID, name: str) -> bool:
        if not self.exists(institution_id, name):
            return False
        with _told(name):
            _client().delete_object(Bucket=self._bucket, Key=self._key(institution_id, name))
        return True

    def exists(self, institution_id: UUID, name: str) -> bool:
        try:
            self._look(institution_id, name)
        except FileMissingError:
            return False
        return True

    def size(self, institution_id: UUID, name: str) -> int:
        return self._look(institution_id, name).size

    def names(self, institution_id: UUID, prefix: str) -> Iterator[str]:
        start, within = f"{self._prefix}{institution_id}/", folder_of(prefix)
        pages = (
            _client()
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self._bucket, Prefix=start + within, PaginationConfig={"PageSize": _PAGE})
        )
        with _told(prefix):
            for page in pages:
                for found in page.get("Contents", ()):
                    name = name_of(found["Key"].removeprefix(start))
                    if name is not None and name.startswith(prefix):
                        yield name

    def check(self) -> str:
        with _told("any"):
            _client().list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
        return f"bucket {self._bucket}" + (f", below {self._prefix}" if self._prefix else "")

    def _look(self, institution_id: UUID, name: str) -> BucketFile:
        # Not HEAD: its 404 does not say whether the file or the whole bucket is missing.
        return BucketFile(_client(), self._bucket, self._key(institution_id, name), name, ahead=1)

    def _write(self, institution_id: UUID, name: str, sealed: Iterable[bytes], only_over: str) -> None:
        where = {"Bucket": self._bucket, "Key": self._key(institution_id, name)}
        condition = {"IfMatch": only_over} if only_over else {}
        parts = _parts(sealed)
        first, second = next(parts), next(parts, None)
        with _told(name):
            if second is None:
                _client().put_object(**where, **condition, Body=first)
                return
            upload = {**where, "UploadId": _client().create_multipart_upload(**where)["UploadId"]}
        try:
            with _told(name):
                tags = []
                for number, part in enumerate(_chained(first, second, parts), 1):
                    answer = _client().upload_part(**upload, PartNumber=number, Body=part)
                    tags.append({"PartNumber": number, "ETag": answer["ETag"]})
                if only_over and self._look(institution_id, name).version != only_over:
                    raise vault.ReplacedError
                _client().complete_multipart_upload(**upload, **condition, MultipartUpload={"Parts": tags})
        except BaseException:
            with suppress(BotoCoreError, ClientError):
                _client().abort_multipart_upload(**upload)
            raise

    def _key(self, institution_id: UUID, name: str) -> str:
        return f"{self._prefix}{institution_id}/{path_of(name)}"


class _BrokenOffError(StorageError):
    """The connection broke in mid answer."""


class _EmptyError(Exception):
    """The object has no byte where we asked for some."""


def _client() -> Any:
    """Return this process's client; a forked process must not share its parent's connections."""
    global _connected
    wanted = (os.getpid(), settings.S3_ENDPOINT, settings.AWS_REGION)
    with _lock:
        if _connected is None or _connected[0] != wanted:
            # Not everything that speaks like S3 knows the newer checksums; the seal proves the content anyway.
            checksums = "when_required" if settings.S3_ENDPOINT else "when_supported"
            config = Config(
                connect_timeout=5, read_timeout=60, max_pool_connections=32, request_checksum_calculation=checksums,
                response_checksum_validation=checksums, retries={"mode": "standard", "total_max_attempts": 5},
                user_agent_appid="pratique", s3={"addressing_style": "path" if settings.S3_ENDPOINT else "auto"},
            )  # fmt: skip
            with _told("any"):
                made = boto3.client(
                    "s3",
                    region_name=settings.AWS_REGION,
                    endpoint_url=settings.S3_ENDPOINT or None,
                    config=config,
                )
            _connected = (wanted, made)
        return _connected[1]


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what botocore raises into our errors, each with its remedy and without what was sent."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _MISSING:
            raise FileMissingError(name) from None
        if code in ("PreconditionFailed", "ConditionalRequestConflict", "412"):
            raise vault.ReplacedError from None
        if code == "InvalidRange":
            raise _EmptyError from None
        raise _wrong(StorageError, code) from None
    except HTTPClientError as error:
        raise _wrong(_BrokenOffError, type(error).__name__) from None
    except (BotoCoreError, ValueError) as error:
        raise _wrong(StorageError, type(error).__name__) from None


def _wrong(kind: type[StorageError], code: str) -> StorageError:
    bucket = settings.S3_BUCKET
    return kind(f"The bucket {bucket} does not do what we ask ({code}). {_REMEDIES.get(code, _ANY_REMEDY)}")


def _parts(sealed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield parts of the size that an upload in parts wants, at least one."""
    waiting, given = bytearray(), False
    for block in sealed:
        waiting += block
        while len(waiting) >= _PART:
            yield bytes(waiting[:_PART])
            given = True
            del waiting[:_PART]
    if waiting or not given:
        yield bytes(waiting)


def _chained(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest
