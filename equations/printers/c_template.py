"""The C program around a rule: everything that does not depend on its equations. `$names` are filled in by `c.py`."""

from __future__ import annotations

PROGRAM = r"""/* A local update rule as a stand-alone C99 program; channels: $channel_names.
 *
 *     cc -std=c99 -O3 -o rule rule.c -lm
 *     ./rule --steps 2000 --size 256 --seed 0 --out rule.ppm
 *
 * -march=native -fno-math-errno make it faster, -fopenmp runs rows in parallel; the result stays the same.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No fused multiply-add, which rounds once where the rule rounds twice. And a mark for the loop whose turns are
 * independent, in a function of its own: merged into its caller, it is no longer vectorised by every compiler. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpass-failed" /* of loops that call sinf and the like */
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define APART __attribute__((noinline))
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#define INDEPENDENT _Pragma("GCC ivdep")
#define APART __attribute__((noinline))
#else
#pragma STDC FP_CONTRACT OFF
#define INDEPENDENT
#define APART
#endif

#define CHANNELS $channels
#define MAX_CELLS $max_cells

$helpers

/* A hash of (seed, step, y, x) that every language computes alike; this is its part for one row. */
static uint32_t row_hash(uint32_t seed, uint32_t step, uint32_t y)
{
    return mix32(mix32(mix32(seed + $golden) ^ step) ^ y);
}

/* Uniform in [0, 1), 24 bits; the row is hashed at a step number that no run reaches. */
static float uniform(uint32_t row, uint32_t x, uint32_t channel)
{
    return (float)(mix32(mix32(row ^ x) + (channel + 1u) * $golden) >> 8) * 0x1p-24f;
}

/* The first state, as state[channel][y][x]. */
static void start(float *state, size_t h, size_t w, uint32_t seed)
{
    const size_t plane = h * w;
    const float background[CHANNELS] = {$background};
    const float amplitude[CHANNELS] = {$amplitude};
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t i = 0; i < plane; i++)
            state[c * plane + i] = background[c];
$marks
    for (size_t y = 0; y < h; y++) {
        const uint32_t row = row_hash(seed, $init_step, (uint32_t)y);
        for (size_t x = 0; x < w; x++)
            for (size_t c = 0; c < CHANNELS; c++)
                state[c * plane + y * w + x] +=
                    amplitude[c] * (uniform(row, (uint32_t)x, (uint32_t)c) * 2.0f - 1.0f);
    }
}

/* The cells first <= x < end of a row. up, mid and down are the three rows of channel 0 that it sees, channel c lies
 * c * plane further on; west and east lead to the neighbours. */
APART static void update(const float *restrict up, const float *restrict mid, const float *restrict down,
                         float *restrict out, ptrdiff_t plane, uint32_t row, ptrdiff_t first, ptrdiff_t end,
                         ptrdiff_t west, ptrdiff_t east)
{
$unused    INDEPENDENT
    for (ptrdiff_t x = first; x < end; x++) {
$cell
    }
}

/* One step on a periodic grid; only the first and the last column wrap round. */
static void advance(const float *source, float *target, ptrdiff_t h, ptrdiff_t w, uint32_t seed, uint32_t step)
{
    const ptrdiff_t plane = h * w;
#ifdef _OPENMP
#pragma omp parallel for schedule(static)
#endif
    for (ptrdiff_t y = 0; y < h; y++) {
        const float *up = source + (y > 0 ? y - 1 : h - 1) * w, *mid = source + y * w;
        const float *down = source + (y + 1 < h ? y + 1 : 0) * w;
        float *out = target + y * w;
        const uint32_t row = row_hash(seed, step, (uint32_t)y);
        update(up, mid, down, out, plane, row, 0, 1, w - 1, w > 1);
        update(up, mid, down, out, plane, row, 1, w - 1, -1, 1);
        if (w > 1)
            update(up, mid, down, out, plane, row, w - 1, w, -1, 1 - w);
    }
}

/* 0 when every number is finite and at most $limit in size; otherwise says where not. */
static int check(const float *state, size_t h, size_t w)
{
    static const char *const names[CHANNELS] = {$quoted_names};
    for (size_t i = 0; i < CHANNELS * h * w; i++)
        if (!(fabsf(state[i]) <= $limit)) {
            const size_t cell = i % (h * w);
            fprintf(stderr, "error: the simulation diverged: channel %s is %g at y=%lu, x=%lu\n", names[i / (h * w)],
                    (double)state[i], (unsigned long)(cell / w), (unsigned long)(cell % w));
            return 1;
        }
    return 0;
}

$picture

static int write_file(const char *path, const void *data, size_t size, const char *header)
{
    FILE *file = fopen(path, "wb");
    int failed = !file || fwrite(header, 1, strlen(header), file) != strlen(header);
    failed = failed || fwrite(data, 1, size, file) != size;
    failed = (file && fclose(file)) || failed;
    if (failed)
        fprintf(stderr, "error: %s cannot be written\n", path);
    return failed;
}

static int write_picture(const char *path, const float *state, size_t h, size_t w, int grey)
{
    const size_t bytes = grey ? 1 : 3;
    char header[64];
    unsigned char *pixels = malloc(h * w * bytes), colour[3];
    int failed = !pixels;
    for (size_t i = 0; pixels && i < h * w; i++) {
        paint(state + i, h * w, colour);
        memcpy(pixels + i * bytes, colour, bytes);
    }
    snprintf(header, sizeof header, "P%c\n%lu %lu\n255\n", grey ? '5' : '6', (unsigned long)w, (unsigned long)h);
    failed = failed || write_file(path, pixels, h * w * bytes, header);
    free(pixels);
    return failed;
}

/* Reads a whole number from `least` to `most` off the front of *text. */
static int whole(const char **text, uint64_t least, uint64_t most, uint64_t *value)
{
    const char *at = *text;
    for (*value = 0; *at >= '0' && *at <= '9' && *value <= most; at++)
        *value = *value * 10 + (uint64_t)(*at - '0');
    if (at == *text || *value < least || *value > most)
        return 0;
    *text = at;
    return 1;
}

static int refuse(const char *option, const char *expected, const char *got)
{
    fprintf(stderr, "error: %s: expected %s, got %s\n", option, expected, got ? got : "nothing");
    return 2;
}

static int ends_in(const char *text, const char *ending)
{
    return strlen(text) > strlen(ending) && !strcmp(text + strlen(text) - strlen(ending), ending);
}

static const char usage[] =
    "usage: rule [--steps N] [--size N|WIDTHxHEIGHT] [--seed N] [--out FILE$endings] [--state FILE]\n"
    "  --steps  whole number (2000)\n"
    "  --size   cells (256)\n"
    "  --seed   of the first state and the update mask (0)\n"
    "  --out    picture of the last state (rule.ppm)\n"
    "  --state  the last state itself: float32 numbers, channel by channel, row by row\n";

int main(int count, char **words)
{
    uint64_t steps = 2000, w = 256, h = 256, seed = 0;
    const char *out = "rule.ppm", *raw = NULL;
    for (int i = 1; i < count; i += 2) {
        const char *option = words[i], *value = words[i + 1], *end = value ? value : "";
        if (!strcmp(option, "--help")) {
            fputs(usage, stdout);
            return 0;
        } else if (!strcmp(option, "--steps")) {
            if (!whole(&end, 0, 4294967294, &steps) || *end)
                return refuse(option, "a whole number from 0 to 4294967294", value);
        } else if (!strcmp(option, "--seed")) {
            if (!whole(&end, 0, UINT32_MAX, &seed) || *end)
                return refuse(option, "a whole number from 0 to 4294967295", value);
        } else if (!strcmp(option, "--size")) {
            int good = whole(&end, 1, 65536, &w);
            h = w;
            if (good && *end == 'x') {
                end++;
                good = whole(&end, 1, 65536, &h);
            }
            if (!good || *end)
                return refuse(option, "N or WIDTHxHEIGHT, sides from 1 to 65536", value);
        } else if (!strcmp(option, "--out")) {
            if (!($good_ending))
                return refuse(option, "a file ending in $endings_text", value);
            out = value;
        } else if (!strcmp(option, "--state")) {
            if (!*end)
                return refuse(option, "a file name", value);
            raw = value;
        } else {
            fputs(usage, stderr);
            return refuse("option", "--steps, --size, --seed, --out or --state", option);
        }
    }
    if (w * h > MAX_CELLS)
        return refuse("--size", "at most $max_cells cells in all", "more");

    const size_t numbers = CHANNELS * (size_t)h * (size_t)w;
    float *state = malloc(numbers * sizeof(float)), *next = malloc(numbers * sizeof(float));
    int failed = 1;
    if (state && next) {
        start(state, (size_t)h, (size_t)w, (uint32_t)seed);
        for (uint64_t step = 0; step < steps; step++) {
            advance(state, next, (size_t)h, (size_t)w, (uint32_t)seed, (uint32_t)step);
            float *const old = state;
            state = next;
            next = old;
        }
        failed = check(state, (size_t)h, (size_t)w) || write_picture(out, state, (size_t)h, (size_t)w, $grey);
        failed = failed || (raw && write_file(raw, state, numbers * sizeof(float), ""));
    } else {
        fputs("error: not enough memory\n", stderr);
    }
    if (!failed)
        printf("%s: %lux%lu pixels, after %lu steps\n", out, (unsigned long)w, (unsigned long)h, (unsigned long)steps);
    free(state);
    free(next);
    return failed;
}
"""
