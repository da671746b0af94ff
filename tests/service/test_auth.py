from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from service.auth import Identity, Keys, MalformedKeys, Scope, configured_keys, entry_of, new_key, read_keys
from tests.service.asking import settings

# FIPS 180-2, appendix B.1: the SHA-256 of "abc".
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_key_is_known_by_its_hash() -> None:
    keys = read_keys(f"desk:read:{ABC}")
    assert keys.identify(b"abc") == Identity("desk", Scope.READ)
    for wrong in (b"", b"abd", b"abc ", ABC.encode(), b"abc" * 100_000):
        assert keys.identify(wrong) is None


def test_entries_by_comma_and_by_line() -> None:
    other = hashlib.sha256(b"other").hexdigest()
    for text in (
        f"desk:read:{ABC},ops-2:admin:{other}",
        f"desk:read:{ABC}\nops-2:admin:{other}\n",
        f"# the desk, since May\r\n  desk:read:{ABC} ,\r\n\r\n # ops\r\nops-2:admin:{other}",
    ):
        keys = read_keys(text)
        assert keys.identities == (Identity("desk", Scope.READ), Identity("ops-2", Scope.ADMIN))
        assert keys.identify(b"other") == Identity("ops-2", Scope.ADMIN)


@pytest.mark.parametrize("text", ["", "\n , \n", "# nothing"])
def test_nothing_configured(text: str) -> None:
    keys = read_keys(text)
    assert keys.identities == ()
    assert keys.identify(b"abc") is None


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("secret", "name:scope:sha256"),
        ("desk:read", "name:scope:sha256"),
        (f"desk:{ABC}", "name:scope:sha256"),
        (f"desk:write:{ABC}", "read or admin"),
        (f"desk:READ:{ABC}", "read or admin"),
        (f"Desk:read:{ABC}", "a name of 1 to 40"),
        (f":read:{ABC}", "a name of 1 to 40"),
        (f"a/b:read:{ABC}", "a name of 1 to 40"),
        (f"{'x' * 41}:read:{ABC}", "a name of 1 to 40"),
        ("desk:read:secret", "64 digits"),
        (f"desk:read:{ABC[:-1]}", "64 digits"),
        (f"desk:read:{ABC.upper()}", "64 digits"),
        (f"desk:read:{ABC}:more", "64 digits"),
        (f"first:read:{ABC}", "of its own"),
        (f"desk:read:{EMPTY}", "of its own"),
    ],
)
def test_a_bad_entry_is_named_by_its_place_alone(entry: str, expected: str) -> None:
    with pytest.raises(MalformedKeys) as caught:
        read_keys(f"first:admin:{EMPTY},{entry},{entry}")
    message = str(caught.value)
    assert "entry 2 of 3" in message
    assert expected in message
    assert "secret" not in message
    assert ABC[:8] not in message.lower()


def test_fresh_keys() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    # 32 random bytes are 43 characters of base64 without padding (RFC 4648).
    assert {len(one) for one in made} == {len("forecaster_") + 43}
    assert all(one.startswith("forecaster_") for one in made)


def test_an_entry_is_read_back() -> None:
    assert entry_of("desk", Scope.READ, "abc") == f"desk:read:{ABC}"
    with pytest.raises(MalformedKeys):
        entry_of("a:b", Scope.READ, "abc")


def test_scopes() -> None:
    assert Scope.ADMIN.admits(Scope.READ)
    assert Scope.ADMIN.admits(Scope.ADMIN)
    assert Scope.READ.admits(Scope.READ)
    assert not Scope.READ.admits(Scope.ADMIN)


def test_keys_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# who\ndesk:read:{ABC}\n")
    assert configured_keys(settings(tmp_path, api_keys_file=file)).identify(b"abc") == Identity("desk", Scope.READ)
    with pytest.raises(MalformedKeys, match="one of the two"):
        configured_keys(settings(tmp_path, api_keys=f"desk:read:{ABC}", api_keys_file=file))
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(MalformedKeys, match="UTF-8"):
        configured_keys(settings(tmp_path, api_keys_file=file))
    with pytest.raises(MalformedKeys, match="No such file") as caught:
        configured_keys(settings(tmp_path, api_keys_file=tmp_path / "absent"))
    assert "absent" not in str(caught.value)


def test_every_entry_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the first were returned at once, the time would tell which it was."""
    compared = []

    def compare(known: bytes, digest: bytes) -> bool:
        compared.append(known)
        return known == digest

    keys = Keys([(hashlib.sha256(str(n).encode()).digest(), Identity(f"k{n}", Scope.READ)) for n in range(5)])
    monkeypatch.setattr("service.auth.hmac.compare_digest", compare)
    assert keys.identify(b"0") == Identity("k0", Scope.READ)
    assert len(compared) == 5
