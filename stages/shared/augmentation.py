"""Data augmentation: a new random affine or elastic transformation for each image of each batch.

A transformation maps each pixel to the point of the image that it is sampled from. It is a sum of fixed fields with
random coefficients: x, y and 1 for an affine one, and Gaussians on a grid for the elastic displacement.

Source: Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks Applied to Visual Document
Analysis, ICDAR 2003. Instead of noise at every pixel, smoothed by a Gaussian, there is noise at the points of a grid.
"""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn import functional

from stages.shared.shapes import IMAGE_SIZE

Augmentation = Callable[[NDArray[np.float32]], NDArray[np.float32]]

PIXEL = 2 / IMAGE_SIZE  # in coordinates from -1 to 1, from edge to edge

# Affine: drawn uniformly from minus to plus these.
ROTATION = math.radians(10)
SCALE = 0.15
SHEAR = 0.15
TRANSLATION = 1 * PIXEL

# Elastic: each pixel is displaced by noise of this standard deviation, smoothed by a Gaussian of this width.
DISPLACEMENT = 0.6 * PIXEL
SMOOTHNESS = 3 * PIXEL
GRID_SIZE = 7  # points along an edge; their distance is slightly more than SMOOTHNESS


def build_augmentation(
    name: Literal["none", "affine", "elastic"], training: NDArray[np.float32], generator: Generator
) -> Augmentation:
    """Build the function that augments images, float32 of shape (n, 28, 28).

    Pixels sampled from outside an image are the lowest value in `training`, all images of the training set. All random
    numbers come from `generator`.
    """
    if name == "none":
        return lambda images: images
    background = float(training.min())
    elastic = name == "elastic"
    fields = torch.cat([affine_fields(), elastic_fields()]) if elastic else affine_fields()

    def augment(images: NDArray[np.float32]) -> NDArray[np.float32]:
        coefficients = draw_affine(len(images), generator)
        if elastic:
            noise = torch.randn(len(images), 2, GRID_SIZE**2, generator=generator)
            coefficients = torch.cat([coefficients, noise], dim=2)
        sources = torch.from_numpy(coefficients.flatten(0, 1).numpy() @ fields.numpy())  # numpy's product is faster
        return resample(torch.from_numpy(images), sources.view(-1, 2, IMAGE_SIZE, IMAGE_SIZE), background).numpy()

    return augment


def affine_fields() -> Tensor:
    """Return x, y and 1 at each pixel, of shape (3, 784). x grows to the right, y downward."""
    y, x = torch.meshgrid(centers(IMAGE_SIZE), centers(IMAGE_SIZE), indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)]).flatten(1)


def elastic_fields() -> Tensor:
    """Return a Gaussian around each point of the grid, of shape (GRID_SIZE ** 2, 784).

    Their sum with standard normal coefficients has a standard deviation of DISPLACEMENT at each pixel.
    """
    distances = centers(GRID_SIZE).unsqueeze(1) - centers(IMAGE_SIZE)
    gaussians = functional.normalize(torch.exp(-0.5 * (distances / SMOOTHNESS).square()), dim=0)
    return DISPLACEMENT * torch.kron(gaussians, gaussians)


def centers(cells: int) -> Tensor:
    """Return the centers of `cells` equal intervals from -1 to 1."""
    return (torch.arange(cells) + 0.5) * (2 / cells) - 1


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


def resample(images: Tensor, sources: Tensor, background: float) -> Tensor:
    """Sample each pixel bilinearly from its source; `sources`, of shape (n, 2, 28, 28), has x, then y."""
    grid = sources.permute(0, 2, 3, 1)  # a view: grid_sample is faster if x and y are separate planes
    shifted = (images - background).unsqueeze(1)  # because grid_sample pads with zeros
    resampled = functional.grid_sample(shifted, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return resampled.squeeze(1) + background
