"""What the network is shown, and what it looked at."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from captum.attr import LayerAttribution, LayerGradCam
from matplotlib.figure import Figure

from plantlab.backbones import Classifier
from plantlab.images import PhotoDataset, seen_whole
from plantlab.photos import open_photo
from plantlab.plots import counted, titled
from plantlab.predictions import Predictions


def last_map(network: Classifier, image_size: int) -> torch.nn.Module:
    """Return the last layer of the body whose output still has height and width.

    Raises:
        ValueError: the body has none (a transformer): Grad-CAM does not apply.
    """
    seen = []

    def note(layer, _, out):
        if torch.is_tensor(out) and out.ndim == 4 and min(out.shape[2:]) > 1:
            seen.append(layer)

    hooks = [layer.register_forward_hook(note) for layer in network.body.modules() if not list(layer.children())]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, image_size, image_size, device=network.mean.device))
    for hook in hooks:
        hook.remove()
    if not seen:
        raise ValueError("this backbone keeps no feature map for Grad-CAM; choose a convolutional one such as resnet18")
    return seen[-1]


def grad_cam(network: Classifier, path: str, target: int, image_size: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo uint8 (S, S, 3) and where it spoke for species `target`: float (S, S) in [0, 1].

    Introduced in notebook 02.

    Source: Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based localization".
    """
    photo = seen_whole(open_photo(path, image_size), image_size)
    batch = torch.from_numpy(photo).permute(2, 0, 1)[None].float().to(network.mean.device).requires_grad_()
    weights = LayerGradCam(network, last_map(network, image_size)).attribute(batch, target, relu_attributions=True)
    heat = LayerAttribution.interpolate(weights, (image_size, image_size), "bilinear")[0, 0].detach().cpu().numpy()
    return photo, heat / max(float(heat.max()), 1e-12)


def plot_shown(
    images: pd.DataFrame, image_size: int, augment: str, n: int = 8, epochs: int = 4, seed: int = 0
) -> Figure:
    """Draw `n` photos as the network is shown them: the whole photo on top, then one epoch a row."""
    some = images.sample(min(n, len(images)), random_state=seed)
    shown = PhotoDataset(some, [], image_size, augment, seed)
    rows = [[seen_whole(open_photo(path, image_size), image_size) for path in shown.paths]]
    for shown.epoch in range(epochs):
        rows.append([shown[i][0].permute(1, 2, 0).numpy() for i in range(len(shown))])
    guises = len({picture.tobytes() for row in rows[1:] for picture in row})
    fig, ax = plt.subplots(figsize=(7, 7 * (epochs + 1) / len(some) + 0.5))
    ax.imshow(np.concatenate([np.concatenate(row, axis=1) for row in rows]))
    ax.set_yticks(
        [image_size * (i + 0.5) for i in range(epochs + 1)], ["whole", *[f"epoch {e + 1}" for e in range(epochs)]]
    )
    ax.set(xticks=[], frame_on=False)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    titled(ax, f"{epochs} epochs make {guises} pictures of {len(some)} photos (augment: {augment})", counted(images))
    return fig


def plot_looks(predictions: Predictions, network: Classifier, image_size: int, n: int = 6, seed: int = 0) -> Figure:
    """Draw `n` photos, half of them named wrong where there are as many, and in colour what spoke for the answer.

    Introduced in notebook 02.
    """
    wrong = predictions.probs.argmax(1) != predictions.targets
    order = np.random.default_rng(seed).permutation(len(predictions))
    picked = [*order[wrong[order]][: n // 2], *order[~wrong[order]]][:n]
    fig, ax = plt.subplots(figsize=(7, 14 / len(picked) + 0.9))
    columns = []
    for i, row in enumerate(picked):
        answer = int(predictions.probs[row].argmax())
        photo, heat = grad_cam(network, predictions.images["image_path"].iloc[row], answer, image_size)
        columns.append(np.concatenate([photo, 0.45 * photo + 0.55 * 255 * plt.cm.viridis(heat)[..., :3]]) / 255)
        truth, named = predictions.images["species"].iloc[row], predictions.species[answer]
        told = f"{truth}\n(right)" if truth == named else f"{truth}\nnamed\n{named}"
        ax.text((i + 0.5) * image_size, 2.04 * image_size, told, ha="center", va="top", fontsize=6.2, style="italic")
    ax.imshow(np.concatenate(columns, axis=1).clip(0, 1))
    ax.axis("off")
    titled(
        ax,
        f"What spoke for the answer (bright); {wrong.mean():.0%} of all answers are wrong",
        counted(predictions.images),
    )
    return fig
