/* claims.pml - the protocol of src/pool/claims.c and of the supervisor in src/pool/processes.c as a model for Spin, with
 * worker processes that may die before any step. tools/check/model.py runs it, in the configurations listed there.
 *
 * A STEP is one access to shared memory, or several of which the others can see one alone. Loads of flags that only ever
 * change one way within a job (stop, limit) are joined with the step behind them. Memory is sequentially consistent here:
 * the order that weaker machines keep is left to the C code and to ThreadSanitizer. What is modelled and what is not:
 * docs/reliability.md. */
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef TILES
#define TILES 3
#endif
#ifndef DEATHS
#define DEATHS 2 /* that happen in all, at any steps of any workers */
#endif
#ifndef RETRIES
#define RETRIES 1 /* deaths on one tile that are survived */
#endif
#ifndef JOBS
#define JOBS 1
#endif
#ifndef FAILURES
#define FAILURES 0 /* tiles whose kernel returns an error, any tiles */
#endif
#ifndef EARLIER
#define EARLIER 0 /* tiles that were done before the job was opened, the first ones */
#endif
#ifndef REFUSALS
#define REFUSALS 0 /* forks that fail */
#endif
#ifndef SPLIT
#define SPLIT 0 /* first tile of the job's second step, which reads what the tiles before it have written; 0: one step */
#endif
#ifndef TILES_PER_WORKER
#define TILES_PER_WORKER 0
#endif

#ifdef STOP
#define LEFT_MATTERS true
#else
#define LEFT_MATTERS (FAILURES > 0) /* else nobody ever looks whether a worker has left */
#endif

#if SPLIT
#define BEGIN (second -> SPLIT : 0) /* the tiles of the step that is open: [BEGIN, END_OF) */
#define END_OF (second -> TILES : SPLIT)
#define ENDED_BEFORE (second -> SPLIT : EARLIER)
#else
#define BEGIN 0
#define END_OF TILES
#define ENDED_BEFORE EARLIER
#endif

#define FREE 0
#define RUNNING 1
#define DONE 2
#define FAILED 3
#define NO_LIMIT 255

/* A tile's word: its state, the worker that has it, and how many died on it. */
byte state[TILES];
byte holder[TILES];
byte attempt[TILES];

/* A worker's slot. first and end are one word; so are hand and its part of `ended`, which is added up here as each part
 * has one writer and only grows. */
byte first[WORKERS];
byte end_[WORKERS];
byte hand[WORKERS];   /* tile + 1; 0: none */
byte inside[WORKERS]; /* generation; 0: none */
byte left[WORKERS];
bool sweep[WORKERS];
bool retired[WORKERS];

byte ended;
#if SPLIT
bool second; /* the second step is open, or was */
#endif
byte generation; /* odd: a job is open */
byte limit = NO_LIMIT;
bool stop;
bool rung[WORKERS]; /* the bell has rung since this worker last looked at it */

/* What the operating system knows. */
bool alive[WORKERS] = true;
bool dead[WORKERS]; /* and not yet reaped */
byte deaths;
byte refusals;

/* What only the assertions know. */
byte writers[TILES];  /* kernels that are writing to this tile now */
byte computed[TILES]; /* worker + 1 that computed it and still lives; 0: none */
bool was_done[TILES];
byte failures;
bool closed = true; /* the job's memory is the caller's again: no worker may touch it */
bool over;          /* all jobs */

#define ring() rung[0] = true; rung[1] = true; rung[WORKERS - 1] = true

/* Empty shares are all alike. */
#define SET_SHARE(w, from, to) end_[w] = ((from) < (to) -> (to) : 0); first[w] = ((from) < (to) -> (from) : 0)

#ifdef BROKEN
bool doomed[WORKERS]; /* taken for dead before it is */
#define DIES (deaths < DEATHS || doomed[me])
#define COUNT_DEATH if :: doomed[me] -> doomed[me] = false :: else -> deaths++ fi
#else
#define DIES (deaths < DEATHS)
#define COUNT_DEATH deaths++
#endif

