/* binding.h - what the files of the extension share. Literal wrappers of the public header: no defaults, no policy, no
 * conversion that the caller did not ask for; those are in tilework/.
 *
 * Threads. Every call into the library that may take long is made between leave_python and enter_python. What Python a
 * tile needs (tile.c) is entered with the state that its thread left, or with a new one. A forked worker holds a state
 * of its own; the GIL is held across every fork (pool.c), so that the interpreter in the child is whole. */
#ifndef BINDING_H
#define BINDING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include <tilework/tilework.h>

#ifndef Py_BEGIN_CRITICAL_SECTION /* before Python 3.13 the GIL is the lock */
#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION() }
#endif

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL tilework_numpy
#ifndef BINDING_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

/* ---- objects ---- */

/* Objects of the library belong to the process that made them. A fork that drops its copy of one drops the Python part
 * alone: the rest is the parent's, and a lock in it may be held by a thread that the fork does not have. */
typedef struct {
    PyObject_HEAD tw_pool *pool; /* NULL: closed */
    PyObject *on_start;          /* called in each new worker process with its number; may be NULL */
    PyObject *on_end;            /* called in each worker process that the pool ends; may be NULL */
    tw_array *area;              /* where worker processes leave the exceptions of tiles; NULL: not needed yet */
    int pid;
    long forks;                /* workers that were forked until now */
    int busy;                  /* in a run: it must not be closed */
    int has_threads;           /* there were other Python threads at the last fork */
    PyObject *raised;          /* by a signal's handler while a fork was prepared; NULL: nothing */
    struct local_run *running; /* the run that it is busy with */
} PoolObject;

typedef struct {
    PyObject_HEAD tw_array *array;
    PyObject *source; /* what the array was wrapped around, or the ndarray over a part; else NULL */
    PyObject *weak;   /* list of weak references */
    int pid;
} ArrayObject;

typedef struct {
    PyObject_HEAD tw_heap *heap;
    int pid;
} HeapObject;

typedef struct {
    PyObject_HEAD const tw_signature *signature;
    tw_signature *own; /* NULL: it belongs to `owner` */
    PyObject *owner;
    int pid;
} SignatureObject;

typedef struct {
    PyObject_HEAD tw_grid *grid;
    SignatureObject *signature;
    PyObject
        *folds; /* tuple: for each operand the Kernel that folds its partial results, or None; NULL: none has any */
    int pid;
} GridObject;

struct call;
struct local_run;

typedef struct {
    PyObject_HEAD const tw_kernel *kernel;
    tw_kernel *own;     /* NULL: it belongs to `anchor` */
    PyObject *callable; /* NULL: native */
    PyObject *anchor;   /* keeps a native function's owner alive; may be NULL */
    int wants_tile;     /* the callable takes tile= */
    struct call
        *call; /* with a callable: what its tiles receive; each run copies it to where the workers can read it */
    int pid;
    int busy; /* in a run, which `call` describes */
} KernelObject;

typedef struct {
    PyObject_HEAD tw_report *report;
    GridObject *grid;
    int pid;
} ReportObject;

typedef struct {
    PyObject_HEAD tw_statement *statement;
    int pid;
} StatementObject;

typedef struct {
    PyObject_HEAD tw_outputs *outputs;
    KernelObject *kernel; /* what they were opened for */
    GridObject *grid;
    PyObject *arrays; /* tuple of Array or None */
    PyObject *mask;   /* an Array; NULL: there is none */
    int pid;
} OutputsObject;

extern PyTypeObject OutputsType, PoolType, ArrayType, HeapType, SignatureType, GridType, KernelType, ReportType,
    StatementType, PreparedType, DrawsType;

/* Live objects of the library, for tests that look for leaks. */
enum counted {
    COUNT_POOLS,
    COUNT_ARRAYS,
    COUNT_SIGNATURES,
    COUNT_GRIDS,
    COUNT_KERNELS,
    COUNT_REPORTS,
    COUNT_STATEMENTS,
    COUNT_OUTPUTS,
    COUNT_PREPARED,
    COUNT_KINDS
};
void count_live(enum counted kind, int change);

