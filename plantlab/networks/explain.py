"""What in a photo spoke for an answer."""

import numpy as np
import torch
from captum.attr import LayerAttribution, LayerGradCam

from plantlab.data.photos import open_photo
from plantlab.networks.backbones import Classifier
from plantlab.networks.views import seen_whole


def last_map(network: Classifier, image_size: int) -> torch.nn.Module:
    """Return the last layer of the body whose map is 4 x 4 or larger: a coarser one shows nothing.

    Raises:
        ValueError: the body has none (a transformer): Grad-CAM does not apply.
    """
    seen = []

    def note(layer, _, out):
        if torch.is_tensor(out) and out.ndim == 4 and min(out.shape[2:]) >= 4:
            seen.append(layer)

    hooks = [
        layer.register_forward_hook(note)
        for layer in network.body.modules()
        if not list(layer.children())
    ]
    with torch.inference_mode():
        network.eval()(torch.zeros(1, 3, image_size, image_size, device=network.mean.device))
    for hook in hooks:
        hook.remove()
    if not seen:
        raise ValueError(
            "this backbone keeps no feature map for Grad-CAM; choose a convolutional one such as resnet18"
        )
    return seen[-1]


def grad_cam(
    network: Classifier, path: str, target: int, image_size: int = 128
) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo uint8 (S, S, 3) and where it spoke for species `target`: float (S, S) in [0, 1].

    Introduced in notebook 02.
    Source: Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based localization".
    """
    photo = seen_whole(open_photo(path, image_size), image_size)
    batch = (
        torch.from_numpy(photo)
        .permute(2, 0, 1)[None]
        .float()
        .to(network.mean.device)
        .requires_grad_()
    )
    weights = LayerGradCam(network, last_map(network, image_size)).attribute(
        batch, target, relu_attributions=True
    )
    heat = (
        LayerAttribution.interpolate(weights, (image_size, image_size), "bilinear")[0, 0]
        .detach()
        .cpu()
        .numpy()
    )
    return photo, heat / max(float(heat.max()), 1e-12)
