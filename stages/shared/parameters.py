"""Parameters that two stages or more read, documented in params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

DatasetName = Literal["mnist", "fashion_mnist", "kmnist", "digits"]

Dataset = Annotated[DatasetName, Field(description="mnist, fashion_mnist, kmnist or digits")]
# The limits of mean and std keep every pixel finite in float32.
Mean = Annotated[float, Field(ge=-1e6, le=1e6, description="a number from -1000000 to 1000000")]
Std = Annotated[float, Field(ge=1e-6, le=1e6, description="a number from 0.000001 to 1000000")]
