"""What is refused before a model is published: archives that are cut, damaged, hostile, empty, or no archives at all."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import re
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stationkeeper.artifacts.archive import Contents, Limits, inspect
from stationkeeper.artifacts.refusal import ArtifactRefused, Refusal

from tests.unit.builders import hostile_text

MB = 1_000_000
LIMITS = Limits(archive_bytes=50 * MB, unpacked_bytes=400 * MB)
CODES = {
    *("empty", "too-large", "not-gzip", "truncated", "damaged", "not-tar", "bomb", "too-many-members"),
    *("unsafe-member", "unsafe-link", "special-member", "no-files", "too-large-header"),
}
END = bytes(1024)


class Body:
    """An S3 body; `most` is the largest answer of one read."""

    def __init__(self, content: bytes | Iterable[bytes], most: int = 1 << 30) -> None:
        self._pieces = iter([content] if isinstance(content, bytes) else content)
        self._rest = b""
        self._most = most
        self.given = 0

    def read(self, amount: int, /) -> bytes:
        assert 0 < amount <= MB
        self._rest = self._rest or next(self._pieces, b"")
        answer, self._rest = self._rest[: min(amount, self._most)], self._rest[min(amount, self._most) :]
        self.given += len(answer)
        return answer


def member(
    name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0, **pax: str
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    info.pax_headers = {key.replace("_", "."): value for key, value in pax.items()}
    return info


def link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.SYMTYPE, target)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    return member(name, tarfile.LNKTYPE, target)


def tar(*members: tarfile.TarInfo | tuple[str, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for one in members:
            if isinstance(one, tuple):
                archive.addfile(member(one[0], size=len(one[1])), io.BytesIO(one[1]))
            else:
                archive.addfile(one)
    return buffer.getvalue()


def block(name: bytes = b"f", kind: bytes = b"0", size: bytes = b"%011o\0" % 0, **fields: bytes) -> bytes:
    """A header as tarfile itself would never write it."""
    raw = bytearray(512)
    raw[: len(name)] = name
    raw[100:124] = b"0000644\0" + b"0000000\0" * 2
    raw[124:136] = size
    raw[136:148] = b"%011o\0" % 0
    raw[156:157] = kind
    raw[257:265] = b"ustar\x0000"
    for at, content in fields.items():
        raw[int(at[1:]) : int(at[1:]) + len(content)] = content
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def octal(size: int) -> bytes:
    return b"%011o\0" % size


def base_256(size: int) -> bytes:
    return (b"\x80" if size >= 0 else b"\xff") + (size % 256**11).to_bytes(11, "big")


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    return block(b"pax", kind, octal(len(records))) + padded(records)


def record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n".encode("utf-8", "surrogatepass")
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


GOOD = tar(
    member("code", tarfile.DIRTYPE),
    ("code/inference.py", b"def model_fn(): ...\n"),
    ("model.bin", b"\x07" * 1500),
)
GOOD_FILE = block(b"model.bin", size=octal(3)) + padded(b"abc")


def packed(content: bytes) -> bytes:
    return gzip.compress(content, compresslevel=6, mtime=0)


def look(archive: bytes, limits: Limits = LIMITS, most: int = 1 << 30) -> Contents:
    return inspect(Body(archive, most), len(archive), limits)


def refusal(archive: bytes, limits: Limits = LIMITS, most: int = 1 << 30) -> Refusal:
    with pytest.raises(ArtifactRefused) as refused:
        look(archive, limits, most)
    found = refused.value.refusal
    assert found.code in CODES
    assert found.why.endswith(".")
    assert found.why.isprintable()
    assert found.advice
    assert not found.advice.endswith(".")
    assert found.passing is (found.code in ("too-large", "bomb"))  # limits may be raised
    return found


def refusal_of(*members: tarfile.TarInfo | tuple[str, bytes]) -> Refusal:
    return refusal(packed(tar(*members)))


def code_of(archive: bytes) -> str:
    """ "" when it is accepted."""
    try:
        look(archive)
    except ArtifactRefused as refused:
        return refused.refusal.code
    return ""


# What is accepted


def test_a_model_is_accepted_and_counted():
    assert look(packed(GOOD)) == Contents(files=2, unpacked_bytes=len(GOOD))


@pytest.mark.parametrize("most", [1, 7, 511, 65_536])
def test_a_body_that_comes_in_small_pieces_is_the_same_archive(most):
    assert look(packed(GOOD), most=most) == Contents(2, len(GOOD))


def test_an_archive_as_gnu_tar_packs_a_folder_is_accepted():
    contents = tar(
        member("./", tarfile.DIRTYPE), member("./code/", tarfile.DIRTYPE), ("./code/serve.py", b"x")
    )

    assert look(packed(contents)).files == 1


def test_an_archive_of_git_is_accepted_with_its_global_header():
    contents = pax(record("comment", "0" * 40), b"g") + GOOD_FILE + END

    assert look(packed(contents)).files == 1


@pytest.mark.parametrize("most", [1, 1 << 30])
def test_gzip_members_one_after_the_other_are_one_archive(most):
    halves = packed(GOOD[:700]) + packed(b"") + bytes(5) + packed(GOOD[700:])

    assert look(halves, most=most) == Contents(2, len(GOOD))


@pytest.mark.parametrize("most", [1, 1 << 30])
def test_zeros_after_the_gzip_stream_are_padding(most):
    assert look(packed(GOOD) + bytes(700), most=most).files == 2


def test_zeros_after_the_tar_archive_are_padding():
    assert look(packed(GOOD + bytes(100_000))).unpacked_bytes == len(GOOD) + 100_000


@pytest.mark.parametrize(
    "name",
    [
        "a model of mine.bin",
        "🚢/модель.bin",
        "\u202egnp.model",
        "latin-\udce9.bin",
        "m" * 300,
        "d/" * 140 + "model.bin",
        "..hidden",
        "a..b/c...",
        "notes: C.txt",
        "back\\slash",
        "line\nbreak",
    ],
)
@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unusual_names_are_accepted(name, tar_format):
    assert look(packed(tar((name, b"x"), tar_format=tar_format))).files == 1


@pytest.mark.parametrize(
    "linked",
    [
        link("latest", "model.bin"),
        link("a/b/c", "../../model.bin"),
        link("a/b", "./../model.bin"),
        link("a/here", ".."),
        link("dangling", "nowhere/at/all"),
        hard_link("same", "model.bin"),
        hard_link("a/same", "./model.bin"),
    ],
)
def test_links_that_stay_inside_are_accepted(linked):
    assert look(packed(tar(("model.bin", b"x"), linked))) == Contents(1, 10_240)


def test_links_in_a_circle_harm_nobody():
    assert look(packed(tar(("model.bin", b"x"), link("a", "b"), link("b", "a"), link("c", "c")))).files == 1


def test_several_hard_links_may_point_to_one_file():
    assert look(packed(tar(("a", b"x"), hard_link("b", "a"), hard_link("c", "a")))).files == 1


def test_as_many_members_as_allowed_are_accepted():
    contents = packed(tar(("a", b""), ("b", b""), member("d", tarfile.DIRTYPE)))

    assert look(contents, Limits(MB, MB, members=3)).files == 2
    assert refusal(contents, Limits(MB, MB, members=2)).code == "too-many-members"


def test_limits_are_reached_but_not_passed():
    archive = packed(GOOD)

    assert look(archive, Limits(len(archive), len(GOOD))).files == 2
    assert refusal(archive, Limits(len(archive) - 1, len(GOOD))).code == "too-large"
    assert refusal(archive, Limits(len(archive), len(GOOD) - 1)).code == "bomb"


# What is no gzip archive


def test_nothing_at_all_is_refused():
    found = refusal(b"")

    assert (found.code, found.why) == ("empty", "The artifact is empty: it has 0 bytes.")


def test_what_is_too_large_is_refused_before_it_is_read():
    body = Body(packed(GOOD))

    with pytest.raises(ArtifactRefused) as refused:
        inspect(body, 6_000_000_001, Limits(archive_bytes=6_000_000_000, unpacked_bytes=MB))

    assert refused.value.refusal.code == "too-large"
    assert (
        refused.value.refusal.why
        == "The artifact is 6.0 GB large (6,000,000,001 bytes); the limit is 6.0 GB."
    )
    assert body.given == 0


def test_a_body_longer_than_announced_still_has_its_limit():
    body = Body(packed(tar(("m", random.Random(1).randbytes(500_000)))))

    with pytest.raises(ArtifactRefused) as refused:
        inspect(body, 1_000, Limits(archive_bytes=100_000, unpacked_bytes=MB))

    assert refused.value.refusal.code == "too-large"
    assert body.given <= 200_000


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (zipped(), "it looks like a zip file"),
        (GOOD, "it is a tar archive that is not compressed"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "it looks like compressed with zstd"),
        (bz2.compress(GOOD), "it looks like compressed with bzip2"),
        (lzma.compress(GOOD), "it looks like compressed with xz"),
        (b"\n<!DOCTYPE html><html>", "it looks like an HTML page"),
        (b"<HTML>", "it looks like an HTML page"),
        (b'<?xml version="1.0"?><Error>', "it looks like XML"),
        (b"\xef\xbb\xbf" + json.dumps({"model": 1}).encode(), "it looks like JSON"),
        (pickle.dumps({"weights": [1, 2]}, 4), "it looks like a pickle"),
        (b"weights", "it begins with the bytes 77 65 69 67"),
        (b"\x00", "it begins with the bytes 00"),
    ],
)
@pytest.mark.parametrize("most", [1, 1 << 30])
def test_what_is_no_gzip_archive_is_named(content, looks, most):
    found = refusal(content, most=most)

    assert found.code == "not-gzip"
    assert looks in found.why
    assert "tar -czf" in found.advice


def test_only_the_head_of_what_is_no_gzip_archive_is_read():
    body = Body([b"weights " * 10_000] * 100)

    with pytest.raises(ArtifactRefused):
        inspect(body, 8 * MB, LIMITS)

    assert body.given <= 100_000


@pytest.mark.parametrize("head", [b"\x1f\x8b\x07" + bytes(50), b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 50])
def test_a_gzip_archive_damaged_from_its_first_bytes_is_told_apart(head):
    found = refusal(head)

    assert found.code == "not-gzip"
    assert "damaged from its first bytes" in found.why


# What is cut or damaged


def test_every_truncation_of_an_archive_is_refused():
    archive = packed(GOOD)

    codes = {length: code_of(archive[:length]) for length in range(len(archive))}

    assert codes.pop(0) == "empty"
    assert set(codes.values()) == {"truncated"}


def test_every_truncation_is_refused_when_the_length_of_the_whole_is_known():
    archive = packed(GOOD) + bytes(20)

    for length in range(len(archive)):
        with pytest.raises(ArtifactRefused) as refused:
            inspect(Body(archive[:length]), len(archive), LIMITS)
        assert refused.value.refusal.code == "truncated"
        assert (
            f"Only {length:,} of the artifact's {len(archive):,} bytes arrived." in refused.value.refusal.why
        )


def test_an_archive_that_breaks_off_says_where():
    found = refusal(packed(tar(("m", random.Random(1).randbytes(200_000))))[:150_000])

    assert found.code == "truncated"
    assert found.why == "The archive breaks off after 150.0 KB: its gzip stream has no end."


@pytest.mark.parametrize("kind", ["plain", "long names"])
def test_every_truncation_of_the_tar_archive_inside_is_refused(kind):
    name = "model.bin" if kind == "plain" else "m" * 300
    contents = tar(("first", b"x" * 700), (name, b"abc")).rstrip(b"\0")
    contents += bytes(-len(contents) % 512) + END

    for length in range(len(contents)):
        code = code_of(packed(contents[:length]))
        assert code == ("not-tar" if length < 512 else "truncated"), length
    assert look(packed(contents)).files == 2


def test_a_tar_archive_that_breaks_off_says_where():
    inside = refusal(packed(GOOD[:2_500]))
    after = refusal(packed(GOOD_FILE + bytes(512)))

    assert inside.code == after.code == "truncated"
    assert inside.why == (
        "The tar archive inside breaks off after 2.5 KB, in the middle of a member: it was cut before it was compressed."
    )
    assert "without the mark of its end" in after.why


def test_a_flipped_bit_is_refused_wherever_it_matters():
    archive = packed(GOOD)
    for at in range(len(archive)):
        for bit in range(8):
            flipped = bytearray(archive)
            flipped[at] ^= 1 << bit
            code = code_of(bytes(flipped))
            if not code:  # then it is still the same model
                assert gzip.decompress(bytes(flipped)) == GOOD


def test_a_flipped_bit_in_a_tar_header_is_refused():
    headers = [at for at in range(0, len(GOOD), 512) if GOOD[at + 257 : at + 262] == b"ustar"]
    assert len(headers) == 3
    for header in headers:
        for at in range(header, header + 512, 3):
            flipped = bytearray(GOOD)
            flipped[at] ^= 1 << at % 8
            assert code_of(packed(bytes(flipped))) == ("damaged" if header else "not-tar")


def test_a_damaged_header_after_good_members_is_not_taken_for_the_end():
    contents = bytearray(GOOD)
    contents[1536 + 150] ^= 1

    found = refusal(packed(bytes(contents)))

    assert found.code == "damaged"
    assert "neither a header nor the end" in found.why


@pytest.mark.parametrize("after", [b"x", b"\0x", bytes(100_000) + b"x", GOOD])
def test_what_stands_after_the_end_of_the_tar_archive_is_refused(after):
    assert refusal(packed(GOOD + bytes(512) + after)).code == "damaged"


def test_a_wrong_checksum_is_refused():
    archive = bytearray(packed(GOOD))
    archive[-5] ^= 1

    found = refusal(bytes(archive))

    assert found.code == "damaged"
    assert "incorrect data check" in found.why


def test_a_wrong_length_is_refused():
    archive = bytearray(packed(GOOD))
    archive[-1] ^= 1

    assert "incorrect length check" in refusal(bytes(archive)).why


@pytest.mark.parametrize("most", [1, 1 << 30])
@pytest.mark.parametrize("garbage", [b"garbage", bytes(600) + b"\n", b"\x1f\x8b\x00\x00"])
def test_garbage_after_the_gzip_stream_is_refused(garbage, most):
    found = refusal(packed(GOOD) + garbage, most=most)

    assert found.code == "damaged"
    assert "something else follows it" in found.why


def test_a_second_gzip_member_that_breaks_off_is_refused():
    assert refusal(packed(GOOD) + packed(bytes(512))[:-3]).code == "truncated"


# What is no tar archive, or has nothing in it


@pytest.mark.parametrize(
    "content", [b"", b"weights", random.Random(1).randbytes(2_000), b"{}" * 5_000, zipped()]
)
def test_gzip_of_something_else_is_refused(content):
    found = refusal(packed(content))

    assert found.code == "not-tar"
    assert "is not a tar archive" in found.why


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (tar(), "(0 members)"),
        (bytes(1_024), "(0 members)"),
        (tar(member("code", tarfile.DIRTYPE), link("a", "code")), "(2 members)"),
    ],
)
def test_an_archive_without_files_is_refused(contents, said):
    found = refusal(packed(contents))

    assert found.code == "no-files"
    assert said in found.why


# What would do harm where it is unpacked


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/etc/passwd", "is absolute"),
        ("\\\\server\\share", "is absolute"),
        ("C:\\windows", "is absolute"),
        ("c:/windows", "is absolute"),
        ("../model.bin", "leads upward"),
        ("a/../../model.bin", "leads upward"),
        ("a\\..\\..\\b", "leads upward"),
        ("a/..", "leads upward"),
        ("a\0b", "holds a NUL"),
        ("a" + "/a" * 3_000, "has more than 4,096 characters"),
        ("", "is empty"),
        (".", "is empty"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name, said):
    contents = pax(record("path", name)) + GOOD_FILE + END

    found = refusal(packed(contents))

    assert found.code == "unsafe-member"
    assert said in found.why
    assert "Nothing was unpacked" in found.advice


def test_a_name_is_shown_on_one_line_however_it_is_written():
    found = refusal_of(("../\n\x1b[31m\u202e" + "x" * 500, b""))

    assert "\\u001b[31m\\u202e" in found.why
    assert len(found.why) < 250


@pytest.mark.parametrize("above", [link("a", "b"), link("./a/", "b"), link("a", "."), hard_link("a", "b")])
@pytest.mark.parametrize("below", ["a/model.bin", "./a//model.bin", "a/b/c/d", "a\\model.bin"])
def test_a_member_beneath_a_link_is_refused(above, below):
    found = refusal_of(("b", b""), above, (below, b"x"))

    assert found.code == "unsafe-member"
    assert "lies beneath a link" in found.why


@pytest.mark.parametrize(
    ("linked", "said"),
    [
        (link("a", "/etc/passwd"), "is absolute"),
        (link("a", "\\etc"), "is absolute"),
        (link("a", "C:\\"), "is absolute"),
        (link("a", ".."), "leads out of the archive"),
        (link("d/a", "../../b"), "leads out of the archive"),
        (link("./a", "./../b"), "leads out of the archive"),
        (link("a", "..\\b"), "leads out of the archive"),
        (link("d/a", "b/../c"), "after it led down"),
        (link("a", "b/../../c"), "after it led down"),
        (link("a", ""), "is empty"),
        (hard_link("a", "/etc/passwd"), "is absolute"),
        (hard_link("d/a", "../b"), "is no place inside"),
        (hard_link("a", "b/../c"), "is no place inside"),
        (hard_link("a", "."), "is no place inside"),
    ],
)
def test_links_that_lead_elsewhere_are_refused(linked, said):
    found = refusal_of(("model.bin", b"x"), linked)

    assert found.code == "unsafe-link"
    assert said in found.why


def test_a_target_with_a_nul_is_refused():
    contents = pax(record("linkpath", "a\0b")) + block(b"l", b"2") + GOOD_FILE + END

    assert refusal(packed(contents)).code == "unsafe-link"


def test_a_hard_link_to_a_symlink_is_refused():
    """In its own folder the symlink stays inside; in another one the same target leads out."""
    found = refusal_of(link("a/b/c", "../../d"), hard_link("e", "a/b/c"))

    assert found.code == "unsafe-link"
    assert "is a link itself" in found.why


def test_a_chain_of_links_leads_nowhere_else():
    assert refusal_of(link("a", "."), link("a/b", "..")).code == "unsafe-member"
    assert refusal_of(link("d/up", ".."), link("out", "d/up/../..")).code == "unsafe-link"
    assert refusal_of(link("d/up", ".."), hard_link("out", "d/up/x")).code == "unsafe-link"


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"V", b"M", b"D", b"Z"])
def test_devices_and_what_nobody_knows_are_refused(kind):
    found = refusal(packed(block(b"console", kind) + GOOD_FILE + END))

    assert found.code == "special-member"
    assert found.why == 'The member "console" is neither file, directory nor link.'


@pytest.mark.parametrize(
    "contents",
    [
        block(b"s", b"S", octal(512), _386=octal(0) + octal(512), _483=octal(10**9)) + bytes(512),
        pax(record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0"))
        + block(b"s", size=octal(512))
        + padded(b"1\n0\n0\n"),
        pax(record("GNU.sparse.map", "0,1")) + block(b"s", size=octal(1)) + bytes(512),
        pax(record("GNU.sparse.size", "5") + record("GNU.sparse.offset", "0")) + block(b"s"),
        pax(record("GNU.sparse.name", "elsewhere")) + block(b"s"),
    ],
    ids=["old GNU", "1.0", "0.1", "0.0", "only a name"],
)
def test_sparse_files_are_refused(contents):
    found = refusal(packed(contents + GOOD_FILE + END))

    assert found.code == "special-member"
    assert "sparse" in found.why


# What would cost too much


def zeros(pieces: int) -> Iterator[bytes]:
    """A gzip stream of `pieces` MB of zeros, made as it is read."""
    yield packed(block(b"zeros", size=octal(pieces * 2**20)))
    yield from repeat(packed(bytes(2**20)), pieces)
    yield packed(END)


@pytest.fixture
def peak():
    """The most memory in use since the test began, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_bomb_is_refused_early_and_without_memory(peak):
    body = Body(zeros(7_000))

    with pytest.raises(ArtifactRefused) as refused:
        inspect(body, 7 * MB, Limits(archive_bytes=10 * MB, unpacked_bytes=100 * MB))

    assert refused.value.refusal.code == "bomb"
    assert refused.value.refusal.why == "The archive unpacks to more than 100.0 MB, which is the limit."
    assert body.given < 150_000
    assert peak() < 20 * MB


