"""The threads inside NumPy's and SciPy's linear algebra, switched off where results must not depend on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """The BLAS of NumPy and SciPy on one thread.

    With another number of threads it adds in another order: the same seed would give other constants on a machine with
    more cores. Beside other programs its threads also wait for each other, busily.
    """
    import scipy.linalg  # noqa: F401  the limit holds for libraries that are loaded already
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield
