"""`kms`: AWS KMS wraps data keys; its key never leaves it.

The wrapping key is what `settings.KMS_KEY` names: an id, an ARN or an alias. It is made, replaced and removed with
AWS's own tools; a wrapped key knows by itself which key it needs. What binds it to its owner is the encryption
context, which CloudTrail shows: ids, nothing else.
"""

import os
import threading
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pratique.foundation.vault.errors import KeyLockedError, KeyProviderError
from pratique.foundation.vault.providers.contract import Wrapped

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    user_agent_appid="pratique",
)
# What AWS answers when the wrapped bytes or their context are not what this key made.
_NOT_ITS_OWN = ("InvalidCiphertextException", "IncorrectKeyException")
_REMEDIES = {
    "AccessDeniedException": "Allow this machine's AWS identity kms:Encrypt, kms:Decrypt and kms:DescribeKey on it.",
    "NotFoundException": "Correct PRATIQUE_KMS_KEY and PRATIQUE_AWS_REGION, or restore the key.",
    "DisabledException": "Enable the key in AWS.",
    "KMSInvalidStateException": "Cancel the key's deletion or finish its import in AWS.",
}
_ANY_REMEDY = "Check the AWS credentials of this machine, PRATIQUE_AWS_REGION and the network, and try again."


class KmsProvider:
    """The key `key` of AWS KMS, in a region; `endpoint` is empty for Amazon's own."""

    makes_keys = False

    def __init__(self, key: str, region: str, endpoint: str) -> None:
        if not key:
            raise KeyProviderError("The key provider kms has no key. Set PRATIQUE_KMS_KEY.")
        self._key, self._region, self._endpoint = key, region, endpoint
        self._lock = threading.Lock()
        self._client: tuple[int, Any] | None = None

    @property
    def key_id(self) -> str:
        found = self._ask("describe_key", KeyId=self._key)["KeyMetadata"]
        if not found["Enabled"]:
            raise _wrong("DisabledException")
        return str(found["Arn"])

    def wrap(self, data_key: bytes, *, context: bytes) -> Wrapped:
        answer = self._ask(
            "encrypt", KeyId=self._key, Plaintext=data_key, EncryptionContext=_context(context)
        )
        return Wrapped(answer["CiphertextBlob"], answer["KeyId"])

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        answer = self._ask(
            "decrypt", KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=_context(context)
        )
        plain: bytes = answer["Plaintext"]
        return plain

    def make_key(self) -> str:
        raise KeyProviderError("Keys of AWS KMS are made in AWS. Point PRATIQUE_KMS_KEY at another one.")

    def held(self) -> Sequence[str]:
        return [self.key_id]

    def forget(self, key_id: str) -> None:
        raise KeyProviderError(
            f"Keys of AWS KMS are removed in AWS. Disable {key_id} there, and delete it later."
        )

    def _ask(self, call: str, **arguments: Any) -> Any:
        try:
            return getattr(self._connected(), call)(**arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _NOT_ITS_OWN:
                raise KeyLockedError(
                    "A wrapped data key is damaged, or belongs to another institution or account. "
                    "Restore it from a backup."
                ) from None
            raise _wrong(code) from None
        except BotoCoreError as error:
            # The class names what is wrong (no credentials, no connection); the text may hold addresses.
            raise _wrong(type(error).__name__) from None

    def _connected(self) -> Any:
        # A forked process must not share its parent's connections.
        with self._lock:
            if self._client is None or self._client[0] != os.getpid():
                try:
                    client = boto3.client(
                        "kms", region_name=self._region, endpoint_url=self._endpoint or None, config=_CONFIG
                    )
                except (BotoCoreError, ValueError) as error:
                    raise _wrong(type(error).__name__) from None
                self._client = (os.getpid(), client)
            return self._client[1]


def _context(context: bytes) -> dict[str, str]:
    return {"pratique": context.hex()}


def _wrong(code: str) -> KeyProviderError:
    return KeyProviderError(f"AWS KMS does not do what we ask ({code}). {_REMEDIES.get(code, _ANY_REMEDY)}")
