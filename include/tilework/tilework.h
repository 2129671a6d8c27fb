/* tilework.h - run a kernel over the tiles of n-d arrays, each tile writing its own part of the result in place.
 *
 * The whole public interface, in stages: 1 views and 2 tiles (in tile.h: all that a kernel's source needs), 3 errors,
 * 4 dtypes, 5 kernels, 6 pools, 7 arrays, 8 signatures and grids (in axes.h), 9 runs and reports, 10 outputs
 * (in outputs.h), 11 statements (in statement.h), 12 the machine, 13 plans (in plan.h), 14 prepared
 * runs (in prepared.h), 15 nodes (in node.h).
 *
 * Words
 *   array      n-d, typed, strided memory: private (this process), shared (this process and the workers of one
 *              pool) or a mapped .npy file
 *   view       a non-owning window on an array: data pointer, dtype, shape, strides in bytes
 *   axis       one named index of a job (i, j), with a length
 *   signature  which axes each operand has: "y[i], x[j] -> r[i,j]"
 *   cut        a position where an axis is divided
 *   tile       one cell of the product of the cuts: a number, and a start and a stop on each axis
 *   grid       all tiles of a job
 *   kernel     the function run on one tile
 *   operand    an array as a job sees it: in, out or inout
 *   pool       serial, threads or processes
 *   worker     one member of a pool; the caller is worker 0 of a serial and of a thread pool
 *   job, run   kernel + operands + grid; doing a job
 *   report     what happened, tile by tile
 *   outputs    the files that a run writes; they get their names together when all tiles are done
 *   journal    which tiles of a run that writes files are done; it lies beside the files, so that another run can
 *              resume
 *   statement  "r[i,j] = y[i] * x[j]": signature and kernel in one text
 *
 * Conventions
 *   Every call that can fail returns a tw_status: TW_OK (0) or a negative code. Results come through the first
 *   parameter and are untouched on failure; the last parameter is a tw_error of the caller's that may be NULL.
 *   Destroy and close functions accept NULL. Option structs filled with zeros mean the defaults. The library prints
 *   nothing, never exits, installs no signal handler and has no global state. Unless a function says otherwise, an
 *   object must be used from one thread at a time; different objects may be used from any number of threads.
 */
#ifndef TILEWORK_H
#define TILEWORK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tilework/tile.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(TW_BUILDING_LIBRARY)
#define TW_API __attribute__((visibility("default")))
#else
#define TW_API
#endif

#define TW_VERSION_MAJOR 0
#define TW_VERSION_MINOR 1
#define TW_VERSION_PATCH 0
#define TW_VERSION "0.1.0"

/* The version of the library that is running, as TW_VERSION. Static text; any thread. */
TW_API const char *tw_version(void);

/* ---- 3 errors ------------------------------------------------------------------------------------------------ */

typedef enum tw_status {
    TW_OK = 0,
    TW_ERROR_ARGUMENT = -1,     /* the request makes no sense: options, axes, cuts, lengths that disagree */
    TW_ERROR_SYNTAX = -2,       /* a text (signature, cuts) cannot be read; tw_error.column says where */
    TW_ERROR_COMPILE = -3,      /* a kernel's source does not compile, or no compiler was found */
    TW_ERROR_FILE = -4,         /* a file cannot be opened, read or written */
    TW_ERROR_FORMAT = -5,       /* a file's contents are not valid */
    TW_ERROR_MEMORY = -6,       /* not enough memory or address space */
    TW_ERROR_DISK = -7,         /* not enough room on the disk, or a file size limit */
    TW_ERROR_PROCESS = -8,      /* processes, threads or descriptors are not available */
    TW_ERROR_KERNEL = -9,       /* a kernel returned an error code */
    TW_ERROR_WORKER = -10,      /* a tile's worker died more often than the tile may be retried */
    TW_ERROR_CHECK = -11,       /* the serial recomputation of a run differs from its result */
    TW_ERROR_INTERRUPTED = -12, /* the stop flag was raised; the report says which tiles are done */
    TW_ERROR_GUARD = -13,       /* the guard caught a kernel outside its tile, or an element that it never wrote */
    TW_ERROR_JOURNAL = -14      /* a journal is of another job, or does not belong to the files beside it */
} tw_status;

#define TW_ERROR_MESSAGE_SIZE 1024

