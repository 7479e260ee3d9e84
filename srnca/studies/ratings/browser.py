"""Rating in the browser: optuna-dashboard shows each picture as a running trial that waits for a value.

The study's own trials have ended and accept no values, and their pages would show hyperparameters and losses. So the
pictures, in random order, become running trials of a second study in memory. Each answer is written to the real study
at once.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from equations.errors import InputError, MissingPartError
from srnca.studies.ratings.ratings import HIGHEST, LOWEST, Shown, add_rating, parse_score
from srnca.studies.ratings.sheet import GAP, LARGE, read_picture, scaled, to_image
from srnca.studies.storage.schema import import_optuna

POLL_S = 0.2


class BrowserRating:
    """A local page on which `rater` rates pictures.

    shown: the pictures, in their order.
    targets: name -> (h, w, 3) in [0, 1], for the targets that are on this machine.
    waiting: indices of the pictures without an answer.

    Raises MissingPartError without optuna-dashboard.
    """

    def __init__(self, study: Any, shown: Sequence[Shown], rater: str, targets: Mapping[str, np.ndarray]) -> None:
        try:
            import optuna_dashboard
        except ImportError as error:
            raise MissingPartError(
                "--browser needs optuna-dashboard, which is not installed: pip install 'srnca[dashboard]'"
            ) from error
        self.study, self.shown, self.rater, self.targets = study, list(shown), rater, targets
        self.waiting = set(range(len(shown)))
        self._skipped = 0
        self._dashboard = optuna_dashboard

    @property
    def given(self) -> int:
        """Number of ratings."""
        return len(self.shown) - len(self.waiting) - self._skipped

    @contextmanager
    def serving(self, port: int) -> Iterator[str]:
        """Yield the page's address. Raises InputError when the port is taken."""
        from wsgiref.simple_server import WSGIRequestHandler, make_server

        class Quiet(WSGIRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Nothing: the library is silent."""

        with tempfile.TemporaryDirectory(prefix="srnca-rate-") as folder:
            application = self._application(Path(folder))
            try:
                server = make_server("127.0.0.1", port, application, handler_class=Quiet)
            except OSError as error:
                raise InputError(f"--port: expected a free port, got {port} ({error.strerror}); try another") from error
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/dashboard/studies/0/trials?numbers=0"
            finally:
                server.shutdown()
                thread.join()
                server.server_close()

    def collect_until(self, stop: Callable[[], bool]) -> None:
        """Wait until every picture is rated or skipped, or until `stop()` is true."""
        while self.waiting and not stop():
            time.sleep(POLL_S)

    def take(self, index: int, value: float) -> None:
        """Write the rating of the picture at `index` to the study at once. Raises InputError outside 0 to 5."""
        score = parse_score(f"{value:g}")
        add_rating(self.study, self.shown[index].trial, self.shown[index].target, score, self.rater)
        self.waiting.discard(index)

    def skip(self, index: int) -> None:
        """Leave the picture at `index` without a rating: the page's button "Fail trial"."""
        self.waiting.discard(index)
        self._skipped += 1

    def _application(self, folder: Path) -> Any:
        from optuna_dashboard.artifact import get_artifact_path

        optuna = import_optuna()
        storage = _make_listening_storage(optuna, self.take, self.skip)
        asked = optuna.create_study(
            storage=storage, study_name=f"ratings of {self.study.study_name}", direction="maximize"
        )
        choices = list(range(LOWEST, HIGHEST + 1))
        widget = self._dashboard.ChoiceWidget(
            choices=[f"{c}" for c in choices], values=choices, description="0 is bad, 5 is good"
        )
        self._dashboard.register_objective_form_widgets(asked, widgets=[widget])
        store = optuna.artifacts.FileSystemArtifactStore(base_path=str(folder))
        for index, shown in enumerate(self.shown):
            trial, target, path = asked.ask(), self.targets.get(shown.target), folder / f"shown-{index}.png"
            _beside(read_picture(shown.path), target).save(path)
            key = optuna.artifacts.upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=trial)
            where = get_artifact_path(trial, key)
            self._dashboard.save_note(trial, f"![picture{'' if target is None else ', target'}]({where})")
        return self._dashboard.wsgi(storage, artifact_store=store)


def _beside(picture: Image.Image, target: np.ndarray | None) -> Image.Image:
    """The picture with its target to the right."""
    both = [picture, *([] if target is None else [to_image(target)])]
    sheet = Image.new("RGB", (len(both) * (LARGE + GAP) - GAP, LARGE), "white")
    for place, part in enumerate(both):
        sheet.paste(scaled(part, LARGE), (place * (LARGE + GAP), 0))
    return sheet


def _make_listening_storage(optuna: Any, take: Callable[[int, float], None], skip: Callable[[int], None]) -> Any:
    """A storage in memory that calls `take` or `skip` for each trial before it marks the trial as finished."""

    class Listening(optuna.storages.InMemoryStorage):
        def set_trial_state_values(self, trial_id: int, state: Any, values: Sequence[float] | None = None) -> bool:
            number = self.get_trial_number_from_id(trial_id)
            if state == optuna.trial.TrialState.COMPLETE and values:
                take(number, values[0])
            elif state == optuna.trial.TrialState.FAIL:
                skip(number)
            return bool(super().set_trial_state_values(trial_id, state, values))

    return Listening()
