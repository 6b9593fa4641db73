"""Pickles read without running them: what a pickle would import, call or build becomes an inert record.

Python's own unpickler calls what the file names. This one knows no names: `pickletools` (standard library) decodes the
steps of a pickle of any protocol, and each step only moves values about. No class or function of a file is looked up,
not even those that a process has registered with `copyreg`.
"""

import pickletools
from typing import Any, BinaryIO

from uticket.foreign.inert import Object
from uticket.foreign.machine import LITERALS, MOST_STEPS, STEPS, Machine


def load_pickle(file: BinaryIO, outside: list[Object] | None = None) -> Any:
    """Read one pickle: plain values, lists, tuples and dicts as they are, everything else as Name and Object.

    file: must not give more than it has for a read of any size (BytesIO, mmap). It is left after the pickle. Keys of
    dicts that are no text or small integer are replaced by text. outside: gets the persistent ids.
    Raises ValueError or another error of broken data.
    """
    machine = Machine([] if outside is None else outside)
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count >= MOST_STEPS:
            raise ValueError(f"a pickle of more than {MOST_STEPS:,} steps")
        step = STEPS.get(opcode.name)
        if step is not None:
            step(machine, argument)
        elif opcode.name in LITERALS:
            machine.stack.append(argument)
        else:
            raise ValueError(f"the pickle step {opcode.name}, which needs data from outside of the file")
    if len(machine.stack) != 1:
        raise ValueError("a pickle that does not end with one value")
    return machine.stack[0]
