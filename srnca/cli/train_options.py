"""The options of `srnca train`, one name each: the hyperparameters keep the field's names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from srnca.cli.options import LEAST_EFFORT, MOST_EFFORT, option

TargetName = Annotated[
    str | None,
    typer.Argument(
        metavar="TARGET", help="An image file, or sample:snake|roundleaf|orchid|alocasia.", show_default=False
    ),
]
Frames = Annotated[
    list[Path] | None,
    option(
        "A recording to learn in place of an image: frames.npz, frames.zarr, a folder, GIF, film; repeat it for more."
    ),
]
Out = Annotated[Path | None, option("Checkpoint to write.  [default: NAME.pt]")]
Preset = Annotated[
    str | None,
    option(
        "default, quality, compact, blog-set5 or blog-set8; with --frames recording, recording-smooth or "
        "recording-relu. Other flags change it."
    ),
]

# The automaton
Channels = Annotated[int | None, option("1 to 64; at least 3 with --colours channels.")]
Colours = Annotated[
    Literal["channels", "map", "squares"] | None,
    option(
        "map: red, green and blue are a learned affine map of all channels. squares: with products of two channels "
        "in it. channels: they are the first three channels.  [default: the preset's]"
    ),
]
Hidden = Annotated[int | None, option("Width of the hidden layer.")]
HiddenChannels = Annotated[int | None, option("With --frames: channels that the recording does not show.")]
Filters = Annotated[int | None, option("1 to 20 stencils; with --frames 1 to 5.")]
Activation = Annotated[
    Literal["relu", "linear", "abs", "product", "tanh"] | None,
    option("Activation: relu, linear, or abs (no hidden layer); with --frames product, tanh or relu."),
]
UpdateRate = Annotated[float | None, option("Probability in (0, 1] that a cell takes a step.")]
Mask = Annotated[
    Literal["cell", "channel"] | None, option("Whether that is drawn for each cell, or for each channel of a cell.")
]
Clamp = Annotated[str | None, option("Interval to which states are clipped: none or LOW,HIGH such as 0,1.")]
FirstState = Annotated[Literal["noise", "square"] | None, option("First state: noise, or a square on the background.")]

# Its training
Stride = Annotated[
    int | None, option("With --frames: steps of the automaton from one frame to the next.  [default: 1]")
]
Dt = Annotated[float | None, option("With --frames: time between two frames.  [default: the file's, or 1]")]
Dx = Annotated[float | None, option("With --frames: width of a cell.  [default: the file's, or 1]")]
Denoise = Annotated[
    bool | None,
    typer.Option(
        "--denoise/--no-denoise",
        help="With --frames: start rollouts from denoised states, where that improves forecasts.  [default: on]",
        show_default=False,
    ),
]
MaxCaSteps = Annotated[int | None, option("Longest rollout, in steps, after which the loss is computed.")]
BatchSize = Annotated[int | None, option("Rollouts per iteration.")]
LearningRate = Annotated[float | None, option("Learning rate of Adam, in (0, 1].")]
L1 = Annotated[float | None, option("Weight of the first layer's mean |w| in the objective; shrinks unneeded weights.")]
Iterations = Annotated[int | None, option("Optimiser steps.")]
Effort = Annotated[
    float | None,
    typer.Option(
        min=LEAST_EFFORT, max=MOST_EFFORT, help="Factor on the preset's iterations.  [default: 1]", show_default=False
    ),
]
Size = Annotated[int | None, option("Side of the training picture, in cells.")]
Seed = Annotated[int | None, option("Random seed; with the same seed and machine the result is the same.")]
Bank = Annotated[Literal["wavelet", "multiscale", "vgg16"] | None, option("What the texture loss compares.")]
VggWeights = Annotated[Path | None, option("vgg16-397923af.pth, for --bank vgg16.")]
Download = Annotated[bool, typer.Option("--download", help="Allow downloading the VGG weights.")]
Crop = Annotated[str | None, option("X,Y,SIDE: the square to learn, in pixels of the image.")]

# This run
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
TimeLimit = Annotated[str | None, option("Save and stop after, say, 90s, 5m or 1h.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from --out where it stopped.")]
Live = Annotated[
    bool, typer.Option("--live", help="Show the training on a page of this machine; its address is printed.")
]
PreviewFile = Annotated[Path | None, option("PNG that updates: target, automaton, loss.")]
