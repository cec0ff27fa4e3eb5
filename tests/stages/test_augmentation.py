import math
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from stages.shared import augmentation
from stages.shared.augmentation import affine_fields, build_augmentation, draw_affine, elastic_fields, resample

Name = Literal["affine", "elastic"]
NAMES: tuple[Name, ...] = ("affine", "elastic")


def make_generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw_images(count: int = 5, channels: int = 1, height: int = 28, width: int = 28) -> Tensor:
    return torch.rand(count, channels, height, width, generator=make_generator(1)) * 2 - 1


def augment(name: Name, images: Tensor, seed: int = 0, background: float = -1) -> Tensor:
    """Augment images of a training set that has no lower value than `background`."""
    training = torch.full((1, *images.shape[1:]), background)
    return build_augmentation(name, training, make_generator(seed))(images)


def test_none_returns_input() -> None:
    images = draw_images()
    assert build_augmentation("none", images, make_generator())(images) is images


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0, 1, 28, 28), (1, 1, 28, 28), (5, 3, 32, 32), (5, 1, 9, 30)])
def test_keeps_shape_dtype_and_range(name: Name, shape: tuple[int, int, int, int]) -> None:
    images = draw_images(*shape)
    augmented = augment(name, images)
    assert (augmented.shape, augmented.dtype) == (shape, torch.float32)
    assert ((augmented >= -1) & (augmented <= 1)).all()
    assert torch.equal(images, draw_images(*shape))  # the input is unchanged


@pytest.mark.parametrize("name", NAMES)
def test_channels_have_the_same_transformation(name: Name) -> None:
    augmented = augment(name, draw_images().expand(5, 3, 28, 28))
    assert torch.equal(augmented[:, 0], augmented[:, 1])
    assert torch.equal(augmented[:, 0], augmented[:, 2])


@pytest.mark.parametrize("name", NAMES)
def test_each_image_has_another_transformation_each_time(name: Name) -> None:
    """Which depends on the generator only."""
    images = draw_images(1).expand(4, 1, 28, 28)

    def draw(seed: int) -> Tensor:
        torch.manual_seed(torch.seed())  # another state of torch's default generator each time
        transform = build_augmentation(name, images, make_generator(seed))
        return torch.cat([transform(images), transform(images)])

    assert len({image.numpy().tobytes() for image in draw(7)}) == 8
    assert torch.equal(draw(7), draw(7))
    assert not torch.equal(draw(7), draw(8))


@pytest.mark.parametrize("background", [0.0, -0.42421296])
def test_outside_of_image_is_background(background: float) -> None:
    coefficients = torch.tensor([[[1.0, 0, 10], [0, 1, 0]]])  # each source is 10 pixels to the right
    shifted = resample(torch.ones(1, 1, 28, 28), make_sources(coefficients), torch.tensor(background))[0, 0]
    torch.testing.assert_close(shifted[:, :18], torch.ones(28, 18))
    torch.testing.assert_close(shifted[:, 18:], torch.full((28, 10), background), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_uniform_image_is_unchanged(name: Name) -> None:
    images = torch.full((3, 1, 28, 28), -0.42421296)
    assert torch.equal(augment(name, images, background=float(images.min())), images)


def test_affine_equals_bilinear_loop() -> None:
    images = draw_images(3).squeeze(1)
    coefficients = torch.tensor(
        [
            [[1, 0, 0], [0, 1, 0]],  # the identity
            [[0, -1, 0], [1, 0, 0]],  # rotation by 90 degrees
            [[0.9, 0.2, 1.4], [-0.3, 1.1, -0.7]],  # not symmetric
        ]
    )
    resampled = resample(images.unsqueeze(1), make_sources(coefficients), torch.tensor(-1)).squeeze(1)
    torch.testing.assert_close(resampled[0], images[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(resampled[1], images[1].rot90(), atol=1e-4, rtol=0)
    for image, matrix, actual in zip(images, coefficients, resampled, strict=True):
        expected = resample_in_loop(image.numpy(), matrix.numpy(), background=-1)
        np.testing.assert_allclose(actual.numpy(), expected, atol=1e-4)


def test_affine_is_composition_within_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"ROTATION": 0.2, "SCALE": 0.15, "SHEAR": 0.1, "TRANSLATION": 0.7}  # all different
    for name, limit in limits.items():
        monkeypatch.setattr(augmentation, name, limit)
    matrices = draw_affine(10_000, make_generator()).double()
    linear, translation = matrices[:, :, :2], matrices[:, :, 2]
    angle = torch.atan2(linear[:, 1, 0], linear[:, 0, 0])
    rotated_back = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=1).view(-1, 2, 2) @ linear
    for name, drawn in [
        ("ROTATION", angle),
        ("SCALE", rotated_back[:, 0, 0] - 1),
        ("SCALE", rotated_back[:, 1, 1] - 1),
        ("SHEAR", rotated_back[:, 0, 1]),
        ("TRANSLATION", translation[:, 0]),
        ("TRANSLATION", translation[:, 1]),
    ]:
        limit = limits[name]
        # Uniform from -limit to limit: the variance is limit ** 2 / 3.
        assert drawn.abs().max().item() == pytest.approx(limit, rel=0.01)
        assert drawn.mean().item() == pytest.approx(0, abs=0.05 * limit)
        assert drawn.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.05)