/* What went wrong, filled by the call that failed and untouched by one that succeeds. */
typedef struct tw_error {
    tw_status status;
    int os_error;                        /* errno of the operating-system call that failed, else 0 */
    int64_t tile;                        /* the tile concerned, else -1 */
    int worker;                          /* the worker concerned, else -1 */
    int column;                          /* TW_ERROR_SYNTAX: 1-based column in the text, else 0 */
    int kernel_code;                     /* TW_ERROR_KERNEL: what the kernel returned, else 0 */
    char message[TW_ERROR_MESSAGE_SIZE]; /* one sentence: what, where and what would be right */
} tw_error;

/* A short name for a status ("bad argument"). Static text; any thread. */
TW_API const char *tw_status_name(tw_status status);

/* ---- 4 dtypes -------------------------------------------------------------------------------------------------- */

/* The dtype of a kind other than TW_OPAQUE (TW_OPAQUE gives itemsize 0). Any thread. */
TW_API tw_dtype tw_dtype_of(tw_kind kind);

/* The name of a dtype: "float64", "int8", ..., or for opaque items their descr. Valid as long as `dtype->descr`. Any
 * thread. */
TW_API const char *tw_dtype_name(const tw_dtype *dtype);

#define TW_DTYPE_TEXT 64

/* Reads a dtype's name ("float64", "f8", "<f8"; opaque: "S5", "U3", "V16", "M8[ns]"). `dtype->descr` of an opaque
 * dtype points into storage[TW_DTYPE_TEXT]. Any thread. Errors: TW_ERROR_SYNTAX. */
TW_API tw_status tw_dtype_parse(tw_dtype *dtype, const char *name, char storage[TW_DTYPE_TEXT], tw_error *error);

/* Prints one item as NumPy does: the fewest digits that read back as the same value, independent of the locale; opaque
 * items as hex bytes (the first 16). Returns the length as snprintf does. Any thread. */
TW_API int tw_item_format(char *text, size_t size, const tw_dtype *dtype, const void *item);

/* The item as a double (complex: its real part; bool: 0 or 1). Opaque items give NaN. Any thread. */
TW_API double tw_item_to_double(const tw_dtype *dtype, const void *item);

/* ---- 5 kernels ------------------------------------------------------------------------------------------------- */

typedef struct tw_kernel tw_kernel;

/* A kernel that is a function of this program. The function gets `context` as tile->context. If `context_size` is not
 * 0, each run copies that many bytes to where the pool's workers can read them. If it is 0, the pointer itself is
 * passed; worker processes then see the memory as it was when they were forked, unless it is shared. Errors:
 * TW_ERROR_ARGUMENT, TW_ERROR_MEMORY. */
TW_API tw_status tw_kernel_from_function(tw_kernel **kernel, tw_function function, void *context, size_t context_size,
                                         tw_error *error);

/* A kernel that is a symbol of a shared object. A path without a slash means the current folder. The object is opened
 * here, to check that it contains the symbol, and again by each worker process. Errors: TW_ERROR_FILE (no such file,
 * not a shared object), TW_ERROR_ARGUMENT (no such symbol). */
TW_API tw_status tw_kernel_from_library(tw_kernel **kernel, const char *path, const char *symbol, tw_error *error);

typedef struct tw_compile_options {
    const char *compiler; /* NULL: $TILEWORK_CC, else the first of cc, gcc, clang, zig on PATH, else the one of the
                           * Python package ziglang, if this library is in a Python environment that has it */
    const char *flags;    /* NULL: "-O3 -march=native", portable "-O3"; split at blanks; never seen by a shell */
    const char *cache;    /* NULL: $XDG_CACHE_HOME/tilework, else ~/.cache/tilework; if that cannot be used, the home
                           * folder on record, then $TMPDIR, then a folder of this process (see tw_kernel_note) */
    int portable;         /* 1: an object for every processor of this family, with the same results on each. That of a
                           * statement has code for several levels of the family (x86-64: baseline, v3, v4), of which
                           * each machine uses its highest, none above $TILEWORK_LEVEL; a user's kernel is compiled for
                           * the baseline with -ffp-contract=off, unless `flags` say otherwise. It is known by source,
                           * flags and version: unlike machines with unlike compilers can share a job */
    const char *look_in;  /* a folder, with `portable` alone: an object there that was made of the same source, flags
                           * and version is used, and needs no compiler; a file that another user could have written is
                           * passed over. NULL: none */
} tw_compile_options;

