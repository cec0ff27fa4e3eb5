"""The rules by which the digits of a picture are found: constants that the page models/draw.html has, too."""

from collections.abc import Sequence
from typing import NamedTuple


class Rules(NamedTuple):
    """Lengths are shares of the longer side of what they are compared with, contrasts are of 255."""

    visible_contrast: int = 24  # what is visible of a transparent picture is plain below this
    working_size: int = 400  # pixels of the longer side at which marks are found
    grid_size: int = 64  # pixels of the longer side at which the paper is estimated
    # A frame is another gray along a side, up to a straight edge: the window of a program, a status bar, the table.
    frame_depth: float = 0.3
    frame_edge: float = 0.6  # of the side; what is left of it is ink that crosses the edge
    frame_step: int = 24
    widest_stroke: float = 0.4  # of the picture; wider ones are shadows
    darkest_paper: int = 96  # noise in a darker shadow is not stretched further
    min_contrast: int = 12
    min_noise_ratio: float = 4  # of contrast and noise
    faintest: float = 0.15  # of the contrast; JPEG leaves fainter traces around a stroke
    # Faint ink has a sharp edge, a shadow has not: within this share of the picture, most of the contrast.
    darkest_shadow: int = 128
    widest_edge: float = 0.0075
    edge_contrast: float = 0.5
    # In a picture without a margin, ink touches the border. It is dark, and fills most of the picture.
    tight_contrast: int = 48
    tight_size: float = 0.5
    tight_width: float = 0.02  # thinner ones are lines through the picture
    # Marks that are not digits.
    min_size: float = 0.02  # of the picture
    min_part: float = 0.4  # of a digit: its largest part; else it is a row of specks
    panel_size: float = 0.15  # of the picture; a filled rectangle is a picture of its own
    panel_fill: float = 0.6  # of its box; a thick 0 fills less
    panel_side: float = 0.9  # of each side of the rectangle
    panel_edges: tuple[float, ...] = (0.02, 0.05)  # of its size
    panel_ratio: float = 2  # of its sides
    enclosed: float = 0.2  # of a box or circle; what is in it is not a speck
    flat: float = 4  # width by height of a line under a digit
    dot_size: float = 0.35  # of the tallest mark; a smaller one that fills its box is a period or a hole
    dot_fill: float = 0.6
    # Strokes of one digit are near each other; what is smaller than a digit belongs to one.
    digit_size: float = 0.5  # of the tallest mark
    stroke_gap: float = 0.2  # of the larger mark
    vertical_gap: float = 0.25
    margin: float = 0.2  # of the digits, where they are found again with more pixels
    # Widths of strokes by the longer side of the ink. MNIST's are 0.06 to 0.15; others would fade or clog at its size.
    thinnest_stroke: float = 0.06
    thickest_stroke: float = 0.15
    stroke: float = 0.09  # what others are brought to
    fine_ink: int = 100  # pixels of the longer side; smaller ink is enlarged before its strokes change
    slant: float = 0.7  # the share of the slant that is removed
    certain: float = 0.9  # a lower probability is uncertain


RULES = Rules()


def are_digits(classes: Sequence[str]) -> bool:
    """Tell whether these rules apply: several digits are a number, other classes are not found by their strokes."""
    return set(classes) <= set("0123456789")