def test_elastic_displacement_is_smooth() -> None:
    fields = elastic_fields(28, 28)
    assert len(fields) == 49
    displacements = (torch.randn(2_000, 49, generator=make_generator()) @ fields).view(-1, 28, 28)
    deviations = displacements.std(dim=0) / augmentation.DISPLACEMENT
    torch.testing.assert_close(deviations, torch.ones(28, 28), rtol=0, atol=0.1)
    # Displacements of neighbors differ by less than their distance, so that their order is kept.
    assert displacements.diff(dim=2).std().item() < 1 / 2


def test_only_elastic_curvatures_lines() -> None:
    ramps = (
        affine_fields(28, 28)[0].view(1, 1, 28, 28).expand(50, 1, 28, 28)
    )  # x: its second differences stay 0 if affine
    for name in NAMES:
        centers = augment(name, ramps, background=-14)[:, 0, 10:18, 10:18]
        curvatures = centers.diff(n=2, dim=2).abs().amax(dim=(1, 2))
        assert ((curvatures > 1e-3) == (name == "elastic")).all()


def test_image_that_is_not_square_is_rotated_without_distortion() -> None:
    images = torch.zeros(1, 1, 9, 31)
    images[0, 0, 4, 13:18] = 1
    quarter = torch.tensor([[[0.0, -1, 0], [1, 0, 0]]])
    sources = (quarter @ affine_fields(9, 31)).view(1, 2, 9, 31)
    expected = torch.zeros(9, 31)
    expected[2:7, 15] = 1
    torch.testing.assert_close(resample(images, sources, torch.tensor(0))[0, 0], expected, atol=1e-5, rtol=0)


def make_sources(coefficients: Tensor) -> Tensor:
    return (coefficients @ affine_fields(28, 28)).view(-1, 2, 28, 28)


def resample_in_loop(
    image: NDArray[np.float32], coefficients: NDArray[np.float32], background: float
) -> NDArray[np.float64]:
    """Sample each pixel at the point that the affine transformation maps it to, in pixels from the center."""
    resampled = np.empty((28, 28))
    linear, translation = coefficients[:, :2], coefficients[:, 2]
    for row, column in np.ndindex(28, 28):
        x, y = linear @ [column - 13.5, row - 13.5] + translation + 13.5
        left, top = math.floor(x), math.floor(y)
        resampled[row, column] = sum(
            (1 - abs(x - c)) * (1 - abs(y - r)) * (image[r, c] if 0 <= r < 28 and 0 <= c < 28 else background)
            for r in (top, top + 1)
            for c in (left, left + 1)
        )
    return resampled
