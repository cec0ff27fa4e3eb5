"""Data augmentation: a new random affine or elastic transformation for each image of each batch.

A transformation maps each pixel to the point of the image that it is sampled from. It is a sum of fixed fields with
random coefficients: x, y and 1 for an affine one, and Gaussians on a grid for the elastic displacement. Lengths are in
pixels, and positions are relative to the center of the image.

Source: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis, ICDAR 2003. Instead of noise at every pixel, smoothed by a Gaussian, there is noise at the points of a grid.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

from stages.shared.errors import StageError

Augmentation = Callable[[Tensor], Tensor]

# Affine: drawn uniformly from minus to plus these.
ROTATION = math.radians(10)
SCALE = 0.15
SHEAR = 0.15
TRANSLATION = 1

# Elastic: each pixel is displaced by noise of this standard deviation, smoothed by a Gaussian of this width.
DISPLACEMENT = 0.6
SMOOTHNESS = 3
GRID_SPACING = 4  # slightly more than SMOOTHNESS


def build_augmentation(
    name: Literal["none", "affine", "elastic"], training: Tensor, generator: Generator
) -> Augmentation:
    """Build the function that augments images, float32 of shape (n, channels, height, width).

    Pixels sampled from outside an image are the lowest value in `training`, all images of the training set. All random
    numbers come from `generator`.
    """
    if name == "none":
        return lambda images: images
    if name not in {"affine", "elastic"}:
        raise StageError(f"params.yaml: augment: {name}: add it to build_augmentation in stages/shared/augmentation.py")
    background = training.min()
    height, width = training.shape[-2:]
    elastic = name == "elastic"
    fields = torch.cat([affine_fields(height, width), elastic_fields(height, width)][: 1 + elastic])

    def augment(images: Tensor) -> Tensor:
        coefficients = draw_affine(len(images), generator)
        if elastic:
            noise = torch.randn(len(images), 2, len(fields) - coefficients.shape[2], generator=generator)
            coefficients = torch.cat([coefficients, noise], dim=2)
        sources = torch.from_numpy(coefficients.flatten(0, 1).numpy() @ fields.numpy())  # numpy's product is faster
        return resample(images, sources.view(-1, 2, height, width), background)

    return augment


def affine_fields(height: int, width: int) -> Tensor:
    """Return x, y and 1 at each pixel, of shape (3, height * width). x grows to the right, y downward."""
    y, x = torch.meshgrid(centers(height, height), centers(width, width), indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)]).flatten(1)


def elastic_fields(height: int, width: int) -> Tensor:
    """Return a Gaussian around each point of the grid, of shape (points, height * width).

    Their sum with standard normal coefficients has a standard deviation of DISPLACEMENT at each pixel.
    """
    rows, columns = (gaussians(size) for size in (height, width))
    return DISPLACEMENT * torch.kron(rows, columns)


def gaussians(size: int) -> Tensor:
    """Return a Gaussian around each of the grid's points along an edge of `size` pixels; columns have the norm 1."""
    distances = centers(math.ceil(size / GRID_SPACING), size).unsqueeze(1) - centers(size, size)
    return functional.normalize(torch.exp(-0.5 * (distances / SMOOTHNESS).square()), dim=0)


def centers(cells: int, size: int) -> Tensor:
    """Return the centers of `cells` equal intervals of an edge of `size` pixels."""
    return (torch.arange(cells) + 0.5) * (size / cells) - size / 2


def draw_affine(count: int, generator: Generator) -> Tensor:
    """Draw affine transformations, of shape (count, 2, 3): the coefficients of x, y and 1 for x and for y."""

    def draw(limit: float) -> Tensor:
        return torch.empty(count).uniform_(-limit, limit, generator=generator)

    angle, width, height, shear = draw(ROTATION), 1 + draw(SCALE), 1 + draw(SCALE), draw(SHEAR)
    sine, cosine = angle.sin(), angle.cos()
    # The matrix [[width, shear], [0, height]], rotated by the angle.
    x = [width * cosine, shear * cosine - height * sine, draw(TRANSLATION)]
    y = [width * sine, shear * sine + height * cosine, draw(TRANSLATION)]
    return torch.stack(x + y, dim=1).view(count, 2, 3)


def resample(images: Tensor, sources: Tensor, background: Tensor) -> Tensor:
    """Sample each pixel bilinearly from its source; `sources`, of shape (n, 2, height, width), has x, then y."""
    height, width = images.shape[-2:]
    edges = torch.tensor([width / 2, height / 2]).view(2, 1, 1)  # grid_sample has them at 1
    grid = (sources / edges).permute(0, 2, 3, 1)  # a view: grid_sample is faster if x and y are separate planes
    shifted = images - background  # because grid_sample pads with zeros
    resampled = functional.grid_sample(shifted, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return resampled + background
