"""Options that other tools have, and what they are called here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Optional

TILES = "the length of tiles is tiles={\"i\": 100}"
WORKERS = "the number of workers is workers=4; left out, all cores work"
POOL = "pool=\"threads\" or pool=\"processes\" says where the kernel runs"
PARTS = "the number of parts of an axis is parts={\"i\": 4}, the places of cuts are cuts={\"i\": [100, 250]}"
LENGTHS = "the length of an axis that no operand has is lengths={\"i\": 100}"
AXES = "the signature names the axes, as in \"a[i,k] -> r[i]\"; one that no output has is given whole"
OUT = "results go into arrays of yours by out=r"
DTYPE = "the dtype of new outputs is dtype=\"f4\""
PROGRESS = "a bar is progress=True, a function of yours progress=f"
OPERANDS = "operands follow the signature in its order; other values come with the function: functools.partial(f, c=2)"
REDUCE = "an output that lacks a cut axis is a reduction of run by reduce={\"s\": \"sum\"}; a statement says sum(i: a[i]) itself"

ADVICE = {
    TILES: "tile tilesize tile_size tile_shape chunks chunk chunksize chunk_size chunk_shape block blocks blocksize block_size "
           "block_shape batch batch_size batchsize grainsize grain_size partition_size rows_per_chunk",
    WORKERS: "worker n_jobs njobs jobs num_jobs n_job workers_count num_workers n_workers nworkers max_workers processes "
             "n_processes num_processes nproc nprocs n_proc procs nthreads n_threads num_threads max_threads threads thread cores "
             "n_cores ncores num_cores cpus n_cpus ncpu ncpus num_cpus cpu_count concurrency parallelism",
    POOL: "backend prefer executor scheduler parallel parallel_backend engine kind mode pools pool_type client method "
          "multiprocessing use_threads threaded start start_method context mp_context",
    PARTS: "cut split splits sections indices_or_sections npartitions partitions nparts n_parts num_parts part divisions divide "
           "nchunks n_chunks nblocks n_blocks",
    LENGTHS: "shape shapes size sizes length dims dimensions output_shape output_shapes output_sizes out_shape lens n",
    AXES: "axis axes along dim drop_axis new_axis core_dims input_core_dims output_core_dims keepdims in_axes out_axes "
          "subscripts",
    OUT: "output outputs result results into dest destination target",
    DTYPE: "dtypes type types otypes output_dtypes meta out_dtype typesize",
    PROGRESS: "verbose verbosity show_progress progressbar progress_bar tqdm desc bar callback",
    OPERANDS: "args kwargs kwds kw arguments inputs input arrays operands params parameters initargs initializer constants data",
    REDUCE: "reduce reduction reductions reducer fold folds combine combiner aggregate aggregation agg",
    "retries=2 is how many deaths of a worker on one tile are survived": "retry tries max_retries attempts",
    "tiles_per_worker=100 has worker processes replaced": "maxtasksperchild max_tasks_per_child tasks_per_child "
                                                         "max_tasks_per_worker",
    "keep_going=True lets other tiles run when one fails": "on_error errors ignore_errors raise_errors skip_errors",
    "a halo is written in the signature, u[i-1..i+1,j], and edges=\"reflect\" or {\"i\": \"reflect\"} says what is read past the "
    "ends, as in statements": "depth boundary boundaries halo overlap edge padding pad",
}
WORDS = {word: advice for advice, words in ADVICE.items() for word in words.split()}


def refuse(what: str, names: Iterable[str], options: Optional[Iterable[str]]) -> None:
    """A TypeError if there is any name that `what` does not have."""
    known = list(options or ())
    for name in names:
        advice = WORDS.get(name.lower())
        if advice is None:
            import difflib  # 2 ms, for errors alone
            near = difflib.get_close_matches(name, known, 1, 0.75)
            advice = f"did you mean {near[0]}=?" if near else f"it has {', '.join(sorted(known))}"
        raise TypeError(f"{what} has no option {name}: {advice}") from None


def refuse_operands(statement: object, names: Iterable[str]) -> None:
    """What is given to a statement by the name of an option, while the statement has nothing of that name."""
    for name in names:
        if name.lower() in WORDS and isinstance(statement, str) and name not in statement:
            raise TypeError(f"the statement has no operand {name}, and evaluate no such option: {WORDS[name.lower()]}")