/* Before each step the worker may die; what it had written stays. */
#define STEP atomic { if :: DIES -> COUNT_DEATH; goto died :: true fi;
#define END }

#define MUST_RETIRE (TILES_PER_WORKER > 0 && tiles >= TILES_PER_WORKER)
#define MUST_LEAVE (stop || MUST_RETIRE)

proctype worker(byte me)
{
    byte job, tile, seen, low, high, victim, tiles;
    bool sweeping, writing, error;

end_seat:
    alive[me];

serve:
    STEP rung[me] = false END
    STEP if :: generation % 2 == 0 -> goto await :: else -> job = generation fi END
    STEP inside[me] = job END
    STEP if :: generation != job -> goto out :: else fi END
    STEP
        assert(!closed);
        sweeping = sweep[me];
        sweep[me] = false;
#ifdef BROKEN_NO_SWEEP
        sweeping = false
#endif
    END

shares: /* work_shares, take_own */
    STEP
        assert(!closed);
        if
        :: MUST_LEAVE -> goto ran
        :: else
        fi;
        if
        :: first[me] < end_[me] -> tile = first[me]; SET_SHARE(me, tile + 1, end_[me])
        :: else -> victim = me; goto steal
        fi
    END
run_tile:
    STEP
        assert(!closed);
        if
        :: tile > limit || state[tile] != FREE -> tile = 0; goto shares
        :: else -> seen = attempt[tile]
        fi
    END
    STEP hand[me] = tile + 1 END
    STEP
        assert(!closed);
        if
        :: state[tile] == FREE && attempt[tile] == seen -> state[tile] = RUNNING; holder[tile] = me; seen = 0; goto compute
        :: else -> tile = 0; seen = 0
        fi
    END
    STEP hand[me] = 0; goto shares END

compute:
    STEP
        tiles = (TILES_PER_WORKER > 0 -> tiles + 1 : 0);
        writing = true;
        writers[tile]++;
        computed[tile] = 0;
        assert(writers[tile] == 1 && state[tile] == RUNNING && !was_done[tile]);
        assert(tile >= BEGIN && tile < END_OF);
#if SPLIT
        if /* whatever it reads is whole, and nobody writes to it any more */
        :: second ->
            for (low : 0 .. SPLIT - 1) {
                assert(state[low] == DONE && writers[low] == 0)
            }
            low = 0
        :: else
        fi
#endif
    END
    STEP
        assert(!closed && writers[tile] == 1);
        writing = false;
        writers[tile]--;
        computed[tile] = me + 1;
        if
        :: failures < FAILURES -> failures++; error = true
        :: goto computed_well
        fi
    END
    STEP limit = (tile < limit -> tile : limit) END
computed_well:
    STEP
        assert(!closed && state[tile] == RUNNING && holder[tile] == me && computed[tile] == me + 1);
        state[tile] = (error -> FAILED : DONE);
        was_done[tile] = true;
        computed[tile] = 0;
        attempt[tile] = 0;
        error = false
    END
    STEP assert(!closed); ended++; hand[me] = 0; tile = 0; goto shares END

steal: /* the far half of the first share that is not empty; the compare-and-swap on the victim's share is one step */
    STEP
        victim = (victim + 1) % WORKERS;
        if
        :: victim == me -> victim = 0; goto ran
        :: victim != me && first[victim] == end_[victim] -> goto steal
        :: victim != me && first[victim] < end_[victim] ->
            tile = end_[victim];
            low = tile - (tile - first[victim] + 1) / 2;
            seen = (tile - first[victim] > 2);
            SET_SHARE(victim, first[victim], low);
            victim = 0
        fi
    END
    /* Here these tiles are in nobody's share. The first of them is the thief's own; the others may be stolen from it. */
    STEP
        assert(!closed);
#ifdef BROKEN_PING_PONG
        SET_SHARE(me, low, tile);
        low = 0; tile = 0; seen = 0;
        goto shares
#endif
        SET_SHARE(me, low + 1, tile);
        tile = low;
        low = 0;
        if
        :: seen -> seen = 0
        :: else -> goto run_tile
        fi
    END
    STEP ring(); goto run_tile END

ran: /* work_shares is over. sweep: `high` is the next word to look at */
    STEP
        if
        :: !sweeping || BEGIN + high >= END_OF || BEGIN + high > limit || MUST_LEAVE -> high = 0; goto leave
        :: else -> low = high
        fi
    END
look:
    STEP
        assert(!closed);
        if
        :: BEGIN + high < END_OF && state[(BEGIN + high) % TILES] == FREE -> high++; goto look
        :: else
        fi;
        if
        :: high == low -> low = 0; high++; goto ran
        :: else
        fi
    END
    STEP SET_SHARE(me, BEGIN + low, BEGIN + high); low = 0; high++ END
    STEP ring(); goto shares END

leave:
    STEP
        if
        :: MUST_RETIRE -> sweep[me] = sweeping
        :: else -> left[me] = (LEFT_MATTERS -> job : 0); goto out
        fi
    END
    STEP retired[me] = true END
    STEP inside[me] = 0; goto died END
out:
    STEP inside[me] = 0; sweeping = false; job = 0 END
await:
end_await:
    atomic {
        if
        :: rung[me] -> goto serve
        :: DIES -> COUNT_DEATH; goto died
        fi
    }

died:
    atomic { /* whatever it was writing, it writes no more */
        if
        :: writing -> writers[tile]--; computed[tile] = 0
        :: !writing && computed[tile % TILES] == me + 1 -> computed[tile % TILES] = 0
        :: else
        fi;
        job = 0; tile = 0; seen = 0; low = 0; high = 0; victim = 0; tiles = 0;
        sweeping = false; writing = false; error = false;
        alive[me] = false;
        dead[me] = true;
        goto end_seat
    }
}

