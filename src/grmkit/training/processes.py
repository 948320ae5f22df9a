"""The processes of one training, as torchrun and accelerate launch start them: the first samples and writes, all train.

Everything here does nothing in a training of one process.
"""

import atexit
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

from grmkit.errors import TrainingError

PATIENCE = timedelta(days=30)  # how long the others wait while the first samples, saves or measures
PR_SET_PDEATHSIG = 1  # of prctl(2): the signal this process gets once its parent is gone

Result = TypeVar("Result")
_is_alone: ContextVar[bool] = ContextVar("_is_alone", default=False)


def num_processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the process that samples and writes."""
    return num_processes() == 1 or int(os.environ["RANK"]) == 0


def die_with_parent() -> None:
    """Have this process killed once the one that started it is gone, however it went; on Linux, elsewhere it stays.

    Processes that a launcher starts have sessions of their own: a kill of all that a terminal started misses them, and
    they would train on, where the same command cannot.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def from_first(make: Callable[[], Result]) -> Result:
    """What `make` returns in the first process, in every process; the others do not call it, and wait.

    Every process must come here. What the first does meanwhile it does alone: `from_first` in `make` is a mere call.

    Raises:
        TrainingError: In the others, if `make` raised an error in the first, where it is raised as it is.
    """
    if num_processes() == 1 or _is_alone.get():
        return make()
    if not is_first():
        result, fault = _told(None)
        if fault is not None:
            raise TrainingError(f"the first process stopped: {fault}")
        return result
    token = _is_alone.set(True)
    try:
        result = make()
    except Exception as error:  # whatever it is, the others must not wait for ever
        _told((None, str(error) or repr(error)))
        raise
    finally:
        _is_alone.reset(token)
    _told((result, None))
    return result


def gathered(network: Any) -> Any:
    """The network with all of its weights here, in the first process, if they were sharded over all of them.

    Every process must come here. The others get nothing to save back: the network as it is.
    """
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
    from torch.distributed.fsdp import FSDPModule

    kinds: tuple[type, ...] = type(network).__mro__
    if FSDPModule not in kinds:
        return network
    weights = get_model_state_dict(network, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    return _unsharded(network, weights) if is_first() else network


def _unsharded(network: Any, weights: dict[str, Any]) -> Any:
    """A network of the class it was before it was sharded, with these weights."""
    import torch
    from torch.distributed.fsdp import FSDPModule

    plain = next(kind for kind in type(network).__mro__ if not issubclass(kind, FSDPModule))
    with torch.random.fork_rng([]):
        whole = plain(network.config)
    whole.load_state_dict(weights, assign=True)
    whole.tie_weights()
    if whole.can_generate():
        whole.generation_config = network.generation_config
    return whole.eval()


def _told(message: tuple[Any, str | None] | None) -> tuple[Any, str | None]:
    """The first process's message, in all of them."""
    from torch.distributed import broadcast_object_list

    messages: list[Any] = [message]
    broadcast_object_list(messages, src=0, group=_group())
    return messages[0]


@cache
def _group() -> Any:
    """All processes, over gloo and with patience: a training's own connection gives up after minutes."""
    import torch
    from torch import distributed

    if not distributed.is_initialized():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    atexit.register(_leave)
    return distributed.new_group(backend="gloo", timeout=PATIENCE)


def _leave() -> None:
    """Close the connections while Python still runs: their threads abort a process that ends before them."""
    from torch import distributed

    _group.cache_clear()
    if distributed.is_initialized():
        distributed.destroy_process_group()
