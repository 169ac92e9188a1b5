"""Fine-tunes one start, and asks the validation rows on the way."""

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy


@dataclass(frozen=True)
class Settings:
    """Equal for every start. The rate rises over the first twentieth of the steps and falls to zero in a line."""

    steps: int
    batch: int
    asked: int  # the validation rows are asked after every so many steps

    def share(self, step):
        """Of the learning rate, in step 1 ... steps."""
        warm = max(1, self.steps // 20)
        return min(step / warm, (self.steps - step + 1) / (self.steps - warm + 1))


def train(model, rows, validation, rate, seed, settings):
    """[[step, validation loss in nats], ...] from step 0 on; AdamW on the adapter, cross-entropy of the next token."""
    parameters = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)
    order = batches(len(rows), settings, seed)
    curve = [[0, loss_of(model, validation)]]
    for step in range(1, settings.steps + 1):
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = rate * settings.share(step)
        loss = next_token_loss(model, rows[next(order)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % settings.asked == 0 or step == settings.steps:
            curve.append([step, loss_of(model, validation)])
    return [[step, round(loss, 5) if math.isfinite(loss) else None] for step, loss in curve]


def batches(rows, settings, seed):
    """Indices of rows, anew in another order when all have come; the same for every start of a seed."""
    generator = torch.Generator().manual_seed(seed)
    left = torch.empty(0, dtype=torch.long)
    while True:
        while len(left) < settings.batch:
            left = torch.cat([left, torch.randperm(rows, generator=generator)])
        yield left[: settings.batch]
        left = left[settings.batch :]


def next_token_loss(model, rows):
    logits = model(input_ids=rows).logits[:, :-1].float()
    return cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def loss_of(model, rows):
    """Mean over the predicted tokens, nats; every row has as many."""
    model.eval()
    losses = [next_token_loss(model, part).item() * len(part) for part in rows.split(16)]
    return sum(losses) / len(rows)