#define SOMEBODY_DEAD (dead[0] || dead[1] || dead[WORKERS - 1])
#define ALL_GONE (!alive[0] && !alive[1] && !alive[WORKERS - 1] && !SOMEBODY_DEAD)
#define IS_INSIDE(w) (inside[w] == generation - 1)
#define NOBODY_INSIDE (!IS_INSIDE(0) && !IS_INSIDE(1) && !IS_INSIDE(WORKERS - 1))

/* tw__claims_bury. Of all that it writes, others can see the tile's word alone. */
inline bury(w)
{
    if
    :: hand[w] != 0 ->
        t = hand[w] - 1;
        if
        :: state[t] == FREE || holder[t] != w
        :: state[t] != FREE && holder[t] == w && state[t] != RUNNING -> ended++
        :: state[t] == RUNNING && holder[t] == w ->
            if
            :: attempt[t] >= RETRIES -> state[t] = FAILED; was_done[t] = true; attempt[t] = 0; ended++
            :: else -> attempt[t]++; holder[t] = 0; state[t] = FREE
            fi
        fi;
        hand[w] = 0;
        t = 0
    :: else
    fi;
    if
    :: !retired[w] -> sweep[w] = generation % 2
    :: else
    fi;
    retired[w] = false;
    inside[w] = 0
}

/* Reaps one of the dead, and only then frees what it had; then forks another in its place. */
inline bury_one()
{
    atomic {
        w = 0;
        do
        :: dead[w] -> break
        :: else -> w++
        od;
        bury(w)
    }
    atomic {
        dead[w] = false;
        if
        :: refusals < REFUSALS ->
            refusals++;
            sweep[w] = false;
            for (t : 0 .. WORKERS - 1) {
                sweep[t] = sweep[t] || alive[t] || dead[t]
            }
            t = 0;
            ring()
        :: alive[w] = true
        fi;
        w = 0
    }
}

