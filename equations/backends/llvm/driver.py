"""The entry of every kernel, in LLVM assembly: the loop over steps, rows and threads.

The entry is

    run(source, target, ys, xs, h, w, seed, step0, n, shrink, fuse, ring, ring_row, thread, threads, gate) -> steps done

States are (channel, h, w). `ys` (h,) and `xs` (w,) hold the rows and columns that enter the hash of the mask.

A pass reads and writes the grid in memory once and does `fuse` steps: step j + 1 runs one row behind step j, and only
three rows of each step in between are stored, in `ring`: (fuse - 1) * channels * 3 * ring_row numbers, ring_row >= w,
one ring for every thread. Each of the `threads` callers computes its share of the rows and waits for the others at a
barrier after every pass; after some microseconds it sleeps. Source and target are swapped after every pass.

`gate` holds two 64-bit counters, which start at 0 and -1: the number of arrivals at the barrier, and the first step at
which a value was beyond the limit. All callers stop after the pass of that step and return the number of steps done
before that pass. With `shrink` 1 the grid is not periodic but a block with a halo: step i computes only the cells more
than i cells away from the rim.
"""

from __future__ import annotations

from string import Template

from equations.backends.llvm.loops import loop
from equations.backends.llvm.system import FLUSH, RELAX, RESTORE, SLEEP, SPINS, WAKE
from equations.rule import mask

_ARGUMENTS = (
    "ptr %read, ptr %write, ptr %xs, i64 %plane, i64 %above, i64 %row, i64 %below, i64 %out_plane, i64 %out_row"
)

# Step %i of row %q: which rows are read and written, in the grid or in the ring, and the cells of the row.
_ROW = f"""\
  %i = add i64 %done, %behind
  %i_next = add i64 %i, 1
  %i_short = trunc i64 %i to i32
  %number = add i32 %step0, %i_short
  %step_word = xor i32 %seeded, %number
  %step_key = call i32 @mix(i32 %step_word)
  %q_up = add i64 %q, %h
  %y = urem i64 %q_up, %h
  %y_next = add i64 %y, 1
  %y_less = sub i64 %y, 1
  %h_less = sub i64 %h, 1
  %top = icmp eq i64 %y, 0
  %bottom = icmp eq i64 %y_next, %h
  %y_above = select i1 %top, i64 %h_less, i64 %y_less
  %y_below = select i1 %bottom, i64 0, i64 %y_next
  %q_three = mul i64 %h, 3
  %q_high = add i64 %q, %q_three
  %slot = urem i64 %q_high, 3
  %q_higher = add i64 %q_high, 1
  %slot_below = urem i64 %q_higher, 3
  %q_highest = add i64 %q_high, 2
  %slot_above = urem i64 %q_highest, 3
  %is_first = icmp eq i64 %j, 1
  %is_last = icmp eq i64 %j, %stages
  %ring_in = sub i64 %j, 2
  %ring_in_at = mul i64 %ring_in, %ring_size
  %ring_out_at = mul i64 %behind, %ring_size
  %ring_read = getelementptr $real, ptr %ring, i64 %ring_in_at
  %ring_write = getelementptr $real, ptr %ring, i64 %ring_out_at
  %read = select i1 %is_first, ptr %from, ptr %ring_read
  %write = select i1 %is_last, ptr %to, ptr %ring_write
  %plane = select i1 %is_first, i64 %whole, i64 %ring_plane
  %out_plane = select i1 %is_last, i64 %whole, i64 %ring_plane
  %line_above = select i1 %is_first, i64 %y_above, i64 %slot_above
  %line = select i1 %is_first, i64 %y, i64 %slot
  %line_below = select i1 %is_first, i64 %y_below, i64 %slot_below
  %line_out = select i1 %is_last, i64 %y, i64 %slot
  %width = select i1 %is_first, i64 %w, i64 %ring_row
  %out_width = select i1 %is_last, i64 %w, i64 %ring_row
  %above = mul i64 %line_above, %width
  %row = mul i64 %line, %width
  %below = mul i64 %line_below, %width
  %out_row = mul i64 %line_out, %out_width
  %ys_here = getelementptr i32, ptr %ys, i64 %y
  %y_word = load i32, ptr %ys_here
  %row_word = xor i32 %step_key, %y_word
  %key = call i32 @mix(i32 %row_word)
  %margin = mul i64 %shrink, %i_next
  %right_rim = sub i64 %w, %margin
  %lo = select i1 %periodic, i64 1, i64 %margin
  %hi = select i1 %periodic, i64 %w_less, i64 %right_rim
  %inner = sub i64 %hi, %lo
  %short = icmp slt i64 %inner, $lanes
  %cells = select i1 %short, ptr @edge, ptr @interior
  %inside = call i32 %cells({_ARGUMENTS},
    i64 %lo, i64 %hi, i64 -1, i64 1, i32 %key)
  br i1 %periodic, label %west_edge, label %checked
west_edge:
  %west = call i32 @edge({_ARGUMENTS},
    i64 0, i64 1, i64 %w_less, i64 %wide_step, i32 %key)
  br i1 %both, label %east_edge, label %joined
east_edge:
  %east = call i32 @edge({_ARGUMENTS},
    i64 %w_less, i64 %w, i64 -1, i64 %w_back, i32 %key)
  br label %joined
joined:
  %east_or = phi i32 [ %east, %east_edge ], [ 0, %west_edge ]
  %sides = or i32 %west, %east_or
  br label %checked
checked:
  %sides_or = phi i32 [ %sides, %joined ], [ 0, %compute ]
  %bad = or i32 %inside, %sides_or
  %is_bad = icmp ne i32 %bad, 0
  br i1 %is_bad, label %report, label %stage_done
report:
  %seen = atomicrmw umin ptr %worst, i64 %i monotonic
  br label %stage_done"""