/* A kernel compiled from C. The source file includes <tilework/tilework.h>, which the library contains, and defines
 * `int function(const tw_tile *tile)`. Compiled objects are kept in the cache folder under a key made of source,
 * flags, compiler version and header version. `options` may be NULL. Errors: TW_ERROR_FILE,
 * TW_ERROR_COMPILE (the message contains the compiler's first error lines), TW_ERROR_ARGUMENT (no
 * such function in the source, cache folder that others could write to). */
TW_API tw_status tw_kernel_from_source(tw_kernel **kernel, const char *path, const char *function,
                                       const tw_compile_options *options, tw_error *error);

/* A kernel by its name on a command line: "FILE.c:FUNCTION" or "FILE.so:FUNCTION", also with a version
 * ("FILE.so.6:FUNCTION"). Errors: as tw_kernel_from_source and tw_kernel_from_library. */
TW_API tw_status tw_kernel_open(tw_kernel **kernel, const char *name, const tw_compile_options *options,
                                tw_error *error);

/* The kernel's name: "mult.c:mult", or "function" for a function of the program. Valid as long as the kernel. Any
 * thread. */
TW_API const char *tw_kernel_name(const tw_kernel *kernel);

/* Gives a kernel another name, which messages about its tiles use. Errors: TW_ERROR_ARGUMENT (no text),
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_kernel_set_name(tw_kernel *kernel, const char *name, tw_error *error);

#define TW_KERNEL_IDENTITY_SIZE 1000

/* Says what a kernel computes, for the journal of a run that writes files (stage 10): a run is resumed only with a
 * kernel of the same identity. Without one a kernel is known by the bytes of its shared object or program, its symbol
 * and its context, which is right for compiled kernels. The maker of a kernel that is code of another language, whose
 * function is always the same, or whose context has addresses in it, says here what makes two kernels the same: a hash
 * of the code and of its constants, or a version. The context does not count then. NULL: none again. The text is
 * copied. Errors: TW_ERROR_ARGUMENT (no bytes, or more than TW_KERNEL_IDENTITY_SIZE), TW_ERROR_MEMORY. */
TW_API tw_status tw_kernel_set_identity(tw_kernel *kernel, const char *identity, tw_error *error);

/* One sentence that says why the kernel's object is not kept where the environment says: "compiled kernels are kept in
 * /var/tmp/tilework-65534, since ...". NULL: it is kept there. Valid as long as the kernel. Any thread. */
TW_API const char *tw_kernel_note(const tw_kernel *kernel);

/* Destroys a kernel; no run may be using it. NULL: does nothing. */
TW_API void tw_kernel_destroy(tw_kernel *kernel);

/* ---- 6 pools ------------------------------------------------------------------------------------------------- */

typedef enum tw_pool_kind { TW_THREADS = 0, TW_PROCESSES = 1, TW_SERIAL = 2 } tw_pool_kind;

#define TW_MAX_WORKERS 4096

typedef struct tw_pool tw_pool;

/* Functions that a process pool calls around each fork of a worker, for programs that must prepare for a fork, such as
 * an interpreter that holds locks. Each may be NULL. They are called by the thread that opens the pool or calls
 * tw_run. */
typedef struct tw_fork_hooks {
    void (*before)(void *user);            /* just before a fork */
    void (*parent)(void *user);            /* just after it, also if it failed */
    void (*child)(void *user, int worker); /* in the new worker, before its first tile */
    void (*end)(void *user, int worker);   /* in a worker that the pool ends; the pool waits 5 seconds for it; not
                                              called in one that is killed; NULL: workers are ended at once */
    void *user;
} tw_fork_hooks;

typedef struct tw_pool_options {
    tw_pool_kind kind;
    int workers; /* 0: as many as affinity and every cgroup ancestor's CPU quota allow; one inside a run (tw_inside_run)
                  */
    int64_t heap_bytes; /* address space reserved for shared arrays (processes); 0: twice the machine's memory */
    tw_fork_hooks hooks;
    int late; /* processes: workers are forked when the first run begins; they see what the program has then, so
                 private inputs of that run are not copied */
} tw_pool_options;

