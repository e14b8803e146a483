"""Signatures of the ledger's entries (Ed25519): that they were written by whoever has the key, and by nobody since.

What is signed is the hash of an entry, as the 64 characters that stand in its line, so that any tool can check it. A
key may lie on the machine that writes; whoever holds that machine can sign. What they can't do is change what was
signed before another key came, or hide that entries are missing from somebody who has a head.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from retention.ledger import LedgerBroken

_KEY_CHARACTERS: Final = 64


class BadKey(LedgerBroken):
    """A key that can't be read, or is of another kind: nothing is written without it. One sentence."""


class Signer:
    """Signs with a private key."""

    def __init__(self, path: Path) -> None:
        """The key in a file, PEM (PKCS #8). Raises BadKey."""
        try:
            found = serialization.load_pem_private_key(path.read_bytes(), None)
        except OSError as error:
            raise BadKey(
                f"The ledger's key {path} can't be read ({error.strerror}): bring it back, or make another one with "
                "`footfall ledger key`."
            ) from None
        except (ValueError, TypeError):
            raise BadKey(f"{path} holds no private key in PEM without a password.") from None
        if not isinstance(found, Ed25519PrivateKey):
            raise BadKey(f"The key in {path} is not of the kind Ed25519; `footfall ledger key` makes one.")
        self._key = found

    def __repr__(self) -> str:
        return f"<signer {self.public[:8]}>"

    def sign(self, hash_: str) -> str:
        """The signature of an entry by its hash, in hex digits."""
        return self._key.sign(hash_.encode()).hex()

    @property
    def public(self) -> str:
        """The public key, 64 hex digits."""
        return self._key.public_key().public_bytes_raw().hex()


class PublicKeys:
    """Tells whether a signature is by one of these keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Each as 64 hex digits, or the name of a file that holds that or a PEM. Raises BadKey."""
        self._keys = [_public(key) for key in keys]

    def hold(self, hash_: str, signature: str) -> bool:
        """Whether the entry with this hash was signed by one of the keys."""
        return any(_holds(key, hash_, signature) for key in self._keys)


def make_key(path: Path) -> str:
    """Make a private key that only this user can read, durably; its public key. Raises BadKey where a file is."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadKey(f"A key can't be written to {path} ({error.strerror}).") from None
    try:
        os.write(file, pem)
        os.fsync(file)
    finally:
        os.close(file)
    return Signer(path).public


def _public(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        pass
    try:
        content = Path(text).read_bytes()
        if content.startswith(b"-----BEGIN PUBLIC KEY"):
            found = serialization.load_pem_public_key(content)
            if isinstance(found, Ed25519PublicKey):
                return found
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(content[:_KEY_CHARACTERS].decode()))
    except (OSError, ValueError):
        raise BadKey(
            f"'{text[:80]}' is no public key: write the 64 hex digits that `footfall ledger key` prints, or a file."
        ) from None


def _holds(key: Ed25519PublicKey, hash_: str, signature: str) -> bool:
    try:
        key.verify(bytes.fromhex(signature), hash_.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
