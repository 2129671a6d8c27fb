/* nodes.pml - the protocol of src/node as a model for Spin: several processes, the members, that compute one job and share
 * a file system alone. tools/check/model.py runs it, in the configurations listed there.
 *
 * A STEP is one call of the file system. Before each of them its member may be killed, or its machine may fail (of what it
 * has not synced, each piece is then there or lost), and it may be started again. A member that takes no step for a long
 * time, because it is stopped or its machine hangs, and that goes on when the job is long finished, is one of the orders
 * in which Spin lets the members take their steps. Which tile a member takes next is left open, so what holds here holds
 * for any policy; that intents do not keep a run from ending is looked at with INTENTS. What is modelled and what is not:
 * docs/reliability.md. */
#ifndef MEMBERS
#define MEMBERS 2
#endif
#ifndef TILES
#define TILES 2
#endif
#ifndef OUTS
#define OUTS 1 /* outputs, each with a name of its own */
#endif
#ifndef DEATHS
#define DEATHS 1 /* that happen in all, at any steps of any members */
#endif
#ifndef FAILURES
#define FAILURES 0 /* tiles whose kernel returns an error */
#endif
#ifndef SPLIT
#define SPLIT 0 /* first tile of the job's second step, which reads what the tiles before it have written; 0: one step */
#endif
#ifndef FOLDERS
#define FOLDERS 4 /* run folders that are there, or were and are still open somewhere */
#endif

/* The last member is started with --restart; with OTHER_JOB it has another job for the same output. */
#ifdef RESTART
#define HAS_RESTART(me) ((me) == MEMBERS - 1)
#else
#define HAS_RESTART(me) false
#endif
#ifdef OTHER_JOB
#define JOB_OF(me) ((me) == MEMBERS - 1)
#else
#define JOB_OF(me) false
#endif

#define ALL ((1 << TILES) - 1)
#define FIRST_STEP ((1 << SPLIT) - 1)
#define ALL_OUTS ((1 << OUTS) - 1)
#define NONE FOLDERS
#define BIT(t) (1 << (t))

/* A run folder and what it holds. Sets of tiles and of outputs are bits. The inode of a part is that of the finished file
 * once it has its name. */
#define NOT_MADE 0
#define TEMPORARY 1
#define NAMED 2
#define REMOVED 3
byte place[FOLDERS];
bit job[FOLDERS];
byte parts[FOLDERS];   /* outputs whose part still lies in the folder */
byte disk[FOLDERS];    /* tiles whose bytes are on the disk, in all parts */
byte durable[FOLDERS]; /* tiles with a record on the disk */
byte failed[FOLDERS];  /* tiles of which a member's state says that they have failed */
bit magic[FOLDERS];    /* the parts begin with what makes them a file, on the disk */
bit replacing[FOLDERS]; /* it was made by --restart */
byte print[FOLDERS];   /* outputs whose inode has the job's fingerprint */

/* The names beside the output. */
byte named = NONE; /* the run folder */
byte final[OUTS] = NONE;

/* A member that has a folder open. */
byte opened[MEMBERS] = NONE;
byte dirty[MEMBERS];    /* tiles that it has written and not synced */
byte unsynced[MEMBERS]; /* tiles that it has recorded in a journal that is not synced: others see them */
byte deaths, failures;
bool restarted;

/* What only the assertions know. */
byte ever[FOLDERS]; /* tiles that were recorded once */
byte safe;          /* outputs whose name is on the disk */
bool over;

#define OF(f, m) (opened[m] == (f) -> unsynced[m] : 0)
#define SEEN(f) (durable[f] | OF(f, 0) | OF(f, 1) | OF(f, MEMBERS - 1))
#define IS_CLOSED(f) (opened[0] != (f) && opened[1] != (f) && opened[MEMBERS - 1] != (f))

