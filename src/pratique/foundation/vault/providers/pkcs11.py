"""`pkcs11`: a hardware security module, or what speaks like one, wraps data keys; its key never leaves it.

Wrapping keys are AES-256 keys of the token, all labelled `settings.PKCS11_KEY`: sensitive, not extractable. They wrap
by AES-GCM (C_Encrypt) with the context as additional data. The one in use has the greatest CKA_ID, which begins with
the time for those that we make.

A process has one session. It is opened anew in a forked process, and once when the token gave an error. A PIN that
was refused is not tried again until its file has changed, because tokens lock themselves after a few wrong ones.
"""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.mechanisms import GCMParams

from pratique.foundation.ids import new_id
from pratique.foundation.vault.errors import KeyLockedError, KeyProviderError
from pratique.foundation.vault.providers.contract import Wrapped

_NONCE = 12
_BITS = 256
_WRONG_PIN = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)
# How tokens say that an authentication tag is not right: some (SoftHSM) by an error that may mean anything. So it is
# believed only when a second try in a new session fails too, and the key is seen to work.
_NOT_ITS_OWN = (
    pkcs11.EncryptedDataInvalid, pkcs11.EncryptedDataLenRange, pkcs11.DataInvalid, pkcs11.DataLenRange,
    pkcs11.GeneralError, pkcs11.FunctionFailed, pkcs11.ArgumentsBad,
)  # fmt: skip
T = TypeVar("T")


