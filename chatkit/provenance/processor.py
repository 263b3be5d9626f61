"""A processor with fewer vector units, imitated: what to set for that, and whether it took effect.

numpy, OpenBLAS, the C library, Arrow and numba choose by processor how to compute, and so what the last bits are. Each
has a variable of its own that makes it choose as on an older one; a wrong name or value is ignored without a word, so
what the processes do with it is looked at, in `seen`.
"""

import hashlib
import json
import math
import platform
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from chatkit.project import InputError

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
    off : tuple of str
        Of the levels that numpy was built for and found here, those that it must not use.
    settings : dict of str to str
        Environment variables but for numpy's.
    """

    name: str
    off: tuple
    settings: dict

    @property
    def environment(self):
        """Environment variables that make processes compute as on that processor."""
        return {"NPY_DISABLE_CPU_FEATURES": " ".join(self.off), **self.settings}


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
    found = _levels()
    without = Imitation(
        "no vector units",
        found,
        {
            "OPENBLAS_CORETYPE": "Nehalem", "ARROW_USER_SIMD_LEVEL": "NONE", "NUMBA_CPU_NAME": "nehalem",
            "NUMBA_CPU_FEATURES": "", "GLIBC_TUNABLES": _NO_FMA,
        },
    )  # fmt: skip
    lowest = Imitation(
        f"only {' '.join(found[:1])} of the vector units",
        found[1:],
        {
            "OPENBLAS_CORETYPE": "Haswell", "ARROW_USER_SIMD_LEVEL": "AVX2", "NUMBA_CPU_NAME": "haswell",
            "NUMBA_CPU_FEATURES": "",
        },
    )  # fmt: skip
    return [without, lowest] if len(found) > 1 else [without]


def check(imitation, environment, folder=None):
    """See in a process of its own, with the environment of a run, that an imitation takes effect.

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
    settings = imitation.environment
    plain = {name: value for name, value in environment.items() if name not in settings}
    now, usual = (_asked(each, folder) for each in (environment, plain))
    wrong = [f"numpy uses {level}" for level in imitation.off if level in now["numpy"]]
    kept = [level for level in usual["numpy"] if level not in imitation.off]
    wrong += [f"numpy does not use {level}" for level in kept if level not in now["numpy"]]
    kernel = imitation.settings["OPENBLAS_CORETYPE"]
    wrong += [f"{file} computes as on {used}, not as on {kernel}" for file, used in now["blas"] if used != kernel]
    if not now["blas"]:
        wrong.append("no OpenBLAS was found")
    if "GLIBC_TUNABLES" in settings and now["fma"] and now["libm"] == usual["libm"]:
        wrong.append("the C library computes as before")
    for name, key in (("ARROW_USER_SIMD_LEVEL", "arrow"), ("NUMBA_CPU_NAME", "numba")):
        if now[key].lower() != settings.get(name, now[key]).lower():
            wrong.append(f"{key} computes as on {now[key]}, not as on {settings[name]}")
    if wrong:
        raise InputError(
            f"The run was to compute with {imitation.name}, but {'; '.join(wrong)}; see what the variables in "
            "chatkit/provenance/processor.py are called in the packages of today."
        )


def seen():
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

    draw = random.Random(0)  # noqa: S311 - the same numbers each time
    numbers = [draw.uniform(0.1, 20) for _ in range(20_000)]
    values = [(math.exp(x), math.log(x), math.sin(x), x**0.3) for x in numbers]
    _, kind, own = cpu_target.target_context.codegen().magic_tuple()
    return {
        "numpy": _levels(),
        "blas": [
            (Path(each["filepath"]).name, each.get("architecture", each["internal_api"]))
            for each in threadpool_info()
            if each["user_api"] == "blas"
        ],
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


def _asked(environment, folder):
    command = [sys.executable, "-m", "chatkit.provenance.processor"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise InputError(f"What a process computes with cannot be told: {' '.join(last)}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(seen()))