_STAGES = loop(
    "stage", "j", "1", "slt i64 %j, %stages",
    f"""
  %j_next = add i64 %j, 1
  %behind = sub i64 %j, 1
  %q = sub i64 %r, %behind
  %later = sub i64 %stages, %j
  %earliest = sub i64 %first, %later
  %ready = icmp sge i64 %q, %earliest
  br i1 %ready, label %compute, label %stage_done
compute:
{_ROW}
stage_done:
""",
    before="front", last="stage_done", more="more_stages", after="front_done",
)  # fmt: skip

# Arrive; the last one wakes the others, which first look again and again, and then sleep.
_BARRIER = f"""\
  %goal = mul i64 %passes_next, %threads
  %arrived = atomicrmw add ptr %gate, i64 1 acq_rel
  %arrivals = add i64 %arrived, 1
  %is_last_one = icmp uge i64 %arrivals, %goal
  %others = icmp ugt i64 %threads, 1
  %wakes = and i1 %is_last_one, %others
  br i1 %wakes, label %wake, label %wait
wake:{WAKE}
  br label %wait
wait:
  %spins = phi i64 [ 0, %arrive ], [ 0, %wake ], [ %spun, %relax ], [ 0, %yield ]
  %count = load atomic i64, ptr %gate acquire, align 8
  %open = icmp uge i64 %count, %goal
  br i1 %open, label %passed, label %spin
spin:
  %spun = add i64 %spins, 1
  %tired = icmp ugt i64 %spun, {SPINS}
  br i1 %tired, label %yield, label %relax
relax:
  {RELAX}
  br label %wait
yield:
  %count_low = trunc i64 %count to i32
  %yielded = {SLEEP}
  br label %wait"""

RUN = Template(f"""
define i64 @run(ptr %source, ptr %target, ptr %ys, ptr %xs, i64 %h, i64 %w, i32 %seed, i32 %step0, i64 %n, i64 %shrink,
    i64 %fuse, ptr %ring, i64 %ring_row, i64 %thread, i64 %threads, ptr %gate) nounwind {{
start:
  %control = alloca i32
  %worst = getelementptr i64, ptr %gate, i64 1
  %whole = mul i64 %h, %w
  %ring_plane = mul i64 %ring_row, 3
  %ring_size = mul i64 %ring_plane, $channels
  %w_less = sub i64 %w, 1
  %w_back = sub i64 0, %w_less
  %periodic = icmp eq i64 %shrink, 0
  %wide = icmp sgt i64 %w, 1
  %both = and i1 %periodic, %wide
  %wide_step = zext i1 %wide to i64
  %golden = add i32 %seed, {mask.GOLDEN}
  %seeded = call i32 @mix(i32 %golden){FLUSH}
  br label %pass
pass:
  %done = phi i64 [ 0, %start ], [ %done_next, %passed ]
  %passes = phi i64 [ 0, %start ], [ %passes_next, %passed ]
  %from = phi ptr [ %source, %start ], [ %to, %passed ]
  %to = phi ptr [ %target, %start ], [ %from, %passed ]
  %passes_next = add i64 %passes, 1
  %left_over = sub i64 %n, %done
  %many = icmp slt i64 %fuse, %left_over
  %stages = select i1 %many, i64 %fuse, i64 %left_over
  %done_next = add i64 %done, %stages
  %rim = mul i64 %shrink, %done_next
  %rims = shl i64 %rim, 1
  %rows = sub i64 %h, %rims
  %share = mul i64 %rows, %thread
  %share_next = add i64 %share, %rows
  %first_row = udiv i64 %share, %threads
  %last_row = udiv i64 %share_next, %threads
  %first = add i64 %rim, %first_row
  %last = add i64 %rim, %last_row
  %ahead = sub i64 %stages, 1
  %begin = sub i64 %first, %ahead
  %finish = add i64 %last, %ahead
  %any = icmp slt i64 %first, %last
  br i1 %any, label %front, label %arrive
front:
  %r = phi i64 [ %begin, %pass ], [ %r_next, %front_done ]
  %r_next = add i64 %r, 1
{_STAGES}
  %more_rows = icmp slt i64 %r_next, %finish
  br i1 %more_rows, label %front, label %arrive
arrive:
{_BARRIER}
passed:
  %bad_first = load atomic i64, ptr %worst monotonic, align 8
  %stop = icmp ult i64 %bad_first, %done_next
  %over = icmp sge i64 %done_next, %n
  %leave = or i1 %stop, %over
  br i1 %leave, label %end, label %pass
end:{RESTORE}
  %good = select i1 %stop, i64 %done, i64 %done_next
  ret i64 %good
}}
""")