/* Opens a pool for any number of runs, one at a time. Threads: the caller is worker 0 and works while it waits;
 * `workers - 1` threads are created, with all signals blocked. Processes: `workers` children are forked, which run
 * nothing but kernels and end with the pool or with this process. If the system grants fewer threads or processes than
 * requested, the pool has that many, at least one, and tw_pool_note says so. `options` may be NULL.
 * Errors: TW_ERROR_ARGUMENT (workers < 0 or > TW_MAX_WORKERS), TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
TW_API tw_status tw_pool_open(tw_pool **pool, const tw_pool_options *options, tw_error *error);

TW_API tw_pool_kind tw_pool_get_kind(const tw_pool *pool); /* the kind that was asked for; any thread */
TW_API int tw_pool_workers(const tw_pool *pool);           /* the number of workers, at least 1; any thread */

/* One sentence about what the pool had to do without, such as fewer workers than requested, or shared memory of another
 * kind because memfd is refused. NULL: nothing. Valid as long as the pool. */
TW_API const char *tw_pool_note(const tw_pool *pool);

/* The process id of a worker (of this process, for serial and thread pools); 0 if it died and has not been replaced
 * yet. */
TW_API int tw_pool_worker_pid(const tw_pool *pool, int worker);

/* 1 if the calling thread is inside a run: in a kernel, or in a function that tw_run calls back. A pool that is opened
 * there has one worker unless it is asked for more. Any thread. */
TW_API int tw_inside_run(void);

/* Ends the workers and waits for them. Shared arrays made for the pool stay valid until they are destroyed. NULL: does
 * nothing. */
TW_API void tw_pool_close(tw_pool *pool);

/* ---- 7 arrays ------------------------------------------------------------------------------------------------ */

typedef struct tw_array tw_array;

typedef enum tw_memory { TW_PRIVATE = 0, TW_SHARED = 1, TW_MAPPED = 2, TW_BORROWED = 3 } tw_memory;

/* A new array in C order. Its contents are undefined, as with numpy.empty. Its memory suits the pool: shared for a
 * process pool, private otherwise and for a NULL pool.
 * Errors: TW_ERROR_ARGUMENT (ndim, negative length, bytes past 2^63), TW_ERROR_MEMORY. */
TW_API tw_status tw_array_create(tw_array **array, tw_pool *pool, const tw_dtype *dtype, int ndim, const int64_t *shape,
                                 tw_error *error);

/* An array over the caller's memory, which must outlive it. A process pool copies it to and from shared memory in each
 * run, unless all of it lies in an array that was made for this pool. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY.
 */
TW_API tw_status tw_array_wrap(tw_array **array, const tw_view *view, tw_error *error);

/* An array over a part of the memory of `owner`, which must outlive it: any view whose items lie there, of any dtype.
 * Every pool treats it as it treats `owner`: as shared memory, for example. Errors: TW_ERROR_ARGUMENT (items outside of
 * the owner's memory), TW_ERROR_MEMORY. */
TW_API tw_status tw_array_part(tw_array **array, const tw_array *owner, const tw_view *view, tw_error *error);

/* Opens a .npy file (version 1.0 to 3.0) for reading. The file is mapped, not read, if its bytes can be used as they
 * are; numbers in the other byte order are read into memory that suits `pool` (may be NULL) and swapped. A pipe, a
 * socket or a device is read once, for as many bytes as the header declares; if a pipe has no writer yet, the call
 * waits for one. All of NumPy's spellings of a type are accepted. The file must not be shortened while the array
 * exists. Errors:
 * TW_ERROR_FILE, TW_ERROR_FORMAT, TW_ERROR_MEMORY. */
TW_API tw_status tw_array_open(tw_array **array, tw_pool *pool, const char *path, tw_error *error);

/* The file that an output of this name becomes: PATH, or the target of PATH if it is a symbolic link; the target need
 * not exist yet. Nothing is written. *file must be freed with free(). Errors: TW_ERROR_FILE (no such folder, a
 * folder or a device of that name, no permission, a name too long), TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
TW_API tw_status tw_array_target(char **file, const char *path, tw_error *error);

/* A new .npy file that is written through the array, in C order. PATH.part (PATH as tw_array_target finds it) is
 * created, all its disk space is allocated, and it is mapped. It gets the mode, owner, group, access list and other
 * attributes of an existing file PATH; tw_array_note says which of these could not be kept. tw_array_commit renames it
 * to PATH; tw_array_destroy without commit removes it, so no incomplete file ever has the final name. While the
 * array exists, no other tw_array_create_file on PATH succeeds. This is for a single file that is written in one go; if
 * a run must resume after a crash, or several files must be finished together, use tw_outputs_open. Errors:
 * TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_ARGUMENT. */
TW_API tw_status tw_array_create_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                                      const int64_t *shape, tw_error *error);

