"""Damage to the bytes of a file, drawn at random: the same generator gives the same damage."""

import io
import random
import re
import zipfile
from collections.abc import Callable, Sequence

Change = Callable[[bytes, random.Random], bytes]

# What stands in place of a number, and of a name.
NUMBERS = [
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "255",
    "256",
    "65536",
    "2147483648",
    "-9223372036854775808",
    "18446744073709551616",
]
NUMBERS += ["1e308", "-1e308", "1e-320", "1e999", "NaN", "nan", ".nan", "Infinity", ".inf", "-inf", "9" * 400, "0x10"]
NUMBERS += ["true", "null", '"1"', "[]", "{}", "", "1_000", "٣", "²", "1.", "-0.0", "99999999"]
NAMES = ["", " ", "../../x", "/dev/zero", "a\nb", "\x1b[31m", "\x00", "²", "x" * 5000, "__class__", "é", "\u202e", "{}"]
NAMES += [
    "'",
    '"',
    "null",
    "- a",
    "a: b",
    "&a",
    "*a",
    "!!python/object:os.system",
    "=1+1",
    "a,b",
    "conv2",
    "lth",
    "NaN",
]
SOME = 256  # of the first bytes, where headers are


def flip(content: bytes, rng: random.Random) -> bytes:
    """Flip one to four bits, half of the time near the beginning."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(_end(content, rng))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwrite(content: bytes, rng: random.Random) -> bytes:
    """Overwrite a few bytes by others, by 0 or by 255."""
    begin, size = rng.randrange(_end(content, rng)), rng.choice((1, 1, 2, 4, 8, 64))
    new = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size, (2 ** rng.randrange(64)).to_bytes(8, "little")))
    return (content[:begin] + new[:size] + content[begin + size :])[: max(len(content), 1)]


def truncate(content: bytes, rng: random.Random) -> bytes:
    """Keep the beginning, or add bytes at the end."""
    return content[: rng.randrange(len(content))] if rng.random() < 0.8 else content + rng.randbytes(rng.randint(1, 99))


def cut_out(content: bytes, rng: random.Random) -> bytes:
    """Leave a part out."""
    begin, end = _part(content, rng)
    return content[:begin] + content[end:]


def repeat(content: bytes, rng: random.Random) -> bytes:
    """Repeat a part."""
    begin, end = _part(content, rng)
    return content[:end] + content[begin:end] * rng.choice((1, 2, 50)) + content[end:]


def other_number(content: bytes, rng: random.Random) -> bytes:
    """Put another number in place of one that is written as text."""
    return _replaced(content, rng, rb"-?\d+(\.\d+)?(e[+-]?\d+)?", NUMBERS)


def other_name(content: bytes, rng: random.Random) -> bytes:
    """Put a hostile name in place of a word."""
    return _replaced(content, rng, rb"[A-Za-z_]\w{2,}", NAMES)


def swap_words(content: bytes, rng: random.Random) -> bytes:
    """Put one word in place of another one of the same file."""
    words = re.findall(rb"[\w.]+", content)
    return _replaced(content, rng, rb"[\w.]+", [rng.choice(words).decode(errors="ignore")]) if words else content


def double_line(content: bytes, rng: random.Random) -> bytes:
    """Write a line twice: doubled keys, doubled rows."""
    lines = content.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return b"".join(
        [*lines[: place + 1], *lines[place : rng.randint(place + 1, min(place + 4, len(lines)))], *lines[place + 1 :]]
    )


def move_line(content: bytes, rng: random.Random) -> bytes:
    """Move a line, or leave it out."""
    lines = content.splitlines(keepends=True)
    line = lines.pop(rng.randrange(len(lines)))
    lines.insert(rng.randint(0, len(lines)), line if rng.random() < 0.5 else b"")
    return b"".join(lines)


def indent_line(content: bytes, rng: random.Random) -> bytes:
    """Move a line to the right or the left."""
    lines = content.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    lines[place] = rng.choice((b"  " + lines[place], lines[place].lstrip(), b"\t" + lines[place], b"- " + lines[place]))
    return b"".join(lines)


def in_member(content: bytes, rng: random.Random) -> bytes:
    """Damage a member of a zip archive, and write its checksum anew."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    chosen = rng.choice(sorted(members))
    if rng.random() < 0.1:
        members[rng.choice(NAMES)[:99].replace("\x00", "0") or "x"] = members.pop(chosen)
    else:
        members[chosen] = damaged(members[chosen], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, values in members.items():
            archive.writestr(name, values)
    return out.getvalue()


def in_header(content: bytes, rng: random.Random) -> bytes:
    """Change the header of a safetensors file, or of .npy, and write its length anew."""
    if content.startswith(b"\x93NUMPY"):
        size = int.from_bytes(content[8:10], "little")
        header = _text_damaged(content[10 : 10 + size], rng)[: 2**16 - 1]
        return content[:8] + len(header).to_bytes(2, "little") + header + content[10 + size :]
    size = int.from_bytes(content[:8], "little")
    if not 0 < size <= len(content) or content[8:9] != b"{":
        return flip(content, rng)
    header = _text_damaged(content[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


ANY: tuple[Change, ...] = (flip, overwrite, truncate, cut_out, repeat, in_header, in_header)
TEXT: tuple[Change, ...] = (other_number, other_number, other_name, swap_words, double_line, move_line, indent_line)


def damaged(content: bytes, rng: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """Return damaged bytes: one to three changes that fit what they are. others: files whose parts are put in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not content:
            return rng.randbytes(rng.randrange(99))
        if others and rng.random() < 0.05:
            content = _spliced(content, rng, rng.choice(others))
        elif content.startswith(b"PK\x03\x04") and rng.random() < 0.6:
            try:
                content = in_member(content, rng)
            except Exception:  # an earlier change has damaged it
                content = flip(content, rng)
        else:
            content = rng.choice(TEXT if _is_text(content) and rng.random() < 0.85 else ANY)(content, rng)
    return content


def _spliced(content: bytes, rng: random.Random, other: bytes) -> bytes:
    """Put a part of another file into this one, or let it end as the other one."""
    begin, end = _part(other, rng) if other else (0, 0)
    place = rng.randrange(len(content))
    return content[:place] + other[begin:end] + content[place + rng.choice((0, end - begin, len(content))) :]


def _text_damaged(text: bytes, rng: random.Random) -> bytes:
    return rng.choice((other_number, other_number, other_name, swap_words, flip, cut_out, repeat))(text or b"0", rng)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\x00" not in content


def _end(content: bytes, rng: random.Random) -> int:
    return min(len(content), SOME) if rng.random() < 0.5 else len(content)


def _part(content: bytes, rng: random.Random) -> tuple[int, int]:
    begin = rng.randrange(_end(content, rng))
    return begin, min(begin + rng.choice((1, 2, 4, 8, 32, 256, 4096)), len(content))


def _replaced(content: bytes, rng: random.Random, pattern: bytes, words: Sequence[str]) -> bytes:
    """Put one of `words` in place of a match, if there is one."""
    found = list(re.finditer(pattern, content))
    if not found:
        return flip(content, rng)
    match = rng.choice(found)
    return content[: match.start()] + rng.choice(words).encode() + content[match.end() :]