#define HAS_FINAL(o, j) (final[o] != NONE && (print[final[o] % FOLDERS] & BIT(o)) && job[final[o] % FOLDERS] == (j))
#define HAS_ANOTHER(o, j) (final[o] != NONE && !HAS_FINAL(o, j))
#define ANOTHERS(j) (HAS_ANOTHER(0, j) || HAS_ANOTHER(OUTS - 1, j))
#define IS_FINISHED(j) (HAS_FINAL(0, j) && HAS_FINAL(OUTS - 1, j))
#define IS_FINAL(f) (final[0] == (f) || final[OUTS - 1] == (f))

/* Others' intents are respected while a tile is left that no node has tried. */
#ifdef INTENTS
byte intent[MEMBERS]; /* stays when its member is gone */
#define OTHERS ((me == 0 -> 0 : intent[0]) | (me == 1 -> 0 : intent[1]))
#define IS_FREE(t) (!(OTHERS & BIT(t)))
#define NONE_IS_FREE ((OTHERS & LEFT) == LEFT)
#else
#define IS_FREE(t) true
#endif

#ifdef LIVE
#define DIES (deaths < DEATHS && me != 0)
#else
#define DIES (deaths < DEATHS)
#endif

/* Before each step the member may die. */
#define STEP atomic { if :: DIES -> deaths++; goto died :: true fi;
#define END }

#define LEFT (ALL & ~(known | dirty[me] | (failed[f] & ~ignored)))
#define MAY_BEGIN(t) ((LEFT & BIT(t)) && (SPLIT == 0 || (t) < SPLIT || BEFORE))
#ifdef BROKEN_STEP
#define BEFORE (((known | dirty[me]) & FIRST_STEP) == FIRST_STEP)
#else
#define BEFORE ((known & FIRST_STEP) == FIRST_STEP)
#endif
#define SOME_MAY (MAY_BEGIN(0) || MAY_BEGIN(1) || MAY_BEGIN(TILES - 1))

inline forget(m)
{
    opened[m] = NONE; dirty[m] = 0; unsynced[m] = 0;
#ifdef INTENTS
    if
    :: me == 0 -> intent[me] = 0 /* that of the others stays when they are gone: the worst case */
    :: else
    fi;
#endif
    f = NONE; known = 0; noted = 0; ignored = 0; t = 0
}