/* The process that runs. The system is asked once in each process. */
int own_pid(void);
void forget_own_pid(void);

/* ---- failures ---- */

/* Raises Failure(status, message, os_error, tile, worker, column, kernel_code, details). Returns NULL. */
PyObject *raise_failure(const tw_error *error);
PyObject *raise_failure_with(const tw_error *error, PyObject *details); /* steals; NULL: None */
extern PyObject *Failure;

/* What the Python part has given to be called back; borrowed, NULL until it has. */
struct callbacks {
    PyObject *make_tile; /* (number, worker, attempt, names, starts, stops) -> what a kernel gets as tile= */
    PyObject *describe;  /* (exception) -> (text in UTF-8, pickle), both bytes */
    PyObject *clear;     /* (exception): the frames of its traceback forget their variables */
    PyObject *before_fork, *in_parent; /* () around a fork: what others hold, and signals, wait meanwhile */
    PyObject *in_child;                /* (there were other threads) in the new worker */
    PyObject *is_of_handler;           /* (exception) -> bool: it was raised by the handler of a signal */
    PyObject *stalled;        /* (on_start, seconds, workers, tile, worker, pids): a run of processes stands still */
    PyObject *dtype_of_descr; /* (text) -> numpy.dtype, for items that the library does not compute with */
};
extern struct callbacks callbacks;

/* ---- views ---- */

/* The library's dtype of a NumPy dtype; `descr` (NULL: none) is the text for items that it does not compute with.
 * 0, or -1 with an exception. */
int dtype_from_numpy(tw_dtype *dtype, PyArray_Descr *from, const char *descr);

/* The same for numbers, in either byte order: the library's are this machine's. -1 without an exception for all else.
 */
int dtype_of_number(tw_dtype *dtype, const PyArray_Descr *from);

/* A new reference, or NULL with an exception. */
PyArray_Descr *numpy_from_dtype(const tw_dtype *dtype);

/* A new ndarray over the view's memory, kept alive by `base` (a reference is taken; may be NULL); a numpy.recarray
 * where its items are records of that kind. */
int find_record_types(void); /* before the first ndarray_of_view: 0, or -1 with an exception */
PyObject *ndarray_of_view(const tw_view *view, int writable, PyObject *base);

/* A tuple of n integers. */
PyObject *tuple_of_integers(const int64_t *values, int n);
/* Reads a sequence of integers of at most `most` items into values; their number, or -1 with an exception. */
int integers_of_sequence(PyObject *sequence, int64_t *values, int most, const char *what);

/* An Array of the array, which it owns from now on; `source` is kept alive with it (NULL: none). */
PyObject *array_object(tw_array *array, PyObject *source);

/* Objects around what a statement has; they keep it alive. */
PyObject *signature_of_statement(StatementObject *statement);
/* Converter for O&: as PyUnicode_FSConverter, but None is NULL. */
int path_or_none(PyObject *object, void *path);
PyObject *kernel_of_statement(const tw_kernel *kernel, StatementObject *statement);

/* A Python number, or a scalar of NumPy's, as a parameter: 0, or -1 with an exception (statement.c). */
int read_parameter(tw_parameter *parameter, PyObject *name, PyObject *value);

/* ---- prepared calls (prepared.c) ---- */

int find_words(void); /* before the first call: 0, or -1 with an exception */

/* recall(known, text, named) -> the result of a call like an earlier one, or None; known: a dict from texts to
 * Prepared. */
PyObject *recall(PyObject *module, PyObject *const *args, Py_ssize_t n);

/* ---- grids ---- */

struct splits {
    tw_split items[TW_MAX_OPERANDS];
    int64_t *cuts[TW_MAX_OPERANDS];
    size_t count;
};

/* Reads a tuple of (axis, "tile" or "parts" or "cuts", number or numbers); 0, or -1 with an exception and nothing to be
 * freed. */
int read_splits(struct splits *splits, PyObject *given);
void splits_fini(struct splits *splits);

