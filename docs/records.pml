/* records.pml - what a job of several steps leaves on the disk, and how it resumes, as a model for Spin: the order of
 * src/record/journal.c and recorder.c, and the decisions of src/record/recovery.c. tools/check/model.py runs it.
 *
 * The job is u[i] /= sum(k: u[k]) with PARTS tiles: the first step writes partials, one tile adds them up, the last step
 * overwrites u. Tiles are begun and ended, and the recorder takes its steps, in any order that the program allows. At
 * any moment the program may be killed (what it wrote stays) or the power may fail (of what was not synced, each piece
 * is there or not). Once, FILE.partials may be lost. Then the same job is resumed. */
#ifndef PARTS
#define PARTS 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef LOSSES
#define LOSSES 1
#endif

#define TOTAL PARTS           /* number of the tile that adds up */
#define TILES (2 * PARTS + 1) /* tile TOTAL + 1 + x overwrites part x of u */

/* What a piece of a file holds. */
#define FIRST 0   /* u before the job; nothing in a partial */
#define HALF 1    /* a tile is writing it */
#define RIGHT 2   /* what the job is to leave there */
#define GARBAGE 3 /* computed from something else */

/* Piece t is what tile t writes: a partial, the total, a part of u. */
byte now[TILES];     /* in memory, which outlives the program */
byte on_disk[TILES];
byte result[TILES];  /* of a tile that is begun: what it will have written */

/* The tiles of the run. */
bool begun[TILES];
bool done[TILES];    /* also those of earlier runs, and those that are spared */
bool spared[TILES];  /* nobody needs it: it counts as done, and has no record */

/* The journal. */
bool record[TILES];  /* in memory */
bool recorded[TILES]; /* on the disk */

byte phase; /* of the recorder: 0 rests, 1 has noted, 2 has synced the partials, 3 and u, 4 has written records */
bool noted[TILES];
byte crashes, losses;
bool is_lost; /* FILE.partials, at some time */
byte t, x;
bool good, missing, needs_total, needs_parts, blocked, lost;

inline all_done(from, to, verdict)
{
    verdict = true;
    for (t : from .. to - 1) {
        verdict = verdict && done[t]
    }
    t = 0
}

/* What tile `which` computes from what is there now. */
inline compute(which)
{
    good = true;
    if
    :: which < PARTS -> good = now[TOTAL + 1 + which] == FIRST
    :: which == TOTAL ->
        for (x : 0 .. PARTS - 1) {
            good = good && now[x] == RIGHT
        }
    :: which > TOTAL -> good = now[which] == FIRST && now[TOTAL] == RIGHT
    fi;
    x = 0;
    result[which] = (good -> RIGHT : GARBAGE);
    good = false
}

/* The steps before the last are safe. */
inline look_at_barrier(verdict)
{
    all_done(0, TOTAL + 1, verdict);
#ifndef BROKEN_NO_BARRIER
    for (t : 0 .. TOTAL) {
        verdict = verdict && (record[t] || spared[t]) && phase == 0
    }
    t = 0
#endif
}

inline may_begin(which, verdict)
{
    if
    :: which < PARTS -> verdict = true
    :: which == TOTAL -> all_done(0, PARTS, verdict)
    :: which > TOTAL -> look_at_barrier(verdict)
    fi
}