/* One sentence that says what an output cannot keep of the file that it replaces: its owner, for example, or other hard
 * links to it, which keep the old contents. NULL: everything is kept. Valid as long as the array. */
TW_API const char *tw_array_note(const tw_array *array);

/* A file of any kind that the program writes itself and that is named PATH only when it is whole, as outputs are. */
typedef struct tw_file tw_file;

/* Creates PATH.part (PATH as tw_array_target finds it) and locks it; it gets what an output gets of an existing file
 * PATH. tw_file_commit renames it to PATH, tw_file_destroy without commit removes it. Errors: TW_ERROR_FILE, also if
 * another run writes it, TW_ERROR_DISK, TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
TW_API tw_status tw_file_create(tw_file **file, const char *path, tw_error *error);

/* The descriptor to write to. It is the file's: write to a duplicate if something will close it. -1 after the commit.
 */
TW_API int tw_file_descriptor(const tw_file *file);

/* "PATH.part", for a program that removes it if it is ended at once. Valid as long as the file. */
TW_API const char *tw_file_unfinished(const tw_file *file);

/* What it cannot keep of the file that it replaces, as tw_array_note. Valid as long as the file. */
TW_API const char *tw_file_note(const tw_file *file);

/* Syncs what was written and gives it the name PATH, replacing the file of that name; after a power cut PATH is either
 * whole or what it was before. Errors: TW_ERROR_FILE,
 * TW_ERROR_DISK, TW_ERROR_ARGUMENT (it has been committed). */
TW_API tw_status tw_file_commit(tw_file *file, tw_error *error);

/* Closes it. NULL: does nothing. */
TW_API void tw_file_destroy(tw_file *file);

/* Syncs the data and renames the file to its final name, replacing a file of that name. The array stays readable.
 * Errors: TW_ERROR_FILE, TW_ERROR_DISK. */
TW_API tw_status tw_array_commit(tw_array *array, tw_error *error);

/* Writes any array as a .npy file in C order, as PATH.part first, then renamed. Errors: TW_ERROR_FILE, TW_ERROR_DISK,
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_array_save(const tw_array *array, const char *path, tw_error *error);

/* Copies all items between arrays of the same shape and dtype. Errors: TW_ERROR_ARGUMENT. */
TW_API tw_status tw_array_copy(tw_array *destination, const tw_array *source, tw_error *error);

TW_API const tw_view *tw_array_view(const tw_array *array); /* all of the array; valid as long as it; any thread */
TW_API void *tw_array_data(const tw_array *array);          /* its first element; any thread */
TW_API tw_memory tw_array_memory(const tw_array *array);    /* which memory it lies in; any thread */

/* 1: the array's memory came from the system for it, and contains zeros except for what was written since. 0: its
 * contents are undefined: private memory of 64 KiB and more that destroyed arrays leave is kept for the next ones. It
 * goes back to the system when memory is short, and most of it is memory that the system may take by itself. Any
 * thread. */
TW_API int tw_array_is_zero(const tw_array *array);

/* Destroys an array and gives its memory back; an output that was not committed is removed. NULL: does nothing. */
TW_API void tw_array_destroy(tw_array *array);

#include <tilework/shared.h> /* arrays in shared memory of no pool, handles */

#include <tilework/axes.h> /* stage 8 */

/* ---- 9 runs and reports -------------------------------------------------------------------------------------- */

typedef struct tw_report tw_report;

typedef struct tw_progress {
    uint64_t done, total; /* tiles */
    double seconds;       /* since the run began */
} tw_progress;

/* A worker process that died in a run. */
typedef struct tw_death {
    int worker, pid;
    int signal;         /* that killed it; 0: it exited; -1: unknown */
    int code;           /* its exit code, where it exited */
    int timed_out;      /* it was killed because its tile took longer than tw_run_options.timeout */
    int by_itself;      /* 1: it sent itself the signal (SIGTERM, SIGINT, SIGHUP, SIGQUIT), as libraries do that refuse
                           to work after a fork; from others a worker ignores these */
    int has_address;    /* 1: the signal is about an address, `address` */
    uint64_t address;   /* the memory that the kernel could not read or write, or the instruction that was illegal */
    int64_t tile;       /* that it was running; -1: none */
    int deaths;         /* of workers on this tile so far, this one included */
    int given_up;       /* 1: too many workers died on the tile, and it has failed; 0: it is run again */
    const char *reason; /* "was killed by signal 11 (Segmentation fault) at address 0x7f..."; valid during the call */
} tw_death;

