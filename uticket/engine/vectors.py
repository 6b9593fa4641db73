"""What compiled loops over spikes do with vectors of 16 floats: numba has no vectors of its own, so LLVM's are used.

A processor with shorter vectors gets several of them from LLVM. Arrays are flat and are read where an index says,
without a check. A word has a bit for each of up to 64 places; sums stay in registers while its bits are walked, the
lowest first.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
FORWARD = 64  # filters that are summed together, as four vectors, by `add_rows`
PER_BLOCK = 16  # channels of a word of `add_rows`: three columns of the kernel are 48 bits
ROWS = 9 * PER_BLOCK + 1  # of weights, for the 3 x 3 positions of a kernel and 16 channels, and one of zeros
BACKWARD = 32  # filters that are summed together, as two vectors for each of 9 positions, by `add_neighbors`
WORDS = 4  # that `add_neighbors` walks
_BIT, _HALF, _INT, _FLOATS = ir.IntType(1), ir.IntType(16), ir.IntType(64), ir.VectorType(ir.FloatType(), LANES)
_HALVES = ir.VectorType(_HALF, LANES)
Vectors = list[Any]
_in_loops: Callable[[Any], Any] = intrinsic  # loops call these without the first argument


@_in_loops
def spikes_of(typing: Any, x: Any, at: Any) -> Any:
    """Return which of x[at] .. x[at + 15] are 1 (16 bits), how many, and whether all others are 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _load(builder, builder.gep(_data(context, builder, signature, args, 0), [args[1]]), _FLOATS, 4)
        fired = builder.bitcast(builder.fcmp_ordered("==", values, ir.Constant(_FLOATS, [1.0] * LANES)), _HALF)
        silent = builder.bitcast(builder.fcmp_ordered("==", values, ir.Constant(_FLOATS, [0.0] * LANES)), _HALF)
        number = builder.zext(builder.ctpop(fired), _INT)
        whole = builder.icmp_unsigned("==", builder.or_(fired, silent), ir.Constant(_HALF, 0xFFFF))
        return context.make_tuple(builder, signature.return_type, [fired, number, whole])

    return types.Tuple([types.uint16, types.int64, types.boolean])(x, types.int64), generate


@_in_loops
def column(typing: Any, bits: Any, at: Any, bit: Any) -> Any:
    """Return one bit of each of bits[at] .. bits[at + 15], which have 16 bits each, as 16 bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values = _load(builder, builder.gep(_data(context, builder, signature, args, 0), [args[1]]), _HALVES, 2)
        one = builder.shl(ir.Constant(_HALF, 1), builder.trunc(args[2], _HALF))
        ones = ir.Constant(_HALVES, ir.Undefined)
        for lane in range(LANES):
            ones = builder.insert_element(ones, one, _int(lane))
        set_ = builder.icmp_unsigned("!=", builder.and_(values, ones), ir.Constant(_HALVES, [0] * LANES))
        return builder.bitcast(set_, _HALF)

    return types.uint16(bits, types.int64, types.int64), generate


@_in_loops
def add_rows(
    typing: Any, out: Any, to: Any, rows: Any, of: Any, spikes: Any, above: Any, beside: Any, below: Any
) -> Any:
    """Add to out[to] .. out[to + 63] the rows of weights where there is a spike; rows[of] on has ROWS rows of 64.

    above, beside, below: where `spikes`, of 16 bits each, has three neighbors, from left to right, of each row.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        source = builder.gep(_data(context, builder, signature, args, 2), [args[3]])
        bits = _data(context, builder, signature, args, 4)
        count = FORWARD // LANES
        sums = [_vector(builder, target, k * LANES) for k in range(count)]
        words = []
        for row, at in enumerate(args[5:]):
            neighbors = _load(builder, builder.gep(bits, [at]), _INT, 2)
            words.append((3 * PER_BLOCK * row, builder.and_(neighbors, _int(2 ** (3 * PER_BLOCK) - 1))))

        def terms(place: Any) -> Vectors:
            weights = builder.gep(source, [builder.mul(place, _int(FORWARD))])
            return [_vector(builder, weights, k * LANES) for k in range(count)]

        _store(builder, _walk(builder, words, sums, terms, nothing=_int(ROWS - 1)), target)
        return context.get_dummy_value()

    index = types.int64
    return types.void(out, index, rows, index, spikes, index, index, index), generate