def test_a_bomb_of_padding_is_refused():
    """All zeros: tarfile ends at the first block, what follows is read all the same."""
    bomb = packed(bytes(30 * MB))

    found = refusal(bomb, Limits(archive_bytes=10 * MB, unpacked_bytes=20 * MB))

    assert found.code == "bomb"


def test_more_than_a_gigabyte_out_of_little_is_refused():
    body = Body(zeros(3_000))

    with pytest.raises(ArtifactRefused) as refused:
        inspect(body, 3 * MB, Limits(archive_bytes=10 * MB, unpacked_bytes=10_000 * MB))

    found = refused.value.refusal
    assert found.code == "bomb"
    assert "MB of the archive unpack to over 100 times as much, 1.0 GB so far." in found.why


def test_a_large_regular_archive_is_accepted_in_constant_memory(peak):
    contents = inspect(Body(zeros(200)), 190_000, Limits(archive_bytes=MB, unpacked_bytes=300 * MB))

    assert contents == Contents(1, 200 * 2**20 + 1_536)
    assert peak() < 5 * MB


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
@pytest.mark.parametrize("size", [octal(8 * 2**30 - 1), octal(1_000_001), base_256(2**70)])
def test_a_header_that_claims_to_be_huge_is_refused_unread(kind, size, peak):
    bomb = packed(GOOD_FILE + block(b"h", kind, size) + random.Random(1).randbytes(3 * MB))

    body = Body(bomb)
    with pytest.raises(ArtifactRefused) as refused:
        inspect(body, len(bomb), LIMITS)

    assert refused.value.refusal.code == "too-large-header"
    assert "The headers of a member (long name, pax) take over 1.0 MB" in refused.value.refusal.why
    assert body.given <= 65_536


