"""Recordings of frames, and the rules behind them.

`identify` finds a rule by regression: survey (noise, scheme in time, stencil) → system (windows, unbiased terms) →
choose → channel_law → rule. For automata that are trained on recordings there are footage (windows to train on),
windows (rollouts beside the recording) and refit (terms and constants of a rule fitted to such rollouts); these
three, rollout_fit and terms_table load torch. Importing this package loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from distill.identify.pipeline import Identification, identify

__all__ = ["Identification", "identify"]

__getattr__, __dir__ = lazy_names(globals(), {"pipeline": ("Identification", "identify")})