proctype caller()
{
    byte w, t, jobs, terminal;
    bool somebody;

next_job:
    atomic { /* tw__claims_open: all words of the step are zero */
        for (w : 0 .. WORKERS - 1) {
            SET_SHARE(w, BEGIN + (END_OF - BEGIN) * w / WORKERS, BEGIN + (END_OF - BEGIN) * (w + 1) / WORKERS);
            hand[w] = 0;
            sweep[w] = false
        }
        for (t : BEGIN .. TILES - 1) {
            state[t] = (t < EARLIER -> DONE : FREE);
            was_done[t] = t < EARLIER;
            holder[t] = 0;
            attempt[t] = 0
        }
        w = 0; t = 0;
        ended = ENDED_BEFORE;
        limit = NO_LIMIT;
        closed = false;
        generation++
    }
    atomic { ring() }

wait_finished:
    atomic {
        if
        :: ended == END_OF || ALL_GONE -> goto close
        :: ended != END_OF && SOMEBODY_DEAD -> goto bury_in_job
#ifdef BROKEN
        /* A worker is thought dead, and what it had is freed; it dies some steps later. */
        :: ended != END_OF && deaths < DEATHS && alive[0] -> deaths++; doomed[0] = true; bury(0); goto wait_finished
#endif
        :: ended != END_OF && !SOMEBODY_DEAD && !ALL_GONE && (stop || limit != NO_LIMIT)
        fi
    }
    /* tw__claims_finished once a tile has failed or the run is to stop. The loads of one slot are in this order. */
look_at_slot:
    atomic { if :: sweep[w] -> goto not_finished :: else fi }
    atomic { if :: inside[w] == generation -> goto not_finished :: else fi }
    atomic { if :: retired[w] -> goto not_finished :: else fi }
    atomic {
        somebody = somebody || left[w] == generation;
        w++;
        if
        :: w < WORKERS -> goto look_at_slot
        :: w == WORKERS && !somebody -> goto not_finished
        :: w == WORKERS && somebody
        fi
    }
#ifndef BROKEN_EARLY_END
    /* Somebody may have entered after its slot was looked at: the words tell. */
    atomic {
        for (t : BEGIN .. END_OF - 1) {
            terminal = ((state[t] == FREE || state[t] == RUNNING) && t <= limit && !stop -> 1 : terminal)
        }
        t = 0;
        if
        :: terminal == 1 -> terminal = 0; goto not_finished
        :: else
        fi
    }
#endif
    atomic { w = 0; somebody = false; goto close }
not_finished:
    atomic {
        w = 0;
        somebody = false;
        if
        :: SOMEBODY_DEAD
        :: else -> goto wait_finished
        fi
    }
bury_in_job:
    bury_one();
    goto wait_finished;

close:
    atomic { generation++ } /* tw__claims_close */
#ifndef BROKEN_NO_WAIT
wait_empty:
    atomic {
        if
        :: NOBODY_INSIDE -> goto closed_job
        :: !NOBODY_INSIDE && SOMEBODY_DEAD
        fi
    }
    bury_one();
    goto wait_empty;
#endif

closed_job:
    atomic {
        closed = true;
        for (t : 0 .. END_OF - 1) {
            assert(state[t] != RUNNING && writers[t] == 0);
            terminal = (state[t] == FREE -> terminal : terminal + 1);
            somebody = somebody || state[t] != DONE; /* a tile that failed, was given up or never begun */
            /* The lowest tile whose kernel failed is the one that is reported, so all before it have ended. */
            assert(state[t] != FREE || stop || t > limit || ALL_GONE)
        }
        assert(ended == terminal);
        assert(ended == END_OF || stop || limit != NO_LIMIT || ALL_GONE);
        t = 0;
#if SPLIT
        if
#ifdef BROKEN_STEP
        :: !second && terminal == SPLIT && !stop && !ALL_GONE ->
#else
        :: !second && !somebody && !stop && !ALL_GONE ->
#endif
            terminal = 0;
            second = true;
            goto next_job
        :: else
        fi;
#endif
        terminal = 0; somebody = false;
        jobs++;
        if
        :: jobs < JOBS && !stop && !ALL_GONE -> goto next_job
        :: else -> over = true
        fi
    }
end_rest: /* between jobs the dead wait for the next one */
    false
}

#ifdef STOP
proctype user()
{
    stop = true
}
#endif

init
{
    atomic {
        byte w;
        for (w : 0 .. WORKERS - 1) {
            run worker(w)
        }
        w = 0;
        run caller();
#ifdef STOP
        run user()
#endif
    }
}

#ifdef LIVE
ltl ends { <> over }
#endif
