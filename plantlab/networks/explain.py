"""What in a photo spoke for an answer."""

import numpy as np
import torch

from plantlab.data.photos import open_photo
from plantlab.networks.backbones import Classifier
from plantlab.networks.views import seen_whole

SMALLEST_MAP = 4  # a side, in cells: a coarser map shows nothing


def last_map(network: Classifier, image_size: int) -> torch.nn.Module:
    """Return the last layer of the body whose map is 4 x 4 or larger: a coarser one shows nothing.

    Raises:
        ValueError: the body has none (a transformer): Grad-CAM does not apply.
    """
    seen = []

    def note(layer: torch.nn.Module, _, out: object) -> None:
        is_map = torch.is_tensor(out) and out.ndim == 4  # (B, C, H, W)
        if is_map and min(out.shape[2:]) >= SMALLEST_MAP:
            seen.append(layer)

    layers = network.body.modules()
    leaves = [layer for layer in layers if not list(layer.children())]
    hooks = [layer.register_forward_hook(note) for layer in leaves]
    photos = torch.zeros(1, 3, image_size, image_size)
    with torch.inference_mode():
        network.eval()(photos.to(network.mean.device))
    for hook in hooks:
        hook.remove()
    if not seen:
        raise ValueError(
            "this backbone keeps no feature map for Grad-CAM; "
            "choose a convolutional one such as resnet18"
        )
    return seen[-1]


def grad_cam(
    network: Classifier, path: str | bytes, target: int, image_size: int = 128
) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo uint8 (S, S, 3) and where it spoke for species `target`.

    That is a float (S, S) in [0, 1].
    Introduced in notebook 02.

    Source: Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via
    gradient-based localization".
    """
    from captum.attr import LayerAttribution, LayerGradCam  # it loads pyplot and fastai

    photo = seen_whole(open_photo(path, image_size), image_size)
    pixels = torch.from_numpy(photo).permute(2, 0, 1).float()
    batch = pixels[None].to(network.mean.device).requires_grad_()  # (1, 3, S, S)
    layer = last_map(network, image_size)
    coarse = LayerGradCam(network, layer).attribute(batch, target, relu_attributions=True)
    fine = LayerAttribution.interpolate(coarse, (image_size, image_size), "bilinear")
    heat = fine[0, 0].detach().cpu().numpy()
    return photo, heat / max(float(heat.max()), 1e-12)