/* A run that stands still: for this many seconds no tile has ended, and neither a worker process nor a program that it
 * started has used the processor or waited for one. A tile that sleeps looks the same as one that waits for a lock
 * which is never released; tw_run_options.timeout ends both. */
typedef struct tw_stall {
    double seconds;
    uint64_t done, total; /* tiles */
    int workers;          /* that are running a tile */
    int64_t tile;         /* the lowest of those, -1: none; it is run by: */
    int worker, pid;
} tw_stall;

typedef struct tw_outputs tw_outputs; /* stage 10 */

typedef struct tw_run_options {
    size_t scratch_size; /* bytes of tile->scratch for each worker */
    const int *stop;     /* once *stop is not 0, the run ends after the tiles being run; a signal handler may set it */
    int retries;         /* how often a tile may kill its worker and be retried; 0: the default, 2; -1: never */
    int check;           /* compute everything again as one serial tile in separate memory, reductions of a kernel with
                            the same cuts and folds, compare bit by bit; refused if there is no output */
    void (*progress)(void *user, const tw_progress *progress); /* called by the calling thread, about 30 times a second;
                                                                  with on_tile also before each step's first tile */
    void *progress_user;
    int keep_going;            /* a kernel's error ends only its tile: all others are computed before the run fails, but
                                  for tiles of later steps that depend on it, which nobody does */
    double timeout;            /* seconds that one tile may take, else its worker is killed as if it had died; process
                                  pools only; 0: no limit */
    uint64_t tiles_per_worker; /* a worker process is replaced by a new one after this many tiles; 0: never */
    int guard;                 /* each tile runs twice on copies of its operands that end, then begin, at inaccessible
                                  memory, with canaries between rows: a kernel that reaches outside its tile or leaves
                                  an element unwritten is caught and reported. Process pools and tw_replay */
    tw_outputs *outputs;       /* opened for this kernel and grid: tiles that are done are not run again, tiles that the
                                  run finishes are recorded. The operands must be tw_outputs_operands; NULL: none */
    void (*died)(void *user, const tw_death *death); /* called by the calling thread for each worker that dies */
    void *died_user;
    double stall_seconds; /* process pools: seconds after which a run stands still; 0: 30 */
    void (*stalled)(void *user, const tw_stall *stall); /* called by the calling thread, once a run */
    void *stalled_user;
    const tw_dtype *expected; /* [noperands] dtypes that kernels will probably choose, TW_OPAQUE: unknown; NULL: none.
                                 Worker processes then need not wait for memory for them */
    const uint64_t *only; /* [nonly] ascending: these tiles alone are run, for a trial or a measurement; in the report
                             all others count as done before. Worker processes are forked to see private inputs,
                             which are not copied; their tiles' times are without what they waited for a
                             processor that other programs had; outputs must lie in memory that the workers share.
                             Neither with check nor with outputs. NULL: all tiles */
    size_t nonly;
    uint64_t first, count; /* with outputs that were opened with `join`: the tiles that are run; count 0: all tiles */
    struct tw_choices **choices; /* filled, also if the run fails: what tw_tile_choose made; NULL: it is refused */
    int (*on_tile)(void *user, int64_t tile); /* called by the calling thread for each tile that the run has done, once,
                                 in the order in which it notices them: its part of every output is complete. A thread
                                 that computes too notices others' tiles between its own. All calls are made before
                                 tw_run returns, also if the run fails. Not 0: the run ends as if `stop` were raised,
                                 and it is not called again. Tiles of earlier steps of a reduction are among them */
    void *on_tile_user;
    const tw_array *where; /* bool: a tile is not run if no element of the mask is true in it. Such tiles are skipped:
                              they count as done, and outputs keep what they have there. Not with `outputs`, nor for
                              reductions over an axis that is cut; NULL: all tiles */
    int report_if_interrupted; /* a report is made only if the run ends as interrupted, or fails after `stop` was
                                  raised, and without the tiles' times: so it costs nothing before */
    const char *where_axes;    /* the axes of the mask: "[i,j]", also with a name before it; a dimension of 1 fits any
                                  length; NULL: those of the first output, or of the first operand if there is none */
    int copies;                /* process pools: workers that are there are not forked again only because that takes
                                  less than to copy private inputs */
} tw_run_options;

/* Arrays whose dtypes kernels have chosen, numbered from 0 in the order in which they were made; that order may differ
 * from run to run. The caller destroys the whole, and the arrays that it has taken out of it. */