def test_a_long_header_is_accepted():
    contents = pax(record("SCHILY.xattr.user.notes", "x" * 900_000)) + GOOD_FILE + END

    assert look(packed(contents)).files == 1


@pytest.mark.parametrize(
    "headers",
    [
        pax(b"") * 1_500,
        (block(b"l", b"L", octal(2)) + padded(b"n")) * 900,
        block(b"s", b"S", _482=b"\x01") + (bytes(504) + b"\x01" + bytes(7)) * 1_000,
        pax(record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0"))
        + block(b"s", size=octal(51_200))
        + b"99999999\n"
        + b"1\n" * 50_000,
    ],
    ids=["pax", "long names", "old sparse map", "sparse map 1.0"],
)
def test_headers_without_end_are_refused(headers, peak):
    found = refusal(packed(headers + GOOD_FILE + END))

    assert found.code == "too-large-header"
    assert peak() < 20 * MB


def test_headers_that_are_long_each_time_are_refused():
    contents = packed((pax(record("comment", "x" * 900_000)) + GOOD_FILE) * 3 + END)

    found = refusal(contents, Limits(MB, 10 * MB, members=300))

    assert found.code == "too-large-header"
    assert found.why == "The headers of all members (long names, pax) take over 2.2 MB."
    assert look(contents).files == 3


def test_global_headers_that_every_member_would_carry_are_refused():
    found = refusal(packed(pax(b"".join(record(f"k{i}", "v") for i in range(3_000)), b"g") + GOOD_FILE + END))

    assert found.code == "too-large-header"
    assert "global" in found.why


def test_a_huge_number_of_members_is_refused_in_constant_memory(peak):
    """Links, which are remembered, with names that are not."""
    archive = packed(GOOD_FILE + b"".join(block(b"%0100d" % i, b"2", _157=b"m") for i in range(20_001)) + END)
    before = peak()

    found = refusal(archive, Limits(MB * 10, MB * 100, members=20_000))

    assert found.code == "too-many-members"
    assert found.why == "The archive has more than 20,000 members."
    assert peak() - before < 20 * MB


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        (block(size=base_256(-1_024)), "damaged"),
        (block(size=base_256(-1)), "damaged"),
        (block(size=base_256(-(2**80))), "damaged"),
        (block(size=base_256(2**80)), "bomb"),
        (block(size=octal(300 * MB)), "truncated"),
        (pax(record("size", "-512")) + block(), "damaged"),
        (pax(record("size", "9" * 4_000)) + block(), "bomb"),
        (pax(record("size", "9" * 5_000)) + block(size=octal(600)), "damaged"),
        (block(kind=b"x", size=base_256(-600)), "damaged"),
        (block(kind=b"L", size=base_256(-600)), "damaged"),
        (pax(b"garbage"), "damaged"),
        (pax(b"999 a=b\n"), "damaged"),
        (pax(record("GNU.sparse.map", "a,b")) + block(), "damaged"),
        (pax(record("GNU.sparse.realsize", "x")) + block(), "damaged"),
        (block(kind=b"S", _482=b"\x01", _386=b"x" * 96), "damaged"),
        (pax(record("size", "some")) + block(), "damaged"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(contents, code):
    found = refusal(packed(GOOD_FILE + contents + GOOD_FILE * 2 + END))

    assert found.code == code


def test_an_old_sparse_map_that_breaks_off_is_refused():
    assert refusal(packed(GOOD_FILE + block(b"s", b"S", _482=b"\x01") + bytes(3))).code == "truncated"


# What is no fault of the archive


class Failing(Body):
    """A body whose connection breaks after some bytes."""

    def __init__(self, content: bytes, after: int, error: Exception) -> None:
        super().__init__(content, most=100)
        self._after = after
        self._error = error

    def read(self, amount: int, /) -> bytes:
        if self.given >= self._after:
            raise self._error
        return super().read(amount)


@pytest.mark.parametrize("after", [0, 600, 30_000])
@pytest.mark.parametrize(
    "error",
    [
        TimeoutError("read"),
        ValueError("I/O"),
        OSError(5, "I/O"),
        zlib.error("x"),
        tarfile.ReadError("x"),
        EOFError(),
    ],
)
def test_a_failing_connection_is_no_fault_of_the_archive(after, error):
    archive = packed(tar(("m", random.Random(1).randbytes(50_000))))

    with pytest.raises(type(error)) as raised:
        inspect(Failing(archive, after, error), len(archive), LIMITS)

    assert raised.value is error


# Whatever comes

names = st.text(
    st.characters(exclude_characters="/\\\0", exclude_categories=("Cs",)), min_size=1, max_size=60
).filter(lambda name: name not in {".", ".."} and not re.fullmatch("[A-Za-z]:", name))
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@given(
    files=st.lists(st.tuples(paths, st.binary(max_size=1_500)), min_size=1, max_size=6),
    directories=st.lists(paths, max_size=2),
    tar_format=st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    level=st.integers(0, 9),
    most=st.sampled_from([1, 100, 1 << 30]),
)
def test_whatever_tarfile_packs_is_accepted(files, directories, tar_format, level, most):
    try:
        contents = tar(
            *files, *(member(name, tarfile.DIRTYPE) for name in directories), tar_format=tar_format
        )
    except ValueError:
        contents = tar(*files, tar_format=tarfile.PAX_FORMAT)  # a name too long for USTAR

    found = look(gzip.compress(contents, level), most=most)

    assert found == Contents(len(files), len(contents))


@given(name=hostile_text(), target=hostile_text(), kind=st.sampled_from([b"0", b"1", b"2", b"5", b"6"]))
def test_whatever_a_member_is_called_it_is_judged_in_a_line_that_can_be_shown(name, target, kind):
    contents = pax(record("path", name) + record("linkpath", target)) + block(kind=kind) + GOOD_FILE + END

    if code_of(packed(contents)):
        found = refusal(packed(contents))
        assert found.code in {"unsafe-member", "unsafe-link", "special-member"}
        assert len(found.why) < 350
        found.why.encode()


@given(st.binary(max_size=3_000))
def test_whatever_is_no_archive_is_refused(content):
    assert refusal(content).code in {"empty", "not-gzip", "truncated"}
    assert refusal(packed(content)).code in {"not-tar", "no-files", "truncated", "damaged"}


@settings(max_examples=300)
@given(
    st.lists(
        st.builds(
            lambda name, kind, size, content, more: block(name, kind, size, _157=more) + padded(content),
            st.binary(max_size=100),
            st.one_of(
                st.sampled_from([bytes([kind]) for kind in b"01257LKxgSX\0"]),
                st.binary(min_size=1, max_size=1),
            ),
            st.one_of(
                st.integers(0, 3_000).map(octal),
                st.integers(-(2**80), 2**80).map(base_256),
                st.binary(min_size=12, max_size=12),
            ),
            st.one_of(
                st.binary(max_size=1_100),
                st.lists(
                    st.tuples(
                        st.sampled_from(
                            ["path", "linkpath", "size", "mtime", "GNU.sparse.map", "GNU.sparse.size"]
                        ),
                        st.one_of(st.text(max_size=20), st.integers().map(str)),
                    ).map(lambda pair: record(*pair))
                ).map(b"".join),
            ),
            st.binary(max_size=343),
        ),
        max_size=5,
    ),
    st.sampled_from([END, b"", bytes(512)]),
)
def test_headers_of_any_kind_are_judged_and_raise_nothing_else(blocks, end):
    code_of(packed(b"".join(blocks) + end))


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, len(packed(GOOD)) - 1), st.binary(min_size=1, max_size=8)),
        min_size=1,
        max_size=5,
    )
)
def test_an_archive_overwritten_here_and_there_raises_nothing_else(patches):
    archive = bytearray(packed(GOOD))
    for at, content in patches:
        archive[at : at + len(content)] = content

    if not code_of(bytes(archive)):
        assert gzip.decompress(bytes(archive)) == GOOD