@_in_loops
def add_neighbors(typing: Any, out: Any, to: Any, rows: Any, of: Any, width: Any, words: Any, at: Any) -> Any:
    """Add to out[to] on, 9 rows of 32, the neighbors of each row of `rows` that has a spike.

    Row 0 of rows, of 32 each, begins at rows[of]; the bits of words[at] .. words[at + WORDS - 1] say where a spike
    is. Neighbors are the rows one line, of `width` rows, after to one before, and in each from right to left: what a
    spike at that place meets with the kernel's 3 x 3 positions in their order.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = builder.gep(_data(context, builder, signature, args, 0), [args[1]])
        source = builder.gep(_data(context, builder, signature, args, 2), [args[3]])
        line = builder.mul(args[4], _int(BACKWARD))
        bits = builder.gep(_data(context, builder, signature, args, 5), [args[6]])
        parts = range(0, BACKWARD, LANES)
        sums = [_vector(builder, target, row * BACKWARD + part) for row in range(9) for part in parts]

        def terms(place: Any) -> Vectors:
            middle = builder.gep(source, [builder.mul(place, _int(BACKWARD))])
            lines = [builder.gep(middle, [line]), middle, builder.gep(middle, [builder.neg(line)])]
            starts = [builder.gep(start, [_int((1 - k) * BACKWARD)]) for start in lines for k in range(3)]
            return [_vector(builder, start, part) for start in starts for part in parts]

        for number in range(WORDS):
            word = _load(builder, builder.gep(bits, [_int(number)]), _INT, 8)
            sums = _walk(builder, [(64 * number, word)], sums, terms)
        _store(builder, sums, target)
        return context.get_dummy_value()

    index = types.int64
    return types.void(out, index, rows, index, index, words, index), generate


def _walk(
    builder: Any, words: list[tuple[int, Any]], sums: Vectors, terms: Callable[[Any], Vectors], nothing: Any = None
) -> Vectors:
    """Return the sums with the terms of each place added whose bit is set: a step takes one bit of each word.

    words: the place of the first bit, and the word. nothing: of several words, the place for one without bits left.
    More than one word gives the processor more to add at a time, and fewer ends of loops, which it guesses wrong.
    """
    before = builder.block
    loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
    held = [word for _, word in words]
    builder.cbranch(_some(builder, held), loop, after)
    builder.position_at_end(loop)
    bits, now = [builder.phi(_INT) for _ in words], [builder.phi(_FLOATS) for _ in sums]
    found = []
    for word, (first, _) in zip(bits, words, strict=True):
        place = builder.add(builder.cttz(word, ir.Constant(_BIT, 0)), _int(first))
        if nothing is not None:
            place = builder.select(builder.icmp_unsigned("==", word, _int(0)), nothing, place)
        found.append(terms(place))
    new = _sums(builder, now, reduce(partial(_sums, builder), found))
    rest = [builder.and_(word, builder.sub(word, _int(1))) for word in bits]
    for phi, start, next_ in zip([*bits, *now], [*held, *sums], [*rest, *new], strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(next_, loop)
    builder.cbranch(_some(builder, rest), loop, after)
    builder.position_at_end(after)
    results = [builder.phi(_FLOATS) for _ in sums]
    for phi, start, next_ in zip(results, sums, new, strict=True):
        phi.add_incoming(start, before)
        phi.add_incoming(next_, loop)
    return results


def _some(builder: Any, words: list[Any]) -> Any:
    """Return whether a bit of any word is set."""
    return builder.icmp_unsigned("!=", reduce(builder.or_, words), _int(0))


def _sums(builder: Any, ones: Vectors, others: Vectors) -> Vectors:
    return [builder.fadd(one, other) for one, other in zip(ones, others, strict=True)]


def _int(value: int) -> Any:
    return ir.Constant(_INT, value)


def _data(context: Any, builder: Any, signature: Any, args: Any, number: int) -> Any:
    """Return the pointer to the numbers of an array."""
    return context.make_array(signature.args[number])(context, builder, args[number]).data


def _load(builder: Any, pointer: Any, kind: Any, align: int) -> Any:
    value = builder.load(builder.bitcast(pointer, kind.as_pointer()), typ=kind)
    value.align = align
    return value


def _vector(builder: Any, pointer: Any, offset: int) -> Any:
    return _load(builder, builder.gep(pointer, [_int(offset)]), _FLOATS, 4)


def _store(builder: Any, vectors: Vectors, pointer: Any) -> None:
    for number, vector in enumerate(vectors):
        target = builder.gep(pointer, [_int(number * LANES)])
        builder.store(vector, builder.bitcast(target, _FLOATS.as_pointer())).align = 4
