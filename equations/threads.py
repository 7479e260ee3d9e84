"""Switch off the threads inside NumPy's and SciPy's linear algebra, where results must not depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run the BLAS of NumPy and SciPy on one thread.

    Its sums depend on the number of threads: the same seed would give other constants on a machine with more cores.
    When other programs are running, its threads also waste processor time by waiting for each other.
    """
    import scipy.linalg  # noqa: F401  the limit holds for libraries that are loaded already
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
