/* test_portion.c - which tiles a node does next: every tile is done, whatever order nodes take turns in, whoever dies
 * or starts anew; few are done twice; and shares are shares. */
#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

#include "harness.h"

#include "node/portion.h"

/* ---- shares ---- */

static void shares_are_neighbours_and_have_every_tile_once(void **state)
{
    static const uint64_t counts[] = {0, 1, 2, 7, 64, 1000, 99999, UINT32_MAX - 1};
    static const int64_t nodes[] = {1, 2, 3, 8, 64, 1000, 100000};
    static const uint64_t units[] = {0, 1, 2, 5, 16, 300};
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        for (size_t n = 0; n < sizeof nodes / sizeof nodes[0]; n++) {
            for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
                uint64_t end = 0;
                for (int64_t node = 0; node < nodes[n]; node++) {
                    uint64_t from, to;
                    tw__portion_share(counts[c], units[u], node, nodes[n], &from, &to);
                    assert_true(from == end && to >= from);
                    const uint64_t fair = counts[c] / (uint64_t)nodes[n];
                    assert_true(to - from <= fair + 1 + fair / 2 && to - from + fair / 2 + 1 >= fair);
                    end = to;
                }
                assert_true(end == counts[c]);
            }
        }
    }
}

static void borders_are_multiples_where_there_are_enough_tiles(void **state)
{
    uint64_t from, to;
    (void)state;
    tw__portion_share(1000, 16, 3, 8, &from, &to);
    assert_true(from == 368 && to == 496); /* 375 and 500, to the nearest multiples */
    tw__portion_share(100, 16, 3, 8, &from, &to);
    assert_true(from == 37 && to == 50);
}

/* ---- many nodes, in any order ---- */

enum { MOST_TILES = 4000, MOST_NODES = 24, WORDS = MOST_TILES / 64 + 1 };

struct node {
    int is_alive;
    int64_t index;
    uint64_t seen[WORDS];   /* records of others that it has read */
    uint64_t mine[WORDS];   /* tiles that it has done */
    uint64_t unsaid[WORDS]; /* ... and not recorded yet */
    struct tw__round round; /* its intent */
    uint64_t next;          /* tile of the round */
    int speed;              /* turns in 100 that it uses */
    uint64_t random;
};

static struct world {
    uint64_t count;
    int64_t nodes;
    uint64_t least;
    int batch; /* turns between two looks */
    uint64_t recorded[WORDS];
    uint64_t computed, again;
    struct node node[MOST_NODES];
    uint64_t done[WORDS], meant[WORDS], late[WORDS];
} world;

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

static void record(struct node *node)
{
    for (int w = 0; w < WORDS; w++) {
        world.recorded[w] |= node->unsaid[w];
        node->unsaid[w] = 0;
        node->seen[w] = world.recorded[w];
    }
}

static int all_recorded(void)
{
    for (uint64_t tile = 0; tile < world.count; tile++) {
        if (!tw__set_has(world.recorded, tile)) {
            return 0;
        }
    }
    return 1;
}

/* What others mean to do is late if they are dead, or, seldom, because they are slow. */
static void choose(struct node *node)
{
    memset(world.meant, 0, sizeof world.meant);
    memset(world.late, 0, sizeof world.late);
    for (int w = 0; w < WORDS; w++) {
        world.done[w] = node->seen[w] | node->mine[w];
    }
    for (int n = 0; n < MOST_NODES; n++) {
        const struct node *other = &world.node[n];
        const int is_late = !other->is_alive || draw(2000) == 0;
        for (uint64_t tile = other->round.first; other != node && tile < other->round.first + other->round.count;
             tile++) {
            if (!tw__set_has(world.done, tile)) {
                tw__set_add(world.meant, tile);
                if (is_late) {
                    tw__set_add(world.late, tile);
                }
            }
        }
    }
    struct tw__portion portion = {.count = world.count,
                                  .node = node->index,
                                  .nodes = world.nodes,
                                  .least = world.least,
                                  .done = world.done,
                                  .meant = world.meant,
                                  .late = world.late,
                                  .random = node->random};
    tw__portion_next(&portion, &node->round);
    node->random = portion.random;
    node->next = node->round.first;
    for (uint64_t tile = node->round.first; tile < node->round.first + node->round.count; tile++) {
        const int is_meant = tw__set_has(world.meant, tile) && !tw__set_has(world.done, tile);
        assert_true(tile < world.count && (!is_meant || node->round.kind == TW__ROUND_AGAIN));
    }
    world.again += node->round.kind == TW__ROUND_AGAIN;
}

