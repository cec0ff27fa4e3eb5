"""Augmentation: maps that are random, repeatable, mild, and right."""

import math
import subprocess
import sys
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.train import augmentation
from stages.train.augmentation import PIXEL, affine_fields, build_augmentation, draw_affine, elastic_fields, resample

RandomMap = Literal["affine", "elastic"]
RANDOM_MAPS: tuple[RandomMap, ...] = ("affine", "elastic")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw_images(count: int = 5) -> Tensor:
    return torch.rand(count, 28, 28, generator=seeded(1)) * 2 - 1


def test_none_returns_its_input() -> None:
    images = draw_images()
    assert build_augmentation("none", -1, seeded())(images) is images


@pytest.mark.parametrize("name", RANDOM_MAPS)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_shape_dtype_and_range_are_kept(name: RandomMap, count: int) -> None:
    images = draw_images(count)
    augmented = build_augmentation(name, -1, seeded())(images)
    assert (augmented.shape, augmented.dtype) == (images.shape, torch.float32)
    assert ((augmented >= -1) & (augmented <= 1)).all()
    assert torch.equal(images, draw_images(count))  # the input is left alone


@pytest.mark.parametrize("name", RANDOM_MAPS)
def test_each_image_has_a_map_of_its_own_drawn_anew(name: RandomMap) -> None:
    images = draw_images(1).expand(4, 28, 28)
    augment = build_augmentation(name, -1, seeded())
    augmented = torch.cat([augment(images), augment(images)])
    assert len({image.numpy().tobytes() for image in augmented}) == 8


@pytest.mark.parametrize("name", RANDOM_MAPS)
def test_the_generator_is_the_only_source_of_randomness(name: RandomMap) -> None:
    def augment(seed: int) -> Tensor:
        torch.manual_seed(torch.seed())  # another state of torch's own generator each time
        return build_augmentation(name, -1, seeded(seed))(draw_images())

    assert torch.equal(augment(7), augment(7))
    assert not torch.equal(augment(7), augment(8))


@pytest.mark.parametrize("background", [-1.0, 0.0, -0.42421296])
def test_beyond_the_edges_lies_background(background: float) -> None:
    coefficients = torch.tensor([[[1, 0, 10 * PIXEL], [0, 1, 0]]])  # each pixel looks 10 to its right
    shifted = resample(torch.ones(1, 28, 28), grid_of(coefficients), background)[0]
    torch.testing.assert_close(shifted[:, :18], torch.ones(28, 18))
    assert (shifted[:, 18:] == background).all()


@pytest.mark.parametrize("name", RANDOM_MAPS)
def test_an_empty_image_stays_empty(name: RandomMap) -> None:
    images = torch.full((3, 28, 28), -0.42421296)
    assert torch.equal(build_augmentation(name, float(images.min()), seeded())(images), images)


def test_affine_maps_equal_a_bilinear_loop() -> None:
    images = draw_images(3)
    coefficients = torch.tensor(
        [
            [[1, 0, 0], [0, 1, 0]],  # the identity
            [[0, -1, 0], [1, 0, 0]],  # a quarter turn
            [[0.9, 0.2, 0.1], [-0.3, 1.1, -0.05]],  # no symmetry
        ]
    )
    mapped = resample(images, grid_of(coefficients), -1)
    torch.testing.assert_close(mapped[0], images[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(mapped[1], images[1].rot90(), atol=1e-4, rtol=0)
    for image, map_coefficients, actual in zip(images, coefficients, mapped, strict=True):
        expected = map_slowly(image.numpy(), map_coefficients.numpy(), background=-1)
        np.testing.assert_allclose(actual.numpy(), expected, atol=1e-4)


def test_affine_draws_are_compositions_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"ROTATION": 0.2, "SCALE": 0.15, "SHEAR": 0.1, "TRANSLATION": 0.05}  # no two the same
    for name, limit in limits.items():
        monkeypatch.setattr(augmentation, name, limit)
    maps = draw_affine(10_000, seeded()).double()
    linear, translation = maps[:, :, :2], maps[:, :, 2]
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    turned_back = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=1).view(-1, 2, 2) @ linear
    for name, drawn in [
        ("ROTATION", angle),
        ("SCALE", turned_back[:, 0, 0] - 1),
        ("SCALE", turned_back[:, 1, 1] - 1),
        ("SHEAR", turned_back[:, 0, 1]),
        ("TRANSLATION", translation[:, 0]),
        ("TRANSLATION", translation[:, 1]),
    ]:
        limit = limits[name]
        # Uniform from -limit to limit: the extremes are reached, and the variance is a third of the square.
        assert drawn.abs().max().item() == pytest.approx(limit, rel=0.01)
        assert drawn.mean().item() == pytest.approx(0, abs=0.05 * limit)
        assert drawn.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)