/* The object of a grid, which it owns from now on; it takes over `folds` (NULL: none). */
PyObject *grid_object(tw_grid *grid, SignatureObject *signature, PyObject *folds);

/* ---- leaving and entering Python (states.c) ---- */

/* What the calling thread left Python with: NULL inside of Python, and on threads that never were there. */
extern _Thread_local PyThreadState *left_with;

void leave_python(void);
void enter_python(void);

/* On a thread of any pool, which may never have been there. */
void enter_anywhere(void);

/* ---- tiles with Python kernels (tile.c) ---- */

#define SLOT_SIZE ((size_t)1 << 16)

/* One a worker process, in shared memory: the exception of the lowest tile that failed there. */
struct slot {
    _Atomic uint64_t tile;   /* UINT64_MAX: none; written last */
    _Atomic uint64_t looked; /* the tile whose kernel runs again, to see what it leaves unwritten, or ran so when the
                              * worker died; UINT64_MAX: none */
    uint32_t text_size, pickle_size;
    char bytes[]; /* text, then pickle */
};

/* The runs that the calling thread is inside of, innermost first: kernels and progress functions that a pool calls must
 * not wait for that pool. */
struct inside {
    const PoolObject *pool; /* NULL: serial, without a pool */
    const struct inside *outer;
};
extern _Thread_local const struct inside *inside_of;

/* A run of a Python kernel as the process that called it sees it; tiles of serial and thread pools use it too. */
struct local_run {
    PyObject *const *bases;         /* [noperands] what keeps each operand's memory alive */
    int own_memory;                 /* tiles may lie in memory of the run's own, which ends with it */
    pthread_mutex_t lock;           /* over the next three, if there is no global lock */
    uint64_t tile;                  /* of `exception` */
    PyObject *exception;            /* of the lowest tile that failed; NULL: none */
    PyObject *interrupt;            /* what the progress function or a signal handler raised; NULL: nothing */
    int stop;                       /* for the library: end after the tiles being run */
    struct inside entered;          /* what threads that run its tiles are inside of */
    _Atomic(unsigned long) *inside; /* [workers] threads that are inside a kernel; 0: not */
    unsigned workers;
    _Atomic int keeps;   /* a kernel has kept a view for good */
    PyObject *context;   /* a copy of the caller's */
    PyObject **contexts; /* [workers] each worker's own copy of that; NULL: not needed yet */
    PyObject *errors;    /* what NumPy 1 keeps by thread; None or NULL: nothing */
};

struct call {
    PyObject *callable;
    int pid;                 /* the caller's */
    unsigned long run;       /* of the caller's process: each has another number */
    struct local_run *local; /* in the process that called the run */
    char *area;              /* processes: names, then a slot for each worker */
    size_t slots;            /* where in `area` the first slot is */
    int apart;               /* tiles run in worker processes */
    int wants_tile;
    int needs_result; /* it is not given the outputs: it returns them */
    int naxes, nargs, nouts;
    uint8_t args[TW_MAX_OPERANDS]; /* operands in the order in which the callable takes them */
    uint8_t outs[TW_MAX_OPERANDS]; /* outputs in the order in which it may return them */
    uint64_t written;              /* bit k: operand k is an output */
    uint64_t fresh;                /* bit k: operand k is a new output that the kernel fills */
    uint64_t dirty;                /* ... whose memory may hold something */
    uint64_t partial; /* bit k: operand k is the partial result of a reduction, which starts as its identity */
    uint64_t haloed;  /* bit k: operand k has a halo */
    uint64_t passing; /* bit k: the memory of operand k ends with the run */
    int looks;        /* at what is left of them: 0 never, 1 after tile 0, 2 after each */
    unsigned workers;
    double timeout; /* seconds that a tile may take; 0: any */
    uint8_t axes[TW_MAX_OPERANDS][TW_MAX_DIMS];
    uint64_t chosen;           /* bit k: operand k has the dtype that the kernel returns */
    const char *names;         /* of the axes, each ended by a null byte: in `area`, or the caller's */
    const char *operand_names; /* behind them */
    _Atomic uint32_t *widths;  /* behind these: bytes of the widest S and U text of each chosen output */
};

