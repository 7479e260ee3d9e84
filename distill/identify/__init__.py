"""From recordings of frames straight to a rule.

survey (noise, scheme in time, stencil) → system (windows, terms freed of noise) → choose → law → rule.
"""

from __future__ import annotations

from distill.identify.pipeline import Identification, identify

__all__ = ["Identification", "identify"]
