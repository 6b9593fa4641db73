"""Files of a few bytes or megabytes that ask for much time or memory, or lie about what they hold."""

import pickle


def bombs() -> dict[str, bytes]:
    """Pickles of a few bytes or megabytes that ask for much time or memory."""
    laugh = (
        b"\x80\x02"
        + b"]q\x00"
        + b"".join(b"0](" + b"h" + bytes([n]) + (b"h" + bytes([n])) * 9 + b"eq" + bytes([n + 1]) for n in range(40))
    )
    alike = b"".join(b"\x8a\x0a" + (k * (2**61 - 1)).to_bytes(10, "little") + b"N" for k in range(100_000))
    return {
        "laughs": laugh + b".",
        "deep_lists": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
        "deep_tuple_as_key": b"\x80\x02}N" + b"\x85" * 300_000 + b"Ns.",
        "deep_parameters": b"\x80\x02"
        + b"ctorch._utils\n_rebuild_parameter\n" * 50_000
        + b"N"
        + b"\x85R" * 50_000
        + b".",
        "marks": b"(" * 300_000 + b".",
        "many_steps": b"N0" * 100_000 + b"N.",
        "memo": b"\x80\x02Nr\xff\xff\xff\xff.",
        "memo_alike": b"".join(b"Np%d\n0" % (k * (2**61 - 1)) for k in range(100_000)) + b"N.",
        "keys_alike": b"\x80\x02}(" + alike + b"u.",
        "sets_alike": b"\x80\x04\x8f(" + alike[: 13 * 10_000] + b"\x90.",
        "long_bytes": b"\x80\x04\x8e" + (2**60).to_bytes(8, "little") + b".",
        "long_bytearray": b"\x80\x05\x96" + (2**60).to_bytes(8, "little") + b".",
        "long_text": b"\x80\x04\x8d" + (2**60).to_bytes(8, "little") + b".",
        "long_number": b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b"1.",
        "digits": b"L" + b"9" * 1_000_000 + b"L\n.",
        "frame": b"\x80\x04\x95" + (2**62).to_bytes(8, "little") + b"N.",
        "itself": b"\x80\x02]q\x00h\x00a.",
        "own_dict": b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
        "stack": b"\x80\x02RRRR.",
        "huge_names": b"\x80\x02}X" + (2**20).to_bytes(4, "little") + b"a" * 2**20 + b"Ns.",
        "buffers": b"\x80\x05\x97.",
        "two": b"NN.",
        "none": b".",
    }


BOMBS = bombs()


def tensor(storage: bytes, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """A pickle of one tensor, {"w": ...}, on a storage."""
    parts = [pickle.dumps(part, 2)[2:-1] for part in (offset, size, stride)]
    return b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"".join(parts) + b"\x89}tRs."


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"


def safetensors(header: bytes, content: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file."""
    return (len(header) if length is None else length).to_bytes(8, "little") + header + content