class _Session:
    """A process's session with a token, and the wrapping keys that it has seen."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.session: Any = None
        self.keys: dict[str, Any] = {}


# By process, library and token: a lock and a session of a parent process are of no use in its child, and a token
# knows one log-in for all of a process.
_sessions: dict[tuple[int, str, str], _Session] = {}


class TokenProvider:
    """The keys `label` of the token `token_label`, reached through the library `module`."""

    makes_keys = True

    def __init__(self, module: str, token_label: str, pin_file: str, label: str) -> None:
        if not module:
            raise KeyProviderError("The key provider pkcs11 has no library. Set PRATIQUE_PKCS11_MODULE.")
        if not pin_file:
            raise KeyProviderError("The key provider pkcs11 has no PIN. Set PRATIQUE_PKCS11_PIN_FILE.")
        self._module, self._token_label, self._label = module, token_label, label
        self._pin_file = Path(pin_file)
        self._refused_pin: tuple[int, int] | None = None

    @property
    def key_id(self) -> str:
        return self._with_session(lambda own: self._newest(own)[0])

    def wrap(self, data_key: bytes, *, context: bytes) -> Wrapped:
        def wrap(own: _Session) -> Wrapped:
            key_id, key = self._newest(own)
            return Wrapped(_encrypt(key, data_key, context), key_id)

        return self._with_session(wrap)

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        def unwrap(own: _Session) -> bytes:
            key = own.keys.get(key_id) or self._all(own).get(key_id)
            if key is None:
                raise KeyLockedError(
                    f"A data key was wrapped by key {key_id}, which the token {self._token_label} does not have. "
                    "Restore the token from the backup that fits the database."
                )
            return _decrypt(key, wrapped, context)

        try:
            return self._tried(unwrap)
        except pkcs11.PKCS11Error as error:
            if isinstance(error, _NOT_ITS_OWN) and self._works(key_id):
                raise KeyLockedError(
                    "A wrapped data key is damaged, or belongs to another institution or account. "
                    "Restore it from a backup."
                ) from None
            raise self._explained(error) from None

    def _works(self, key_id: str) -> bool:
        """Return whether the key gives back what it wraps: then it was the wrapped bytes that were wrong."""

        def there_and_back(own: _Session) -> bool:
            key = self._all(own)[key_id]
            return _decrypt(key, _encrypt(key, b"probe", b""), b"") == b"probe"

        try:
            return self._tried(there_and_back)
        except (pkcs11.PKCS11Error, KeyError):
            return False

    def make_key(self) -> str:
        def make(own: _Session) -> str:
            made = new_id().bytes
            own.session.generate_key(
                KeyType.AES, _BITS, id=made, label=self._label, store=True,
                capabilities=pkcs11.MechanismFlag.ENCRYPT | pkcs11.MechanismFlag.DECRYPT,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False, Attribute.PRIVATE: True},
            )  # fmt: skip
            return self._name(made)

        return self._with_session(make)

    def held(self) -> Sequence[str]:
        return self._with_session(lambda own: sorted(self._all(own), reverse=True))

    def forget(self, key_id: str) -> None:
        def forget(own: _Session) -> None:
            keys = self._all(own)
            if key_id == max(keys, default=""):
                raise KeyProviderError(f"Key {key_id} is in use. Rotate it first.")
            if key_id in keys:
                keys[key_id].destroy()
            own.keys.clear()

        self._with_session(forget)

    def _newest(self, own: _Session) -> tuple[str, Any]:
        # Asked of the token each time: another process may have made a key.
        keys = self._all(own)
        if not keys:
            raise KeyProviderError(
                f"The token {self._token_label} has no key labelled {self._label}. "
                "Make one: `pratique vault rotate --master --to pkcs11`."
            )
        key_id = max(keys)
        return key_id, keys[key_id]

    def _all(self, own: _Session) -> dict[str, Any]:
        found = own.session.get_objects(
            {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self._label}
        )
        own.keys = {self._name(key[Attribute.ID]): key for key in found}
        return own.keys

    def _name(self, key_id: bytes) -> str:
        return f"{self._label}:{key_id.hex()}"

    def _with_session(self, deed: Callable[[_Session], T]) -> T:
        """Return what `deed` does in this process's session. Raises KeyProviderError, and what `deed` raises."""
        try:
            return self._tried(deed)
        except pkcs11.PKCS11Error as error:
            raise self._explained(error) from None

    def _tried(self, deed: Callable[[_Session], T]) -> T:
        """Do it, and once more in a new session after an error."""
        own = _sessions.setdefault((os.getpid(), self._module, self._token_label), _Session())
        with own.lock:
            try:
                if own.session is None:
                    own.session = self._open()
                return deed(own)
            except pkcs11.PKCS11Error:
                self._leave(own)
            own.session = self._open(anew=True)
            try:
                return deed(own)
            except pkcs11.PKCS11Error:
                self._leave(own)
                raise

    def _leave(self, own: _Session) -> None:
        session, own.session, own.keys = own.session, None, {}
        if session is not None:
            with suppress(pkcs11.PKCS11Error):  # it may be gone already: that is why we leave
                session.close()

    def _open(self, *, anew: bool = False) -> Any:
        pin = self._pin()
        library = _library(self._module, os.getpid())
        if anew:
            library.reinitialize()
        try:
            try:
                return library.get_token(token_label=self._token_label).open(rw=True, user_pin=pin)
            except pkcs11.UserAlreadyLoggedIn:
                # By a session that we lost. Its log-in could end under us at any time.
                library.reinitialize()
                return library.get_token(token_label=self._token_label).open(rw=True, user_pin=pin)
        except _WRONG_PIN:
            self._refused_pin = self._pin_seen()
            raise self._bad_pin() from None

    def _pin(self) -> str:
        try:
            if self._refused_pin == self._pin_seen():
                raise self._bad_pin()
            return self._pin_file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise KeyProviderError(
                f"The file of the token's PIN, {self._pin_file}, cannot be read. "
                "Let this user read it (chmod 600), or correct PRATIQUE_PKCS11_PIN_FILE."
            ) from None

    def _pin_seen(self) -> tuple[int, int]:
        about = self._pin_file.stat()
        return about.st_mtime_ns, about.st_ino

    def _bad_pin(self) -> KeyProviderError:
        return KeyProviderError(
            f"The token {self._token_label} refuses the PIN. Correct the file {self._pin_file}; "
            "it is not tried again before, because a token locks itself after a few wrong tries."
        )

    def _explained(self, error: pkcs11.PKCS11Error) -> Exception:
        problem = f"The token {self._token_label} gives an error ({type(error).__name__})"
        remedy = "Check the HSM with its own tools, and try again."
        if isinstance(error, pkcs11.NoSuchToken | pkcs11.TokenNotPresent):
            problem = f"The HSM has no token labelled {self._token_label}"
            remedy = "Plug it in, or correct PRATIQUE_PKCS11_TOKEN."
        elif isinstance(error, pkcs11.PinLocked):
            problem = f"The token {self._token_label} has locked its PIN"
            remedy = "Unlock it with the HSM's own tools."
        elif isinstance(error, pkcs11.MechanismInvalid | pkcs11.MechanismParamInvalid):
            problem = f"The token {self._token_label} does not do AES-GCM with our nonce"
            remedy = "Use one that does, or another key provider."
        return KeyProviderError(f"{problem}. {remedy}")


def _encrypt(key: Any, data: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    sealed: bytes = key.encrypt(data, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context))
    return nonce + sealed


def _decrypt(key: Any, wrapped: bytes, context: bytes) -> bytes:
    nonce, sealed = wrapped[:_NONCE], wrapped[_NONCE:]
    opened: bytes = key.decrypt(
        sealed, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context)
    )
    return opened


@lru_cache(maxsize=8)
def token(module: str, token_label: str, pin_file: str, label: str) -> TokenProvider:
    """Return the provider for these settings, the same one each time. Raises KeyProviderError."""
    return TokenProvider(module, token_label, pin_file, label)


@lru_cache(maxsize=8)
def _library(module: str, _pid: int) -> Any:
    """Return the loaded library, initialised once in each process as PKCS#11 asks of forked ones."""
    known = module in _initialised
    try:
        library = pkcs11.lib(module)
        if known:
            library.reinitialize()
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise KeyProviderError(
            f"The PKCS#11 library {module} cannot be loaded ({type(error).__name__}). Correct PRATIQUE_PKCS11_MODULE, "
            "and see that its own configuration can be read by this user."
        ) from None
    _initialised.add(module)
    return library


_initialised: set[str] = set()