int run_python_tile(const tw_tile *tile);
int find_tile_words(void); /* before the first tile: 0, or -1 with an exception */

/* The random numbers of a tile whose kernel begins (random.c), a new reference; and the end of that, which drops it. */
PyObject *draws_of(const tw_tile *tile, const struct call *call);
void end_draws(PyObject *draws);

/* ---- the context that kernels run in (context.c) ---- */

PyObject *set_context_callbacks(PyObject *self, PyObject *args);

/* The caller, inside of Python, before and after a run of a Python kernel. */
int take_context(struct local_run *local);
void drop_context(struct local_run *local);

/* A worker, around a kernel's call. What was entered (a new reference, for exit_context), or NULL with an exception. */
PyObject *enter_context(const tw_tile *tile, const struct call *call);
void exit_context(PyObject *context);

/* A process that was forked just now is not in the middle of what its parent is. */
void forget_context(void);

/* ---- what a kernel returns (results.c) ---- */

PyObject *set_result_callbacks(PyObject *self, PyObject *args);

const char *operand_name(const struct call *call, int operand);

/* What the kernel has returned goes to its places; 0, or -1 with an exception. views[call->nargs] are its arguments. */
int store_result(const tw_tile *tile, const struct call *call, PyObject *const *views, PyObject *result);

/* `taken`: a dict from numbers to Arrays that were taken out of the choices before; NULL: none.
 * ([Array, ...], {operand: (number of the array of each tile, widest S, widest U)}); destroys the choices. */
PyObject *chosen_arrays(tw_choices *choices, PyObject *taken, const struct call *call, uint64_t tiles);

/* ---- new outputs that a kernel fills (fresh.c) ---- */

PyObject *set_fresh_callbacks(PyObject *self, PyObject *args);

/* Before the kernel: they are zeros. */
void clear_fresh(const tw_tile *tile, const struct call *call);

/* Whether the tile is looked at. */
int is_looked_at(const tw_tile *tile, const struct call *call);

/* If so: before the kernel, and after it with what that gave and the seconds that it took. 0, or -1 with an exception.
 */
PyObject *remember_changed(const struct call *call, PyObject *const *views);
int look_at_fresh(const tw_tile *tile, const struct call *call, PyObject *const *views, PyObject *result,
                  PyObject *before, double seconds);

/* Inside of Python: the run is to end because of this exception (stolen). Threads that are inside a kernel are asked to
 * raise KeyboardInterrupt. */
void interrupt_run(struct local_run *local, PyObject *exception);

/* The exception that is set, with its traceback, taken from the thread; the other way round. */
PyObject *take_exception(void);
void give_exception(PyObject *exception);

/* What the run must end with: Ctrl-C, or what the handler of another signal raised inside the kernel. A new reference;
 * NULL: the exception is the kernel's own. */
PyObject *interrupt_of(const struct local_run *local, PyObject *exception);

/* The kernel raised: the tile has failed, or, if a signal's handler did, the run ends. Returns the tile's code. */
int fail_tile(const tw_tile *tile, const struct call *call);

PyObject *run_job(PyObject *self, PyObject *const *args, Py_ssize_t n);
PyObject *open_array(PyObject *self, PyObject *path);
int read_where(PyObject **mask, const char **axes, PyObject *given);
PyObject *array_checksum(PyObject *self, PyObject *array);

/* ---- nodes (nodes.c) ---- */

PyObject *node_find(PyObject *self, PyObject *text);

PyObject *job_status(PyObject *self, PyObject *path);
PyObject *make_plan(PyObject *self, PyObject *args);
/* Edges: tw_edge_parse, and a dict from axes to (edge, whether its length is given) as edges[most]; None is every other
 * axis. 0, or -1 with an exception. */
PyObject *parse_edge(PyObject *self, PyObject *args);
int read_edges(tw_axis_edge *edges, size_t *count, size_t most, PyObject *given);

PyObject *stall_after(PyObject *self, PyObject *seconds);
PyObject *report_of(tw_report *report, GridObject *grid);

#endif
