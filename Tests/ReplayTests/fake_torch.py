"""As much of PyTorch as Tools/replay/replay.py asks for, without numbers: tensors are shapes, every call of an operator
takes a microsecond of a clock of its own, and a CUDA device records, captures and replays as a real one does.

What a real device refuses is refused here: shapes that do not fit together, an event that is read before it was recorded,
memory that runs out, and work outside a stream while a graph is captured.
"""
import contextlib
import sys
import types

MICROSECOND = 1e-6


class Device:
    """The state that one test looks at."""

    def __init__(self, type="cuda", memory=1 << 40):
        self.type, self.memory = type, memory
        self.clock = 0.0
        self.captured = None
        self.graphs = 0
        self.flushes = 0
        self.refused = None

    def __str__(self):
        return self.type


state = Device()


def use(device):
    """Everything from now on happens on this device."""
    global state
    state = device


def launch(kind):
    if state.refused == kind:
        raise RuntimeError(f"no kernel for {kind}\nand more about it")
    if state.captured is not None:
        state.captured.append(kind)
    else:
        state.clock += MICROSECOND


class Tensor:
    def __init__(self, *shape, dtype="float32"):
        assert all(isinstance(n, int) and n >= 0 for n in shape), shape
        self.shape, self.dtype = tuple(shape), dtype

    def like(self, *shape):
        return Tensor(*shape, dtype=self.dtype)

    def __mul__(self, other):
        return broadcast("multiply", self, other)

    def __add__(self, other):
        return broadcast("add", self, other)

    def __sub__(self, other):
        return broadcast("subtract", self, other)

    def __truediv__(self, other):
        return broadcast("divide", self, other)

    def __matmul__(self, other):
        launch("matmul")
        assert self.shape[-1] == other.shape[-2], (self.shape, other.shape)
        return self.like(*self.shape[:-1], other.shape[-1])

    def __getitem__(self, keys):
        keys = keys if isinstance(keys, tuple) else (keys,)
        if keys[0] is Ellipsis:
            keys = (slice(None),) * (len(self.shape) - len(keys) + 1) + keys[1:]
        taken = [len(range(*key.indices(n))) for key, n in zip(keys, self.shape)]
        return self.like(*taken, *self.shape[len(taken):])

    def transpose(self, a, b):
        shape = list(self.shape)
        shape[a], shape[b] = shape[b], shape[a]
        return self.like(*shape)

    def reshape(self, *shape):
        count = 1
        for n in self.shape:
            count *= n
        for n in shape:
            count //= n if n != -1 else 1
        return self.like(*(count if n == -1 else n for n in shape))

    def sum(self, axis):
        launch("sum")
        shape = list(self.shape)
        del shape[axis]
        return self.like(*shape)

    def extremes(self, axis, keepdim):
        launch("extremes")
        shape = list(self.shape)
        shape[axis] = 1
        return types.SimpleNamespace(values=self.like(*shape))

    min = max = lambda self, axis, keepdim: self.extremes(axis, keepdim)

    def index_select(self, axis, order):
        launch("index_select")
        return self.like(*self.shape[:axis], order.shape[0], *self.shape[axis + 1:])

    def tril(self, diagonal):
        return self

    triu = tril

    def round(self):
        launch("round")
        return self

    def to(self, *_, **__):
        launch("copy")
        return self

    def zero_(self):
        state.flushes += 1

    def element_size(self):
        return {"float32": 4}.get(self.dtype, 2)


def broadcast(kind, a, b):
    launch(kind)
    if not isinstance(b, Tensor):
        return a
    longest = max(len(a.shape), len(b.shape))
    pairs = list(zip(*((1,) * (longest - len(t.shape)) + t.shape for t in (a, b))))
    assert all(m == n or 1 in (m, n) for m, n in pairs), (a.shape, b.shape)
    return a.like(*(max(pair) for pair in pairs))


def created(*shape, device=None, dtype="float32", pin_memory=False):
    if isinstance(shape[0], tuple):
        shape = shape[0]
    return Tensor(*shape, dtype=dtype)


def rms_norm(x, width, scale):
    launch("rms_norm")
    assert x.shape[-1:] == width == scale.shape
    return x


def linear(x, weight, bias=None):
    launch("linear")
    assert x.shape[-1] == weight.shape[1], (x.shape, weight.shape)
    assert bias is None or bias.shape == weight.shape[:1]
    return x.like(*x.shape[:-1], weight.shape[0])


def attention(q, k, v, attn_mask=None, is_causal=False, enable_gqa=False):
    launch("attention")
    assert k.shape == v.shape and q.shape[0] == k.shape[0] and q.shape[-1] == k.shape[-1]
    assert enable_gqa == (q.shape[1] != k.shape[1]) and q.shape[1] % k.shape[1] == 0
    assert attn_mask is None or attn_mask.shape == (q.shape[2], k.shape[2])
    return q


def unary(kind):
    def run(x, *_):
        launch(kind)
        return x

    return run


def embedding(rows, table):
    launch("embedding")
    return table.like(rows.shape[0], table.shape[1])


class Event:
    def __init__(self, enable_timing):
        assert enable_timing
        self.time = None

    def record(self):
        assert state.captured is None, "an event between captured operations"
        self.time = state.clock

    def synchronize(self):
        assert self.time is not None

    def elapsed_time(self, end):
        return (end.time - self.time) * 1000


class Graph:
    def __init__(self):
        self.launches = None
        state.graphs += 1

    def replay(self):
        assert self.launches is not None and state.captured is None
        state.clock += MICROSECOND * len(self.launches)


@contextlib.contextmanager
def capture(graph):
    assert state.captured is None
    state.captured = graph.launches = []
    yield
    state.captured = None


def modules():
    """`torch` and what replay.py imports of it."""
    torch, functional = types.ModuleType("torch"), types.ModuleType("torch.nn.functional")
    for name, value in dict(
        rms_norm=rms_norm, linear=linear, embedding=embedding, silu=unary("silu"), gelu=unary("gelu"),
        avg_pool1d=unary("avg_pool1d"), scaled_dot_product_attention=attention,
    ).items():
        setattr(functional, name, value)
    stream = types.SimpleNamespace(wait_stream=lambda other: None)
    torch.cuda = types.SimpleNamespace(
        is_available=lambda: state.type == "cuda", get_device_name=lambda: "Fake GPU 1", Stream=lambda: stream,
        current_stream=lambda: stream, stream=lambda _: contextlib.nullcontext(), CUDAGraph=Graph, graph=capture,
        Event=Event, empty_cache=lambda: None,
        get_device_properties=lambda _: types.SimpleNamespace(total_memory=state.memory))
    torch.backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: 1))
    torch.version = types.SimpleNamespace(cuda="0.1")
    torch.__version__ = "0.0"
    torch.float32, torch.bfloat16, torch.float16 = "float32", "bfloat16", "float16"
    torch.bool, torch.int8, torch.uint8 = "bool", "int8", "uint8"
    torch.device = lambda _: state
    torch.get_num_threads = lambda: 1
    torch.inference_mode = lambda: lambda function: function
    torch.randn = torch.ones = torch.empty = created
    torch.randint = lambda low, high, shape, device=None: Tensor(*shape, dtype="int64")
    torch.softmax = unary("softmax")
    torch.cat = lambda parts, axis: (launch("cat"), parts[0].like(
        *parts[0].shape[:-1], sum(part.shape[-1] for part in parts)))[1]
    torch.nn = types.ModuleType("torch.nn")
    torch.nn.functional = functional
    sys.modules.update({"torch": torch, "torch.nn": torch.nn, "torch.nn.functional": functional})
