"""The automaton of a recording as the teacher of a rule."""

from __future__ import annotations

import numpy as np

from equations.rule.stencils import feature_names
from srnca.dynamics.checkpoint import RecordingCheckpoint
from srnca.dynamics.config import law_stencils
from srnca.dynamics.teacher import RecordingNCATeacher
from tests.test_srnca.recorded import record


def test_the_teacher_asks_near_the_recording_and_knows_its_error(network: RecordingCheckpoint) -> None:
    teacher = RecordingNCATeacher(network)
    samples = teacher.samples(rows=2000, seed=0)
    assert samples.names == feature_names(("u", "v"), law_stencils(2))
    assert 1500 < len(samples.X) < 2600
    np.testing.assert_allclose(teacher.update(samples.X), samples.Y)
    assert (samples.floor >= np.square(network.error)).all()
    assert samples.X[:, 0].min() > -0.5  # u stays within what was recorded, and room
    again = teacher.samples(rows=2000, seed=0)
    np.testing.assert_array_equal(samples.X, again.X)
    frames = teacher.rollout(size=(99, 99), steps=4, seed=0, every=2)
    assert frames.shape == (3, 2, *record()[1].shape[2:])
