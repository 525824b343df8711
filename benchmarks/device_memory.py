"""The memory of a CUDA device that arrays of CuPy hold at once."""

import importlib


def most_on_device(work):
    """What `work()` returns, and the most MiB of the device that arrays held while it ran.

    Only arrays made meanwhile count, in all pools of CuPy: so also those of recorded steps, which have pools of their
    own. It is the counterpart of `torch.cuda.max_memory_allocated`. Each allocation takes longer meanwhile.
    """

    class Held(importlib.import_module("cupy").cuda.MemoryHook):
        """The bytes of each piece of memory in use, by CuPy's number of the piece."""

        name, now, most = "held", 0, 0

        def __init__(self):
            self.pieces = {}

        def malloc_postprocess(self, **piece):
            self.pieces[piece["pmem_id"]] = piece["mem_size"]
            self.now += piece["mem_size"]
            self.most = max(self.most, self.now)

        def free_postprocess(self, **piece):
            self.now -= self.pieces.pop(piece["pmem_id"], 0)

    with Held() as held:
        result = work()
    return result, held.most / (1 << 20)