/* src/record/recovery.c, outputs.c */
inline resume()
{
    missing = false;
    for (t : TOTAL + 1 .. TILES - 1) {
        missing = missing || !recorded[t]
    }
    needs_total = missing && (lost || !recorded[TOTAL]);
    missing = false;
    for (t : 0 .. PARTS - 1) {
        missing = missing || !recorded[t];
        blocked = blocked || (needs_total && (lost || !recorded[t]) && recorded[TOTAL + 1 + t])
    }
    for (t : TOTAL + 1 .. TILES - 1) { /* all partials are needed, whatever part of u they are of */
        blocked = blocked || (needs_total && lost && recorded[t])
    }
    needs_parts = needs_total && (lost || missing);
    if
    :: blocked -> assert(is_lost) /* without a loss, a job can be resumed */
    :: else ->
        for (t : 0 .. TOTAL) {
#ifndef BROKEN_BELIEVES
            recorded[t] = recorded[t] && !lost;
#endif
            done[t] = recorded[t] || (t < PARTS -> !needs_parts : !needs_total);
            spared[t] = done[t] && !recorded[t];
            record[t] = recorded[t]
        }
        for (t : TOTAL + 1 .. TILES - 1) {
            done[t] = recorded[t];
            record[t] = recorded[t];
            if
#ifndef BROKEN_NO_RESTORE
            :: !done[t] -> now[t] = FIRST
#endif
            :: else
            fi
        }
    fi;
    t = 0; lost = false; missing = false; needs_total = false; needs_parts = false
}

/* The power fails: each piece, and each record, is as it was synced or as it was last written. */
inline cut()
{
    for (t : 0 .. TILES - 1) {
        if
        :: now[t] != on_disk[t] -> now[t] = on_disk[t]
        :: on_disk[t] = now[t]
        fi;
        if
        :: record[t] != recorded[t] -> record[t] = recorded[t]
        :: recorded[t] = record[t]
        fi
    }
    t = 0
}

inline forget_run()
{
    for (t : 0 .. TILES - 1) {
        begun[t] = false; done[t] = false; spared[t] = false; noted[t] = false; result[t] = FIRST
    }
    t = 0;
    phase = 0
}

active proctype job()
{
    byte which;
    bool may;
    do
    :: atomic { /* a worker begins a tile */
        select (which : 0 .. TILES - 1);
        if
        :: !begun[which] && !done[which] ->
            may_begin(which, may);
            if
            :: may -> compute(which); begun[which] = true; now[which] = HALF
            :: else
            fi
        :: else
        fi;
        which = 0; may = false
       }
    :: atomic { /* ... and ends it */
        select (which : 0 .. TILES - 1);
        if
        :: begun[which] && !done[which] -> now[which] = result[which]; done[which] = true; result[which] = FIRST
        :: else
        fi;
        which = 0
       }
    :: atomic { phase == 0 ->
        for (t : 0 .. TILES - 1) {
            noted[t] = done[t] && !record[t] && !spared[t]
        }
        t = 0;
        phase = 1
       }
    :: atomic { phase == 1 ->
#ifndef BROKEN_NO_SYNC
        for (t : 0 .. TOTAL) {
            on_disk[t] = now[t]
        }
        t = 0;
#endif
        phase = 2
       }
    :: atomic { phase == 2 ->
        for (t : TOTAL + 1 .. TILES - 1) {
            on_disk[t] = now[t]
        }
        t = 0;
        phase = 3
       }
    :: atomic { phase == 3 ->
        for (t : 0 .. TILES - 1) {
            record[t] = record[t] || noted[t];
            noted[t] = false
        }
        t = 0;
        phase = 4
       }
    :: atomic { phase == 4 ->
        for (t : 0 .. TILES - 1) {
            recorded[t] = record[t];
            assert(!recorded[t] || on_disk[t] == RIGHT)
        }
        t = 0;
        phase = 0
       }
    :: atomic { crashes < CRASHES -> /* in any phase, with any tiles half written */
        crashes++;
        if
        :: cut()
        :: for (t : 0 .. TILES - 1) {
                recorded[t] = record[t]
           }
           t = 0
        fi;
        forget_run();
        if
        :: losses < LOSSES ->
            losses++;
            lost = true;
            is_lost = true;
            for (t : 0 .. TOTAL) {
                now[t] = FIRST;
                on_disk[t] = FIRST
            }
            t = 0
        :: true
        fi;
        resume();
        if
        :: blocked -> break
        :: else
        fi
       }
    :: atomic {
        all_done(0, TILES, may);
        if
        :: may -> break
        :: else
        fi
       }
    od;
    if
    :: !blocked ->
        for (t : TOTAL + 1 .. TILES - 1) {
            assert(now[t] == RIGHT)
        }
    :: else
    fi
}