typedef struct tw_choices tw_choices;
TW_API int tw_choices_count(const tw_choices *choices); /* how many arrays there are */

/* One of the arrays, valid as long as `choices`. NULL: there is none of this number, or it was taken. */
TW_API const tw_array *tw_choices_array(const tw_choices *choices, int number);

/* The same, and the array is the caller's from now on, who destroys it. */
TW_API tw_array *tw_choices_take(tw_choices *choices, int number);

/* The number of the array that contains this tile of this operand; -1: none. */
TW_API int tw_choices_of(const tw_choices *choices, int operand, uint64_t tile);

/* Destroys the arrays that were not taken. NULL: does nothing. */
TW_API void tw_choices_destroy(tw_choices *choices);

/* Runs the kernel once on every tile of the grid. operands[noperands] in the signature's order. On any pool it equals
 *     for (tile = 0; tile < tw_grid_count(grid); tile++) kernel(tile);
 * A NULL pool is serial. Returns TW_OK when all tiles are done. A kernel's error ends the run (but see keep_going): of
 * all tiles that fail, the one with the lowest number is reported, whatever the order. A worker process that dies costs
 * only the time of its tile, which is run again; if workers die on one tile more often than `retries`, it fails, all
 * other tiles are still computed, and the run fails. Tiles of inout operands are just as safe to run again, because a
 * worker process computes them on a copy. `report` may be NULL; else it gets a report that the caller destroys, also if
 * the run fails after it began. `options` may be NULL.
 * Errors: TW_ERROR_ARGUMENT (shapes that do not fit the grid, outputs that overlap another operand, options that do not
 * fit the pool), TW_ERROR_KERNEL, TW_ERROR_WORKER, TW_ERROR_GUARD, TW_ERROR_INTERRUPTED, TW_ERROR_CHECK,
 * TW_ERROR_MEMORY, TW_ERROR_PROCESS; with outputs TW_ERROR_FILE and TW_ERROR_DISK (the disk refused what was
 * written). */
TW_API tw_status tw_run(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                        const tw_run_options *options, tw_report **report, tw_error *error);

/* Runs one tile alone, on the calling thread and in this process, as tw_run would, for debuggers: with the same views,
 * scratch memory and floating-point mode, and with options->guard on the same copies, so that a wrong access raises its
 * signal in this process. If the job has several steps, those before the tile's own are computed first, whole, in
 * memory that is then discarded; a tile of a reduction leaves its partial in its part of the output. Of the options
 * only scratch_size and guard are used; `options` may be NULL. Errors: TW_ERROR_ARGUMENT, TW_ERROR_KERNEL,
 * TW_ERROR_GUARD, TW_ERROR_MEMORY. */
TW_API tw_status tw_replay(const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands, uint64_t tile,
                           const tw_run_options *options, tw_error *error);

typedef enum tw_tile_state {
    TW_TILE_FREE = 0,
    TW_TILE_RUNNING = 1,
    TW_TILE_DONE = 2,
    TW_TILE_FAILED = 3,
    TW_TILE_SKIPPED = 4 /* tw_run_options.where says that nobody wants it */
} tw_tile_state;

typedef struct tw_tile_record {
    tw_tile_state state;
    int worker; /* the last that ran it; -1: none in this run */
    int pid;
    int attempts;    /* 1: done at the first attempt; 0: never taken, or done by an earlier run of the journal */
    double start;    /* seconds since the run began, 24 significant bits */
    double duration; /* seconds */
} tw_tile_record;

typedef struct tw_report_totals {
    tw_pool_kind pool;
    int workers;
    uint64_t tiles, done;    /* done: those of earlier runs, and those that were skipped, included */
    uint64_t resumed;        /* tiles that an earlier run had done */
    uint64_t skipped;        /* tiles that tw_run_options.where has left out */
    uint64_t failed;         /* tiles that failed */
    double seconds;          /* the whole run */
    int64_t bytes_copied;    /* private operands copied to and from shared memory */
    int64_t bytes_populated; /* pages of outputs that workers populated before the first write */
    int reforks;             /* times that all workers were forked again, to know a new kernel or file */
    int deaths;              /* workers that died and were replaced */
    int timeouts;            /* how many of these because their tile took too long */
    int recycled;            /* workers that were replaced after tiles_per_worker tiles */
    int checked;             /* 1: compared with the serial recomputation */
    int identical;           /* bit by bit */
    double max_difference;   /* max. abs. diff. over numeric outputs */
    int differing_operand;   /* where the first difference is: operand, flat C index, tile; else -1 */
    int64_t differing_index;
    int64_t differing_tile;
} tw_report_totals;