def test_elastic_displacements_are_smooth_and_as_large_as_they_say() -> None:
    noise = torch.randn(2_000, augmentation.LATTICE_SIZE**2, generator=seeded())
    displacements = (noise @ elastic_fields()).view(-1, 28, 28)
    deviations = displacements.std(dim=0) / augmentation.DISPLACEMENT
    torch.testing.assert_close(deviations, torch.ones(28, 28), rtol=0, atol=0.1)
    # No folds: neighbors keep their order, so far as their displacements differ by less than their distance.
    assert displacements.diff(dim=2).std().item() < PIXEL / 2


def test_only_elastic_maps_bend_straight_lines() -> None:
    ramps = affine_fields()[0].view(1, 28, 28).expand(50, 28, 28)  # x: an affine map leaves its second differences 0
    for name in RANDOM_MAPS:
        middles = build_augmentation(name, -1, seeded())(ramps)[:, 10:18, 10:18]
        bends = middles.diff(n=2, dim=2).abs().amax(dim=(1, 2))
        assert ((bends > 1e-4) == (name == "elastic")).all()


@pytest.mark.parametrize("name", RANDOM_MAPS)
def test_maps_are_mild(name: RandomMap) -> None:
    """A dot in the middle of an image stays near it."""
    images = torch.zeros(200, 28, 28)
    images[:, 13:15, 13:15] = 1
    augmented = build_augmentation(name, 0, seeded())(images)
    position = torch.arange(28) - 13.5
    mass = augmented.sum(dim=(1, 2))
    assert (mass > 0).all()
    for dim in (1, 2):
        offset = (augmented.sum(dim=dim) * position).sum(dim=1) / mass
        assert offset.abs().max() < 8
        assert offset.abs().mean() < 2
        assert offset.mean().abs() < 0.5


def test_portable_bytes_do_not_depend_on_the_number_of_threads() -> None:
    script = """
import torch
from stages.shared import numerics
from stages.train.augmentation import build_augmentation

numerics.pin("portable")
images = torch.rand(512, 28, 28)
augmented = []
for threads in (1, 2):
    torch.set_num_threads(threads)
    augmented.append(build_augmentation("elastic", 0, torch.Generator().manual_seed(0))(images))
assert torch.equal(*augmented)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def grid_of(coefficients: Tensor) -> Tensor:
    return (coefficients @ affine_fields()).view(-1, 2, 28, 28)


def map_slowly(image: NDArray[np.float32], coefficients: NDArray[np.float32], background: float) -> NDArray[np.float64]:
    """Look up each pixel of the result where the affine map sends it, in pixels from the middle of the image."""
    mapped = np.empty((28, 28))
    linear, translation = coefficients[:, :2], coefficients[:, 2] / PIXEL
    for row, column in np.ndindex(28, 28):
        x, y = linear @ [column - 13.5, row - 13.5] + translation + 13.5
        left, top = math.floor(x), math.floor(y)
        mapped[row, column] = sum(
            (1 - abs(x - c)) * (1 - abs(y - r)) * (image[r, c] if 0 <= r < 28 and 0 <= c < 28 else background)
            for r in (top, top + 1)
            for c in (left, left + 1)
        )
    return mapped
