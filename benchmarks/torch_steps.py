"""The same training steps in PyTorch eager, with its fused Adam; the VAE with its default one."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, the name that PyTorch's users know

from benchmarks.problems import GAME_RATE

VERSION = f"PyTorch {torch.__version__}"
ADAM = partial(torch.optim.Adam, lr=1e-3, fused=True)


def use(device):
    """What is made from now on is made there."""
    torch.set_default_device(device)


def most_on_device(work):
    """What `work()` returns, and the most MiB of the device that tensors have held."""
    return work(), torch.cuda.max_memory_allocated() / (1 << 20)


def as_written(update, *optimizers):
    return update


def trained(loss, optimizer, change=lambda loss: loss, whole=as_written):
    """A step down `loss`, a function without arguments. `change` may compile the loss, and `whole` record all work of
    the step, which is a function that returns the loss on its device, and of these optimizers."""
    loss = change(loss)

    def update():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return value.detach()

    update = whole(update, optimizer)
    return lambda: update().item()


def parameters(*arrays):
    return [nn.Parameter(torch.tensor(a)) for a in arrays]


def mlp(layers):
    """Linear layers with these weights, and ReLUs between them."""
    modules = []
    for W, b in layers:
        modules += [nn.Linear(*W.shape), nn.ReLU()]
        modules[-2].weight.data, modules[-2].bias.data = torch.tensor(W.T.copy()), torch.tensor(b)
    return nn.Sequential(*modules[:-1])


def nade(x, W, V, b, c, change=lambda loss: loss, whole=as_written):
    x, (W, V, b, c) = torch.tensor(x), parameters(W, V, b, c)
    batch, D = x.shape

    def loss():
        a, logits = c.expand(batch, len(c)), []
        for i in range(D):
            logits.append(torch.sigmoid(a) @ V[i] + b[i])
            a = a + x[:, i : i + 1] * W[i]
        return F.binary_cross_entropy_with_logits(torch.stack(logits, 1), x, reduction="sum") / batch

    return trained(loss, ADAM([W, V, b, c]), change, whole)


def tiny(x, y, net, change=lambda loss: loss, whole=as_written):
    x, y, model = torch.tensor(x), torch.tensor(y), mlp(net)
    return trained(lambda: F.relu(1 - model(x) * y).mean(), torch.optim.SGD(model.parameters(), 0.1), change, whole)


def recurrent(layer, order, x, W, U, b, V, c, change=lambda loss: loss, whole=as_written):
    """`order` has each of PyTorch's gates by its place among ours. Its second bias stays 0: it adds nothing."""
    x, batch, H = torch.tensor(x), x.shape[1], len(U)
    before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
    hidden = layer(1, H)
    gates = lambda a: torch.cat([torch.tensor(a).split(H, dim=-1)[k] for k in order], dim=-1).T.contiguous()
    hidden.weight_ih_l0.data, hidden.weight_hh_l0.data, hidden.bias_ih_l0.data = (
        gates(W),
        gates(U),
        gates(b[None])[:, 0],
    )
    hidden.bias_hh_l0.requires_grad_(False).zero_()
    V, c = parameters(V, c)

    def loss():
        h, _ = hidden(before)
        return F.binary_cross_entropy_with_logits(h @ V + c, x, reduction="sum") / batch

    return trained(loss, ADAM([p for p in (*hidden.parameters(), V, c) if p.requires_grad]), change, whole)


def skewed(x):
    """Row i moved i places to the right.  (B, n, m, C) → (B, n, n + m − 1, C)."""
    B, n, m, C = x.shape
    return F.pad(x, (0, 0, 0, n)).reshape(B, n * (n + m), C)[:, : n * (n + m - 1)].reshape(B, n, n + m - 1, C)


def unskewed(x):
    B, n, width, C = x.shape
    return F.pad(x.reshape(B, n * width, C), (0, 0, 0, n)).reshape(B, n, width + 1, C)[:, :, : width + 1 - n]