static void take_turn(struct node *node)
{
    while (node->next < node->round.first + node->round.count) {
        const uint64_t tile = node->next++;
        if (!tw__set_has(node->seen, tile) && !tw__set_has(node->mine, tile)) {
            world.computed++;
            tw__set_add(node->mine, tile);
            tw__set_add(node->unsaid, tile);
            if (draw((uint64_t)world.batch) == 0) {
                record(node);
            }
            return;
        }
    }
    node->round.count = 0;
    if (draw(2) == 0) { /* else it begins the next round before it has recorded this one */
        record(node);
    }
    choose(node);
    if (node->round.count == 0) {
        record(node);
    }
}

static void begin(int64_t nodes)
{
    memset(&world, 0, sizeof world);
    world.count = 1 + draw(MOST_TILES);
    world.nodes = nodes;
    world.least = 1 + draw(6);
    world.batch = 1 + (int)draw(20);
    for (int64_t n = 0; n < nodes; n++) {
        world.node[n] =
            (struct node){.is_alive = 1, .index = n, .speed = 5 + (int)draw(96), .random = 1 + draw(1 << 30)};
    }
}

/* Another start of a node, in a place of its own: the one before it may be alive. */
static void start_again(int64_t index)
{
    for (int n = (int)world.nodes; n < MOST_NODES; n++) {
        if (world.node[n].index == 0 && !world.node[n].is_alive && world.node[n].speed == 0) {
            world.node[n] =
                (struct node){.is_alive = 1, .index = index, .speed = 5 + (int)draw(96), .random = draw(99)};
            record(&world.node[n]);
            return;
        }
    }
}

static void play(int deaths)
{
    for (uint64_t turns = 0; !all_recorded(); turns += 50) {
        assert_true(turns < 400 * (world.count + 100) * 24); /* it ends */
        for (int turn = 0; turn < 50; turn++) {
            struct node *node = &world.node[draw(MOST_NODES)];
            if (node->is_alive && (int)draw(100) < node->speed) {
                take_turn(node);
            }
        }
        if (deaths && draw(40) == 0) {
            struct node *node = &world.node[draw((uint64_t)world.nodes)];
            node->is_alive = node == &world.node[0]; /* one lives on */
            if (draw(2) == 0) {
                start_again((int64_t)draw((uint64_t)world.nodes));
            }
        }
    }
}

static void every_tile_is_done_and_few_twice(void **state)
{
    uint64_t all = 0, computed = 0;
    (void)state;
    for (uint64_t game = 0; game < 400; game++) {
        seed = game;
        begin(1 + (int64_t)draw(8));
        play(0);
        /* Where two meet: what neither has read yet. */
        const uint64_t margin = world.count / 50 + (uint64_t)world.nodes * (world.least + 2 * (uint64_t)world.batch);
        assert_true(world.computed >= world.count && world.computed <= world.count + margin);
        all += world.count;
        computed += world.computed;
    }
    assert_true(computed - all <= all / 50); /* 2 % */
}

static void if_one_node_lives_on_every_tile_is_done(void **state)
{
    uint64_t again = 0;
    (void)state;
    for (uint64_t game = 0; game < 400; game++) {
        seed = game;
        begin(2 + (int64_t)draw(7));
        play(1);
        again += world.again;
    }
    assert_true(again > 100); /* what the dead meant to do was met */
}

static void one_node_alone_does_every_tile_once(void **state)
{
    (void)state;
    for (uint64_t game = 0; game < 200; game++) {
        seed = game;
        begin(1);
        world.nodes = 1 + (int64_t)draw(64); /* the others never start */
        play(0);
        assert_true(world.computed == world.count);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_neighbours_and_have_every_tile_once),
        cmocka_unit_test(borders_are_multiples_where_there_are_enough_tiles),
        cmocka_unit_test(every_tile_is_done_and_few_twice),
        cmocka_unit_test(if_one_node_lives_on_every_tile_is_done),
        cmocka_unit_test(one_node_alone_does_every_tile_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