/* Fills in the totals of a run. Any thread. */
TW_API void tw_report_get_totals(const tw_report *report, tw_report_totals *totals);

/* Fills in the record of one tile. Any thread. Errors: TW_ERROR_ARGUMENT (there is no such tile). */
TW_API tw_status tw_report_get_tile(const tw_report *report, uint64_t tile, tw_tile_record *record, tw_error *error);

/* One line about a tile: "pid 18234 did y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000) in 800 us",
 * without a line end. Any thread. Returns the length as snprintf does. */
TW_API int tw_report_line(const tw_report *report, uint64_t tile, char *text, size_t size);

/* Seconds as people read them: "12.3 ms", "3.0 s", "2 min 5 s", "3 h 5 min", with a point in every locale. Any thread.
 * Returns the length as snprintf does. */
TW_API int tw_seconds_text(double seconds, char *text, size_t size);

/* The same line from a record that was kept without its report. `tile` is a tile of `grid`. Any thread. Returns the
 * length as snprintf does. */
TW_API int tw_report_record_line(const tw_tile_record *record, const tw_grid *grid, uint64_t tile, char *text,
                                 size_t size);

/* Why the job was one tile though its axes could be divided automatically, as tw_grid_why says it; NULL: it had
 * several, or the caller said how to divide. Valid as long as the report. Any thread. */
TW_API const char *tw_report_why(const tw_report *report);

/* One sentence that says what kept the run from being faster: copies, a last tile that ran alone, tiles too small for
 * what each of them needs, memory (if tw_machine_bandwidth has been measured before), or nothing but the kernel's work.
 * Any thread. Returns the length as snprintf does. */
TW_API int tw_report_advice(const tw_report *report, char *text, size_t size);

/* Writes the whole report as JSON. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_MEMORY. */
TW_API tw_status tw_report_write_json(const tw_report *report, FILE *file, tw_error *error);
/* Destroys a report. NULL: does nothing. */
TW_API void tw_report_destroy(tw_report *report);

#include <tilework/picture.h> /* a report as a trace, as a picture, from records */

#include <tilework/outputs.h> /* stage 10 */

/* ---- 12 the machine ------------------------------------------------------------------------------------------- */

typedef struct tw_machine {
    int cpus_online;
    int cpus_affinity;        /* CPUs this thread may run on */
    double cpus_quota;        /* smallest CPU quota of all cgroup ancestors, in CPUs; 0: none */
    int workers;              /* default number of workers: what the above allow, at least 1 */
    char workers_reason[160]; /* in words */
    int64_t memory_total;     /* bytes */
    int64_t memory_available; /* bytes, the least of MemAvailable and the room in every cgroup ancestor */
    char memory_reason[160];  /* what limits it */
    int64_t page_size;        /* bytes */
    int64_t huge_page_size;   /* bytes, 0: none */
    char huge_private[32];    /* setting of transparent huge pages: "always", "madvise", "never", "" unknown */
    char huge_shared[32];     /* the same for shared memory */
    int populate;             /* MADV_POPULATE_WRITE is available (Linux 5.14) */
    int64_t heap_bytes;       /* address space that a process pool gets for shared arrays */
    char heap_reason[160];    /* in words, if it had to be smaller than wanted */
    char cpu[96];             /* model name */
    char system[96];          /* kernel and release */
} tw_machine;

/* Describes the machine. Never fails: a fact that cannot be found is 0 or "". Any thread. */
TW_API void tw_machine_describe(tw_machine *machine);

/* The compiler and the cache folder that tw_kernel_from_source would use, as text: path[path_size],
 * version[version_size] (the first line of --version), cache[cache_size] ("": none that lasts). Any thread. Errors:
 * TW_ERROR_COMPILE (no compiler). */
TW_API tw_status tw_compiler_describe(char *path, size_t path_size, char *version, size_t version_size, char *cache,
                                      size_t cache_size, tw_error *error);

#ifdef __cplusplus
}
#endif

#include <tilework/statement.h> /* stage 11 */

#include <tilework/plan.h> /* stage 13 */

#include <tilework/prepared.h> /* stage 14 */

#include <tilework/node.h> /* stage 15 */

#endif