def from_diagonal_to_diagonal(maps, W, U, b, h0, c0):
    """An LSTM whose states see the place to the left and the one above.  (B, n, m, C) → (B, n, m, H)."""
    B, n, m, _ = maps.shape
    H, of_x = len(h0), skewed(maps @ W + b).unbind(2)
    h, c, path = h0.expand(B, n, H), c0.expand(B, n, H), []
    for t, z in enumerate(of_x):
        z = z + torch.cat([h, F.pad(h, (0, 0, 1, 0))[:, :-1]], 2) @ U
        o, i, f, g = z.split(H, dim=2)
        new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        new_h = torch.sigmoid(o) * torch.tanh(new_c)
        row = torch.arange(n)
        inside = ((row <= t) & (t < row + m))[:, None]
        h, c = torch.where(inside, new_h, h), torch.where(inside, new_c, c)
        path.append(h)
    return unskewed(torch.stack(path, 2))


def diagonal(x, first, left, right, widen, head, last, change=lambda loss: loss, whole=as_written):
    x, taps = torch.tensor(x), len(first[0])
    kernel = int((2 * taps + 1) ** 0.5)
    seen = torch.arange(kernel * kernel) < taps
    dense = torch.zeros(kernel * kernel, first[0].shape[1])
    dense[seen] = torch.tensor(first[0])
    mask = seen.reshape(1, 1, kernel, kernel).float()
    K = nn.Parameter(dense.T.reshape(-1, 1, kernel, kernel))
    (bias,), left, right, widen, head, last = nets = [
        parameters(*group) for group in ((first[1],), left, right, widen, head, last)
    ]
    linear = lambda h, W, b: h @ W + b

    def loss():
        padded = F.pad(x, (0, 1))[:, None]  # a place more in each row, as minigen.pixelrnn says
        maps = F.conv2d(padded, K * mask, bias, padding=kernel // 2).permute(0, 2, 3, 1)
        mirrored = from_diagonal_to_diagonal(maps.flip(2), *right).flip(2)
        h = from_diagonal_to_diagonal(maps, *left) + F.pad(mirrored, (0, 0, 0, 0, 1, 0))[:, :-1]
        maps = maps + linear(h, *widen)
        logits = linear(F.relu(linear(F.relu(maps), *head)), *last)[:, :, :-1, 0]
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)

    return trained(loss, ADAM([K, *(p for net in nets for p in net)]), change, whole)


def vae(x, encoder, decoder, fused=False, change=lambda loss: loss, whole=as_written):
    x, encoder, decoder = torch.tensor(x), mlp(encoder), mlp(decoder)

    def loss():
        mean, log_var = encoder(x).chunk(2, 1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        reconstruction = -F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") / len(x)
        prior_fitting = 0.5 * (log_var.exp() + mean * mean - 1 - log_var).sum() / len(x)
        return prior_fitting - reconstruction

    return trained(
        loss, torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=fused), change, whole
    )


def gan(x, generator, critic, wasserstein=False, change=lambda loss: loss, whole=as_written):
    """As in PyTorch's own tutorial: the same fakes for both players, detached for the discriminator."""
    x, d = torch.tensor(x), len(generator[0][0])
    batch, generator, critic = len(x), nn.Sequential(mlp(generator), nn.Sigmoid()), mlp(critic)
    of_generator, of_critic = (ADAM(net.parameters(), lr=GAME_RATE) for net in (generator, critic))

    def penalty(fake, weight=10):
        u = torch.rand(batch, 1)
        between = (u * x + (1 - u) * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        return weight * ((slopes.norm(dim=1) - 1) ** 2).mean()

    @change
    def critic_loss(fake):
        real_logits, fake_logits = critic(x), critic(fake)
        if wasserstein:
            return fake_logits.mean() - real_logits.mean() + penalty(fake)
        return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()

    @change
    def generator_loss(fake):
        logits = critic(fake)
        return -logits.mean() if wasserstein else F.softplus(-logits).mean()

    generate = change(lambda z: generator(z))

    def update():
        fake = generate(torch.randn(batch, d))
        of_critic.zero_grad()
        loss = critic_loss(fake.detach())
        loss.backward()
        of_critic.step()
        of_generator.zero_grad()
        generator_loss(fake).backward()
        of_generator.step()
        return loss.detach()

    update = whole(update, of_critic, of_generator)
    return lambda: update().item()


STEPS = {
    "nade": nade,
    "tiny": tiny,
    "lstm": partial(recurrent, nn.LSTM, (1, 2, 3, 0)),
    "gru": partial(recurrent, nn.GRU, (0, 1, 2)),
    "diagonal": diagonal,
    "vae": vae,
    "gan": gan,
    "wgan_gp": partial(gan, wasserstein=True),
}
