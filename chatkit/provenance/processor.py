"""A processor with fewer vector units, imitated: what to set for that, and whether it took effect.

numpy, OpenBLAS, the C library, Arrow and numba choose by processor how to compute, and so what the last bits are. Each
has a variable of its own that makes it choose as on an older one. A wrong name or value is ignored without a word, so
`check` looks at what a process with these variables computes with.
"""

import hashlib
import json
import math
import platform
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from chatkit.project import InputError
from chatkit.provenance.git import run

# FMA and AVX choose among the C library's exponentials; glibc before 2.33 has the longer names.
_NO_FMA = "glibc.cpu.hwcaps=" + ",".join(
    f"-{unit}{end}" for unit in ("AVX", "AVX2", "FMA", "FMA4", "AVX512F") for end in ("", "_Usable")
)


@dataclass(frozen=True)
class Imitation:
    """A processor that this one can imitate.

    Parameters
    ----------
    name : str
        For a person.
    levels : tuple of str
        Of the levels that numpy was built for and found here, those that it still uses.
    environment : dict of str to str
        Variables that make processes compute as on that processor.
    """

    name: str
    levels: tuple
    environment: dict


def imitations():
    """List the processors to imitate: without vector units, and with only the lowest level of those found here.

    Without is the baseline that numpy was built for, and OpenBLAS's and numba's of 2008. The lowest level is AVX2 on a
    machine that has AVX-512. What the levels are called is read from numpy's own table.

    Returns
    -------
    list of Imitation
        The second only where numpy uses more than one level here.

    Raises
    ------
    InputError
        On a processor other than x86-64: what is set here has no meaning there.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise InputError(
            f"Got a processor of the kind {platform.machine()}, expected x86-64: only there vector units can be turned "
            "off; run it on such a machine."
        )
    levels = _levels()
    without = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(levels), "OPENBLAS_CORETYPE": "Nehalem", "ARROW_USER_SIMD_LEVEL": "NONE",
        "NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "", "GLIBC_TUNABLES": _NO_FMA,
    }  # fmt: skip
    lowest = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(levels[1:]), "OPENBLAS_CORETYPE": "Haswell",
        "ARROW_USER_SIMD_LEVEL": "AVX2", "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "",
    }  # fmt: skip
    found = [Imitation("no vector units", (), without)]
    if len(levels) > 1:
        found.append(Imitation(f"only {levels[0]} of the vector units", levels[:1], lowest))
    return found


def check(imitation, environment, folder=None):
    """Check in a process of its own, with the environment of a run, that an imitation takes effect.

    Parameters
    ----------
    imitation : Imitation
    environment : dict of str to str
        All variables of the run.
    folder : path-like, optional
        Where it runs.

    Raises
    ------
    InputError
        With all that still computes as on this processor.
    """
    expected = imitation.environment
    now = _detect_in(environment, folder)
    plain = _detect_in({name: value for name, value in environment.items() if name not in expected}, folder)
    pairs = [
        ("numpy", " ".join(now["numpy"]), " ".join(imitation.levels)),
        *((file, kernel, expected["OPENBLAS_CORETYPE"]) for file, kernel in now["blas"] or [("OpenBLAS", "")]),
        ("arrow", now["arrow"], expected["ARROW_USER_SIMD_LEVEL"]),
        ("numba", now["numba"], expected["NUMBA_CPU_NAME"]),
    ]
    wrong = [
        f"{library} computes as on {got or 'nothing known'}, not as on {wanted or 'its baseline'}"
        for library, got, wanted in pairs
        if got.lower() != wanted.lower()
    ]
    if "GLIBC_TUNABLES" in expected and now["fma"] and now["libm"] == plain["libm"]:
        wrong.append("the C library computes as before")
    if wrong:
        raise InputError(
            f"The run was to compute with {imitation.name}, but {'; '.join(wrong)}; see what the variables in "
            "chatkit/provenance/processor.py are called in the packages of today."
        )


def detect():
    """Say what this process computes with.

    Returns
    -------
    dict
        numpy: levels above its baseline; blas: file and kernel of each library; fma: whether the processor has it;
        libm: a hash of what the C library computes; arrow, numba: the processor that they compute for.
    """
    import pyarrow as pa
    import scipy.linalg  # noqa: F401 - loads scipy's own OpenBLAS
    from numba.core.registry import cpu_target
    from numpy._core._multiarray_umath import __cpu_features__ as features
    from threadpoolctl import threadpool_info

    generator = random.Random(0)  # noqa: S311 - the same numbers each time
    numbers = [generator.uniform(0.1, 20) for _ in range(20_000)]
    values = [(math.exp(x), math.log(x), math.sin(x), x**0.3) for x in numbers]
    _, kind, own = cpu_target.target_context.codegen().magic_tuple()
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    return {
        "numpy": _levels(),
        "blas": [(Path(each["filepath"]).name, each.get("architecture", each["internal_api"])) for each in libraries],
        "fma": features["FMA3"],
        "libm": hashlib.sha256(repr(values).encode()).hexdigest(),
        "arrow": pa.runtime_info().simd_level,
        "numba": kind + (" with its own features" if own else ""),
    }


def _levels():
    """What numpy has code for above its baseline and uses on this processor, the lowest first."""
    from numpy._core._multiarray_umath import __cpu_dispatch__ as built
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return tuple(level for level in built if features[level])


def _detect_in(environment, folder):
    """What `detect` says in a process with another environment."""
    return json.loads(run([sys.executable, "-m", "chatkit.provenance.processor"], folder, environment))


if __name__ == "__main__":
    print(json.dumps(detect()))
