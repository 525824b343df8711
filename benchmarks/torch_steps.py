"""The same training steps in PyTorch eager, with its fused Adam; the VAE with its default one."""

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812, the name that PyTorch's users know


def nade(D=784, H=500, batch=128, density=0.3):
    torch.manual_seed(0)
    x = (torch.rand(batch, D) < density).float()
    W, V = (nn.Parameter(torch.randn(D, H) * 0.01) for _ in range(2))
    b, c = nn.Parameter(torch.zeros(D)), nn.Parameter(torch.zeros(H))
    optimizer = torch.optim.Adam([W, V, b, c], 1e-3, fused=True)

    def step():
        optimizer.zero_grad()
        a, logits = c.expand(batch, H), []
        for i in range(D):
            logits.append(torch.sigmoid(a) @ V[i] + b[i])
            a = a + x[:, i : i + 1] * W[i]
        loss = F.binary_cross_entropy_with_logits(torch.stack(logits, 1), x, reduction="sum") / batch
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def tiny():
    torch.manual_seed(0)
    x, y = torch.randn(100, 2), torch.sign(torch.randn(100, 1))
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def step():
        optimizer.zero_grad()
        loss = F.relu(1 - model(x) * y).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def recurrent(layer, T=784, batch=32, H=128, density=0.3):
    torch.manual_seed(0)
    x = (torch.rand(T, batch, 1) < density).float()
    before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
    hidden, head = layer(1, H), nn.Linear(H, 1)
    optimizer = torch.optim.Adam([*hidden.parameters(), *head.parameters()], 1e-3, fused=True)

    def step():
        optimizer.zero_grad()
        h, _ = hidden(before)
        loss = F.binary_cross_entropy_with_logits(head(h), x, reduction="sum") / batch
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def vae(batch=128, density=0.3, fused=False):
    torch.manual_seed(0)
    x = (torch.rand(batch, 784) < density).float()
    encoder = nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 40))
    decoder = nn.Sequential(nn.Linear(20, 500), nn.ReLU(), nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 784))
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3, fused=fused)

    def step():
        optimizer.zero_grad()
        mean, log_var = encoder(x).chunk(2, 1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        reconstruction = -F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") / batch
        prior_fitting = 0.5 * (log_var.exp() + mean * mean - 1 - log_var).sum() / batch
        loss = prior_fitting - reconstruction
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def gan(batch=128, wasserstein=False):
    """As in PyTorch's own tutorial: the same fakes for both players, detached for the discriminator."""
    torch.manual_seed(0)
    x = torch.rand(batch, 784)
    generator = nn.Sequential(
        *(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 784), nn.Sigmoid())
    )
    critic = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 1))
    of_generator, of_critic = (torch.optim.Adam(m.parameters(), 1e-3, fused=True) for m in (generator, critic))

    def penalty(fake, weight=10):
        u = torch.rand(batch, 1)
        between = (u * x + (1 - u) * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        return weight * ((slopes.norm(dim=1) - 1) ** 2).mean()

    def step():
        fake = generator(torch.randn(batch, 64))
        of_critic.zero_grad()
        real_logits, fake_logits = critic(x), critic(fake.detach())
        if wasserstein:
            loss = fake_logits.mean() - real_logits.mean() + penalty(fake.detach())
        else:
            loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        loss.backward()
        of_critic.step()
        of_generator.zero_grad()
        fake_logits = critic(fake)
        (-fake_logits.mean() if wasserstein else F.softplus(-fake_logits).mean()).backward()
        of_generator.step()
        return loss.item()

    return step


STEPS = {
    "nade": nade,
    "tiny": tiny,
    "lstm": partial(recurrent, nn.LSTM),
    "gru": partial(recurrent, nn.GRU),
    "vae": vae,
    "gan": gan,
    "wgan_gp": partial(gan, wasserstein=True),
}
