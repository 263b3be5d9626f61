"""A processor with fewer vector units, imitated: what to set for that, and whether it took effect.

numpy, OpenBLAS, the C library, Arrow and numba choose by processor how to compute, and so what the last bits are. Each
has an environment variable that makes it choose as on an older one. A wrong name or value is silently ignored, so
`check` detects what a process with these variables uses.
"""

import hashlib
import json
import math
import platform
import random
import sys
from dataclasses import dataclass

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
    expected : dict of str to str
        What `detect` must return for numpy, OpenBLAS, Arrow and numba.
    environment : dict of str to str
        Variables that make processes compute as on that processor.
    """

    name: str
    expected: dict
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
    levels = detect()["numpy"].split()
    processors = [_imitation("no vector units", levels, 0, "Nehalem", "none", GLIBC_TUNABLES=_NO_FMA)]
    if len(levels) > 1:
        processors.append(_imitation(f"only {levels[0]} of the vector units", levels, 1, "Haswell", "avx2"))
    return processors


def _imitation(name, levels, count, core, simd, **others):
    """Imitate a processor with the first `count` of numpy's levels, OpenBLAS's and numba's core, Arrow's SIMD level."""
    expected = {"numpy": " ".join(levels[:count]), "OpenBLAS": core, "Arrow": simd, "numba": core.lower()}
    environment = {
        "NPY_DISABLE_CPU_FEATURES": " ".join(levels[count:]),
        "OPENBLAS_CORETYPE": core,
        "ARROW_USER_SIMD_LEVEL": simd.upper(),
        "NUMBA_CPU_NAME": core.lower(),
        "NUMBA_CPU_FEATURES": "",
    }
    return Imitation(name, expected, environment | others)


def check(imitation, environment):
    """Check in a process of its own, with the environment of a run, that an imitation takes effect.

    Parameters
    ----------
    imitation : Imitation
    environment : dict of str to str
        All variables of the run.

    Raises
    ------
    InputError
        With all that still computes as on this processor.
    """
    variables = imitation.environment
    now = _detect_in(environment)
    plain = _detect_in({name: value for name, value in environment.items() if name not in variables})
    wrong = [
        f"{library} computes as on {now[library] or 'nothing known'}, not as on {expected or 'its baseline'}"
        for library, expected in imitation.expected.items()
        if now[library] != expected
    ]
    if "GLIBC_TUNABLES" in variables and now["fma"] and now["libm"] == plain["libm"]:
        wrong.append("the C library computes as before")
    if wrong:
        raise InputError(
            f"The run was to compute with {imitation.name}, but {'; '.join(wrong)}; see what the variables in "
            "benchmarks/processor.py are called in the packages of today."
        )


def detect():
    """Detect which code paths numpy, OpenBLAS, Arrow, numba and the C library chose in this process.

    Returns
    -------
    dict
        numpy: levels above its baseline, the lowest first; OpenBLAS: kernels, one where all copies of it agree; fma:
        whether the processor has it; libm: a hash of what the C library computes; Arrow, numba: the processor that they
        compute for.
    """
    import pyarrow as pa
    import scipy.linalg  # noqa: F401 - loads scipy's own OpenBLAS
    from numba.core.registry import cpu_target
    from numpy._core._multiarray_umath import __cpu_dispatch__ as built
    from numpy._core._multiarray_umath import __cpu_features__ as features
    from threadpoolctl import threadpool_info

    generator = random.Random(0)  # noqa: S311 - the same numbers each time
    numbers = [generator.uniform(0.1, 20) for _ in range(20_000)]
    values = [(math.exp(x), math.log(x), math.sin(x), x**0.3) for x in numbers]
    _, kind, own = cpu_target.target_context.codegen().magic_tuple()
    kernels = {
        each.get("architecture", each["internal_api"]) for each in threadpool_info() if each["user_api"] == "blas"
    }
    return {
        "numpy": " ".join(level for level in built if features[level]),
        "OpenBLAS": " and ".join(sorted(kernels)),
        "fma": features["FMA3"],
        "libm": hashlib.sha256(repr(values).encode()).hexdigest(),
        "Arrow": pa.runtime_info().simd_level,
        "numba": kind + (" with its own features" if own else ""),
    }


def _detect_in(environment):
    """Run `detect` in a process with another environment."""
    return json.loads(run([sys.executable, __file__], environment=environment))


if __name__ == "__main__":
    print(json.dumps(detect()))
