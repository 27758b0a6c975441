"""Pretrain a backbone on formula-made images alone: `python -m plantlab.nursery.pretrain --out FOLDER`.

Contrastive: two crops of two renderings of one formula must be nearer to each other than to all other crops of the
batch, among them those of formulas that wear the same palette (T. Chen et al., SimCLR, ICML 2020, equation 1). The
pictures are rendered once into FOLDER, then every batch crops, mirrors and tints them anew. A killed run goes on from
its checkpoint. FOLDER ends with seedling.safetensors (float16) and run.json: settings, loss curve, seconds, machine.
"""

import argparse
import inspect
import json
import os
import time
from pathlib import Path

import numpy as np
import timm
import torch
from joblib import Parallel, delayed
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F  # noqa: N812  its usual name
from tqdm import tqdm

from plantlab.backbones import IMAGENET, Stages
from plantlab.nursery.formulas import GROUP, render_group
from plantlab.photos import write_whole
from plantlab.training import keep_memory

RENDERINGS, POOL_SIZE, SHARD = 4, 112, 64  # of one formula; pixels; groups a file
SAVE_EVERY = 200  # steps: what a killed run may lose


def write_pool(folder: Path, n_groups: int, seed: int = 0) -> list[np.ndarray]:
    """Return memory maps (SHARD, GROUP, RENDERINGS, 112, 112, 3) of `n_groups` groups, rendered where not yet there."""

    def write(k: int) -> None:
        groups = [render_group(seed * 1_000_003 + i, RENDERINGS, POOL_SIZE) for i in range(k * SHARD, (k + 1) * SHARD)]
        write_whole(folder / f"{k:05d}.npy", lambda path: np.save(path, np.stack(groups)))

    shards = range(-(-n_groups // SHARD))
    missing = [k for k in shards if not (folder / f"{k:05d}.npy").is_file()]
    done = Parallel(os.cpu_count(), return_as="generator_unordered")(delayed(write)(k) for k in missing)
    list(tqdm(done, "rendering formulas", len(missing), unit=" shard"))
    return [np.load(folder / f"{k:05d}.npy", mmap_mode="r") for k in shards]


def augment(photos: torch.Tensor, size: int, least: float) -> torch.Tensor:
    """Return photos (B, 3, size, size): each another crop, of at least the share `least`, mirrored, tinted."""

    def draw(low: float, high: float) -> torch.Tensor:
        return torch.empty(len(photos), device=photos.device).uniform_(low, high)

    side, shape = draw(least, 1).sqrt(), draw(-0.25, 0.25).exp()
    wide, high = (side * shape).clamp(max=1), (side / shape).clamp(max=1)
    left, top, none = (1 - wide) * draw(-1, 1), (1 - high) * draw(-1, 1), torch.zeros_like(side)
    wide = wide * draw(-1, 1).sign()
    rows = [torch.stack([wide, none, left], 1), torch.stack([none, high, top], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), (len(photos), 3, size, size), align_corners=False)
    photos = F.grid_sample(photos, grid, padding_mode="reflection", align_corners=False)
    light, contrast, colour = (draw(*ends).view(-1, 1, 1, 1) for ends in ((0.75, 1.25), (0.75, 1.25), (0.6, 1.3)))
    grey, mean = photos.mean(1, keepdim=True), photos.mean((1, 2, 3), keepdim=True)
    return ((grey + (photos - grey) * colour - mean) * contrast + mean) * light


def contrast(z: torch.Tensor, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return loss and accuracy of telling each row's partner, rows 2i and 2i + 1, among all other rows of z (B, D)."""
    z = F.normalize(z, dim=1)
    likeness = (z @ z.T / temperature).fill_diagonal_(-1e4)
    partner = torch.arange(len(z), device=z.device) ^ 1
    return F.cross_entropy(likeness, partner), (likeness.argmax(1) == partner).float().mean()


def pretrain(
    out: Path, architecture: str = "resnet10t", n_groups: int = 2048, images: int = 210_000, image_size: int = 64,
    groups: int = 16, lr: float = 2e-3, weight_decay: float = 0.05, temperature: float = 0.15, least_crop: float = 0.35,
    seed: int = 0,
) -> Path:  # fmt: skip
    """Return the path of the weights, float16: the state dict of the architecture in timm, without a classifier.

    Every stage's pooled map is told apart (backbones.Stages), so that the early ones learn directly, too.

    Args:
        n_groups: groups of formulas rendered, GROUP formulas each. images: crops seen in all.
        groups: groups a batch; it holds 2 * GROUP times as many crops.
    Raises:
        ValueError: more groups a batch than there are, crops for less than ten batches, a checkpoint of another run.
    """
    settings = {name: value for name, value in locals().items() if name != "out"}
    batch = 2 * GROUP * groups  # crops
    if groups > n_groups or images < 10 * batch:
        few = f"{n_groups} groups and {images} crops are too few for batches of {groups} groups"
        raise ValueError(f"{few}: at least {groups} and {10 * batch} are needed; lower groups.")
    keep_memory()
    shards = write_pool(out / f"pool-{seed}", n_groups, seed)  # pictures of another seed are never taken for these
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)
    body = Stages(architecture).to(device, memory_format=torch.channels_last)
    width = body.eval()(torch.zeros(1, 3, image_size, image_size, device=device)).shape[1]
    layers = nn.BatchNorm1d(width), nn.Linear(width, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128)
    network = nn.ModuleDict({"body": body, "projector": nn.Sequential(*layers).to(device)}).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr, betas=(0.9, 0.98), weight_decay=weight_decay)
    mean, std = (255 * torch.tensor(each, device=device).view(1, 3, 1, 1) for each in IMAGENET)
    steps, shape = images // batch, {"pct_start": 0.06, "cycle_momentum": False, "final_div_factor": 1e3}
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, lr, steps + 1, **shape)
    kept = {"network": network, "optimiser": optimiser, "schedule": schedule}
    curve, seconds, checkpoint = [], 0.0, out / "checkpoint.pt"
    if checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        if state["settings"] != settings:
            raise ValueError(f"{checkpoint} is of a run with other settings; delete it or name another folder")
        for name, each in kept.items():
            each.load_state_dict(state[name])
        curve, seconds = state["curve"], state["seconds"]
    started = time.perf_counter() - seconds
    for step in tqdm(range(len(curve), steps), "pretraining", steps, len(curve), unit=" step", mininterval=10):
        rng = np.random.default_rng([seed, step])
        torch.manual_seed(seed * 1_000_003 + step)
        picked = [divmod(int(i), SHARD) for i in np.sort(rng.choice(n_groups, groups, replace=False))]
        pairs = [shards[k][i, j, rng.choice(RENDERINGS, 2, replace=False)] for k, i in picked for j in range(GROUP)]
        crops = torch.from_numpy(np.concatenate(pairs)).to(device).permute(0, 3, 1, 2).float()
        crops = ((augment(crops, image_size, least_crop) - mean) / std).contiguous(memory_format=torch.channels_last)
        loss, right = contrast(network["projector"](network["body"](crops)), temperature)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 3.0)
        optimiser.step()
        schedule.step()
        curve.append([round(loss.item(), 4), round(right.item(), 4)])
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            state = {name: each.state_dict() for name, each in kept.items()}
            state |= {"settings": settings, "curve": curve, "seconds": time.perf_counter() - started}
            write_whole(checkpoint, lambda path, state=state: torch.save(state, path))
    state = body.net.state_dict().items()
    weights = {name: (t.half() if t.is_floating_point() else t).contiguous().cpu() for name, t in state}
    machine = torch.cuda.get_device_name(0) if device.type == "cuda" else f"cpu, {os.cpu_count()} cores"
    run = {"settings": settings, "machine": machine, "seconds": round(time.perf_counter() - started)}
    run |= {"torch": torch.__version__, "timm": timm.__version__, "crops_a_point": 10 * batch}
    run["curve"] = np.array(curve)[: steps // 10 * 10].reshape(-1, 10, 2).mean(1).round(3).tolist()  # means of 10 steps
    write_whole(out / "run.json", json.dumps(run) + "\n")
    return write_whole(out / "seedling.safetensors", lambda path: save_file(weights, path))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="a folder: pictures, checkpoint, weights, run.json")
    for name, option in inspect.signature(pretrain).parameters.items():
        if name != "out":
            parser.add_argument(f"--{name.replace('_', '-')}", type=type(option.default), default=option.default)
    print(pretrain(**vars(parser.parse_args())))