proctype member(byte me)
{
    byte f = NONE;  /* the folder */
    byte known;     /* tiles of which it has seen records, or has written them */
    byte noted;     /* tiles that are synced and get records next */
    byte ignored;   /* tiles that had failed before it came */
    byte t;
    bool replaces;

    replaces = HAS_RESTART(me);
start:
    if
    :: !replaces -> goto look
    :: else
    fi;
    /* --restart: the parts go first, then the rest of the folder and its name, and then the fingerprint of the finished
     * file. Who is killed on the way is started again with --restart. */
    STEP restarted = true; f = named; opened[me] = f END
#ifndef BROKEN_RESTART
    STEP if :: f != NONE -> parts[f] = parts[f] & ~1 :: else fi END
    STEP if :: f != NONE -> parts[f] = 0 :: else fi END
#endif
    STEP
        if
        :: f != NONE && named == f -> named = NONE; place[f] = REMOVED
        :: else
        fi;
        f = NONE; opened[me] = NONE
    END
    STEP
        for (t : 0 .. OUTS - 1) {
            if
            :: final[t] != NONE -> print[final[t]] = print[final[t]] & ~BIT(t)
            :: else
            fi
        }
        t = 0
    END

look:
    STEP
        if
        :: named != NONE && job[named % FOLDERS] != JOB_OF(me) -> goto refused
        :: named != NONE && job[named % FOLDERS] == JOB_OF(me) -> f = named; opened[me] = f; goto join
        :: named == NONE
        fi
    END
    STEP
        if
        :: IS_FINISHED(JOB_OF(me)) -> goto finished
        :: !IS_FINISHED(JOB_OF(me)) && !replaces && (HAS_FINAL(0, JOB_OF(me)) || HAS_FINAL(OUTS - 1, JOB_OF(me))) -> goto look
        :: !HAS_FINAL(0, JOB_OF(me)) && !HAS_FINAL(OUTS - 1, JOB_OF(me)) && !replaces && ANOTHERS(JOB_OF(me)) -> goto refused
        :: else
        fi
    END
    STEP /* made whole under another name */
        f = 0;
        do
        :: f < FOLDERS && (place[f] == NOT_MADE || (place[f] == REMOVED && IS_CLOSED(f) && !IS_FINAL(f))) -> break
        :: else -> f++
        od;
        assert(f < FOLDERS);
        place[f] = TEMPORARY; job[f] = JOB_OF(me); replacing[f] = replaces; parts[f] = ALL_OUTS;
        disk[f] = 0; durable[f] = 0; failed[f] = 0; magic[f] = 0; print[f] = 0; ever[f] = 0;
        opened[me] = f
    END
    STEP
        opened[me] = NONE;
        if
        :: place[f] != TEMPORARY -> f = NONE; goto look /* a committer took it for what a dead maker has left */
        :: place[f] == TEMPORARY && named != NONE -> place[f] = REMOVED; f = NONE; goto look
        :: place[f] == TEMPORARY && named == NONE -> named = f; place[f] = NAMED; opened[me] = f
        fi
    END
#ifndef BROKEN_NO_SECOND_LOOK
    STEP /* somebody may have finished this job, or another one, since the first look */
        if
        :: IS_FINISHED(JOB_OF(me)) || (!replaces && ANOTHERS(JOB_OF(me))) ->
            parts[f] = 0;
            if
            :: named == f -> named = NONE; place[f] = REMOVED
            :: else
            fi;
            goto removed
        :: else
        fi
    END
#endif

join:
    STEP
        if
        :: place[f] == REMOVED -> f = NONE; opened[me] = NONE; goto look
        :: else
        fi;
        known = SEEN(f);
        ignored = failed[f]
    END

work:
    STEP
        assert(!IS_FINAL(f) || restarted || disk[f] == ALL);
        if
        :: known == ALL -> goto commit
        :: known != ALL && dirty[me] && (noted || !SOME_MAY) -> goto record
        :: known != ALL && !dirty[me] && !LEFT -> goto ends_badly /* all that is left has failed */
        :: known != ALL && !dirty[me] && LEFT && !SOME_MAY -> goto read
        :: SOME_MAY && !noted ->
            if
            :: MAY_BEGIN(0) && IS_FREE(0) -> t = 0
            :: MAY_BEGIN(1) && IS_FREE(1) -> t = 1
            :: MAY_BEGIN(TILES - 1) && IS_FREE(TILES - 1) -> t = TILES - 1
#ifdef INTENTS
#ifdef BROKEN_RESPECT
            :: else -> goto read
#else
            :: MAY_BEGIN(0) && NONE_IS_FREE -> t = 0
            :: MAY_BEGIN(1) && NONE_IS_FREE -> t = 1
            :: MAY_BEGIN(TILES - 1) && NONE_IS_FREE -> t = TILES - 1
#endif
#endif
            fi;
            assert(SPLIT == 0 || t < SPLIT || (disk[f] & FIRST_STEP) == FIRST_STEP);
#ifdef INTENTS
            intent[me] = BIT(t);
#endif
            if
            :: failures < FAILURES -> failures++; failed[f] = failed[f] | BIT(t); ignored = ignored & ~BIT(t); t = 0; goto work
            :: true
            fi
        fi
    END
#ifdef BROKEN_IN_PLACE /* the kernel zeroes its tile, then adds to it */
    STEP assert(!IS_FINAL(f)) END
#endif
    STEP /* it is computed: a look at the others' records, and whether the part has its name */
        if
        :: known = known | SEEN(f)
        :: true
        fi;
        if
        :: parts[f] == 0 -> goto removed
        :: parts[f] != 0 && (known & BIT(t)) -> t = 0; goto work
        :: else
        fi
    END
    STEP
        assert(job[f] == JOB_OF(me)); /* whatever became of the names meanwhile */
        dirty[me] = dirty[me] | BIT(t);
        t = 0;
        if
        :: goto work /* one more in this batch */
        :: true
        fi
    END
record:
#ifdef BROKEN_NO_SYNC
    STEP noted = dirty[me] END
#else
    STEP disk[f] = disk[f] | dirty[me]; noted = dirty[me]; dirty[me] = 0 END
#endif
    STEP
        unsynced[me] = unsynced[me] | noted;
        ever[f] = ever[f] | noted;
        assert((disk[f] & noted) == noted)
    END
    STEP durable[f] = durable[f] | unsynced[me]; unsynced[me] = 0; known = known | noted; noted = 0 END
read:
    STEP
        known = known | SEEN(f);
#ifdef BROKEN_INTENT_IS_RECORD
        known = known | OTHERS;
#endif
        goto work
    END

commit:
#ifndef BROKEN_NO_MAGIC
    STEP magic[f] = 1 END /* written and synced: the same bytes, whoever writes them */
#endif
#ifndef BROKEN_LATE_PRINT
    STEP print[f] = ALL_OUTS END
#endif
#ifndef BROKEN_NO_SECOND_LOOK
    STEP /* the maker may be slow to look again; what it would see was there before its folder had the name */
        if
        :: !replacing[f] && ANOTHERS(JOB_OF(me)) -> goto removed
        :: else
        fi
    END
#endif
    t = 0;
rename_output:
    STEP
        if
        :: parts[f] & BIT(t) ->
            /* What has a name is whole, and was recorded. */
            assert(disk[f] == ALL && ever[f] == ALL && magic[f] && job[f] == JOB_OF(me) && (print[f] & BIT(t)));
            assert(final[t] == NONE || job[final[t] % FOLDERS] == job[f] || replacing[f]);
            final[t] = f;
            parts[f] = parts[f] & ~BIT(t)
        :: !(parts[f] & BIT(t)) && HAS_FINAL(t, JOB_OF(me)) /* another one was first */
        :: else -> goto removed
        fi;
        t++;
        if
        :: t < OUTS -> goto rename_output
        :: else -> t = 0
        fi
    END
#ifndef BROKEN_NO_FOLDER_SYNC
    STEP safe = ALL_OUTS END
#endif
    STEP /* what makers that have died left, or one that lives: it sees that, and looks again */
        for (t : 0 .. FOLDERS - 1) {
            if
            :: place[t] == TEMPORARY -> place[t] = REMOVED
            :: else
            fi
        }
        t = 0
    END
    STEP /* by its descriptor, never by its name alone: another's may have that by now */
        assert(safe == ALL_OUTS || restarted);
#ifdef BROKEN_REMOVES_BY_NAME
        if
        :: named != NONE -> assert(named == f); place[named % FOLDERS] = REMOVED; named = NONE
        :: else
        fi
#else
        if
        :: named == f -> named = NONE; place[f] = REMOVED
        :: else
        fi
#endif
    END
    goto finished;

removed:
    STEP
        if
        :: IS_FINISHED(JOB_OF(me)) -> goto finished
        :: else -> assert(restarted || JOB_OF(MEMBERS - 1)); goto refused /* never made again by who had it open */
        fi
    END

finished:
    STEP
        assert(IS_FINISHED(JOB_OF(me)) || restarted);
        forget(me);
        over = over || me == 0
    END
    goto end_rest;
ends_badly:
refused:
    atomic { assert(restarted || failures > 0 || JOB_OF(MEMBERS - 1)); forget(me) }
end_rest:
    false;

died:
    atomic { /* what it has not synced is there or not, each piece for itself */
        if
        :: f != NONE && opened[me] == f ->
            for (t : 0 .. TILES - 1) {
                if
                :: dirty[me] & BIT(t) -> disk[f] = disk[f] | BIT(t)
                :: true
                fi;
                if
                :: unsynced[me] & BIT(t) -> durable[f] = durable[f] | BIT(t)
                :: true
                fi
            }
        :: else
        fi;
        forget(me);
        if
        :: goto start
        :: goto end_rest
        fi
    }
}

init
{
    atomic {
        byte m;
        for (m : 0 .. MEMBERS - 1) {
            run member(m)
        }
        m = 0
    }
}

#ifdef LIVE
ltl ends { <> over }
#endif
