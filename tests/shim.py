"""Runs CUDA C++ on the processor: the very source of a kernel, compiled by g++ with `shim.h`.

Each launch runs twice, with the threads of a block in two orders, and both results have to be the same to the last bit:
so a barrier that is missing is noticed. Each array is given to the kernel with a border of garbage around it, and the
border has to be the same afterwards.
"""

import ctypes
import functools
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
BORDER = 64
"""Bytes before and after each array; a multiple of the size of a number."""


@functools.cache
def compiled(code):
    """The library of the kernels in a source, which must be declared `extern "C" __global__`."""
    if shutil.which("g++") is None or sys.platform != "linux":
        pytest.skip("CUDA C++ runs on the processor where g++ is, on Linux")
    names = re.findall(r'extern "C" __global__ void (?:__launch_bounds__\([\w, ]+\) )?(\w+)\(', code)
    ends = "\n".join(f"LAUNCHABLE({name})" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
        source.write_text(f'#include "shim.h"\n{code}\n{ends}\n')
        command = ["g++", "-std=c++17", "-O1", "-w", "-fPIC", "-shared", f"-I{HERE}", source, "-o", library]
        subprocess.run(command, check=True)
        return ctypes.PyDLL(str(library))


def checked(library, name, arguments):
    """The arguments of a launch, where they are of the types that the kernel declares: CuPy does not look at them.

    An array is of its dtype and contiguous; a null pointer is 0; a number is of 4 bytes, as an int of C++ is.
    """
    declared = getattr(library, f"types_{name}")
    declared.restype = ctypes.c_char_p
    for argument, declaration in zip(arguments, declared().decode().split(), strict=True):
        if isinstance(argument, np.ndarray):
            assert declaration == f"{argument.dtype}*", f"{name}: {argument.dtype} given for {declaration}"
            assert argument.flags.c_contiguous, f"{name}: an array with strides {argument.strides}"
        elif declaration.endswith("*"):
            assert type(argument) is int, f"{name}: {argument!r} given for a pointer"
            assert argument == 0
        else:
            assert type(argument) is np.int32, f"{name}: {argument!r} given for {declaration}"
    return arguments


def run(library, name, blocks, threads, arguments):
    """Launch a kernel: write to its arrays."""
    assert blocks >= 1
    assert 1 <= threads <= 1024
    once, again = (_in_order(library, name, blocks, threads, arguments, descending) for descending in (False, True))
    for argument, found, other in zip(arguments, once, again, strict=True):
        if isinstance(argument, np.ndarray):
            assert found == other, f"{name}: threads do not wait for each other"
            argument[...] = np.frombuffer(found, argument.dtype).reshape(argument.shape)


def _in_order(library, name, blocks, threads, arguments, descending):
    """The bytes of each array after a launch on copies of them, None for other arguments."""
    border = b"\xff" * BORDER
    copies = [bytearray(border + a.tobytes() + border) if isinstance(a, np.ndarray) else None for a in arguments]
    held = []
    for argument, copy in zip(arguments, copies, strict=True):
        if copy is not None:
            begin = ctypes.addressof((ctypes.c_char * len(copy)).from_buffer(copy))
            held.append(ctypes.c_void_p(begin + BORDER))
        else:
            held.append(ctypes.c_int(argument) if isinstance(argument, np.int32) else ctypes.c_void_p(argument))
    pointers = (ctypes.c_void_p * len(held))(*map(ctypes.addressof, held))
    launch = getattr(library, f"launch_{name}")
    launch.restype = ctypes.c_bool
    assert launch(ctypes.c_uint(blocks), ctypes.c_uint(threads), ctypes.c_bool(descending), pointers), (
        f"{name}: not all threads of a block meet at a barrier"
    )
    assert all(c[:BORDER] == c[-BORDER:] == border for c in copies if c is not None), f"{name}: written outside"
    return [c and bytes(c[BORDER:-BORDER]) for c in copies]
