"""Augmentation: each image of a batch is seen through a random map of its own, drawn anew every time.

A map says, for each pixel, from which point of the image it takes its value: a sum of fixed fields with random
coefficients. The fields x, y and 1 make it affine; Gaussian bumps on a lattice bend it as well.

Source: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis, ICDAR 2003. Their noise at every pixel, smoothed by a Gaussian, is here noise at the points of a lattice.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

from stages.shared.shapes import IMAGE_SIZE

Augmentation = Callable[[Tensor], Tensor]

PIXEL = 2 / IMAGE_SIZE  # in the coordinates of a map, which run from -1 to 1, from edge to edge

# Affine: each is drawn uniformly from minus to plus this.
ROTATION = math.radians(10)
SCALE = 0.15
SHEAR = 0.15
TRANSLATION = 1 * PIXEL

# Elastic: each pixel is displaced by noise of this standard deviation, smoothed by a Gaussian of this width.
DISPLACEMENT = 0.6 * PIXEL
SMOOTHNESS = 3 * PIXEL
LATTICE_SIZE = 7  # points along an edge; as far apart as the Gaussian is wide, or a little farther


def build_augmentation(
    name: Literal["none", "affine", "elastic"], background: float, generator: Generator
) -> Augmentation:
    """Build the function that `name` stands for. It maps images, float32 of shape (n, 28, 28), to as many new ones.

    What comes from beyond the edges of an image is `background`. All randomness comes from `generator`.
    """
    if name == "none":
        return lambda images: images
    elastic = name == "elastic"
    fields = torch.cat([affine_fields(), elastic_fields()]) if elastic else affine_fields()

    def augment(images: Tensor) -> Tensor:
        coefficients = draw_affine(len(images), generator)
        if elastic:
            noise = torch.randn(len(images), 2, LATTICE_SIZE**2, generator=generator)
            coefficients = torch.cat([coefficients, noise], dim=2)
        sources = coefficients.flatten(0, 1) @ fields
        return resample(images, sources.view(-1, 2, IMAGE_SIZE, IMAGE_SIZE), background)

    return augment


def affine_fields() -> Tensor:
    """Return x, y and 1 at each pixel, of shape (3, 784). x grows to the right, y downward."""
    y, x = torch.meshgrid(centers(IMAGE_SIZE), centers(IMAGE_SIZE), indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)]).flatten(1)


def elastic_fields() -> Tensor:
    """Return a Gaussian bump around each point of the lattice, of shape (LATTICE_SIZE ** 2, 784).

    With standard normal coefficients their sum has, at each pixel, a standard deviation of DISPLACEMENT.
    """
    distances = centers(LATTICE_SIZE).unsqueeze(1) - centers(IMAGE_SIZE)
    bumps = functional.normalize(torch.exp(-0.5 * (distances / SMOOTHNESS).square()), dim=0)
    return DISPLACEMENT * torch.kron(bumps, bumps)


def centers(cells: int) -> Tensor:
    """Return the centers of equal cells from -1 to 1."""
    return (torch.arange(cells) + 0.5) * (2 / cells) - 1


def draw_affine(count: int, generator: Generator) -> Tensor:
    """Draw affine maps, of shape (count, 2, 3): what x and y take of x, y and 1."""

    def draw(limit: float) -> Tensor:
        return torch.empty(count).uniform_(-limit, limit, generator=generator)

    angle, width, height, shear = draw(ROTATION), 1 + draw(SCALE), 1 + draw(SCALE), draw(SHEAR)
    sine, cosine = angle.sin(), angle.cos()
    # Of [[width, shear], [0, height]], turned by the angle.
    x = [width * cosine, shear * cosine - height * sine, draw(TRANSLATION)]
    y = [width * sine, shear * sine + height * cosine, draw(TRANSLATION)]
    return torch.stack(x + y, dim=1).view(count, 2, 3)


def resample(images: Tensor, sources: Tensor, background: float) -> Tensor:
    """Take each pixel from its source, bilinearly. `sources`, of shape (n, 2, 28, 28), holds x, then y."""
    grid = sources.permute(0, 2, 3, 1)  # a view: grid_sample is faster on x and y in planes of their own
    shifted = (images - background).unsqueeze(1)  # because grid_sample pads with zeros
    resampled = functional.grid_sample(shifted, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return resampled.squeeze(1) + background
