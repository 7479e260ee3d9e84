"""The parts of a term kernel around a rule's own code: the loops over steps and pictures, and the halo."""

from __future__ import annotations

from string import Template

from equations.backends.llvm.loops import loop

# The entries, and the types of their arguments as `jit.compile_entries` expects them.
# roll(states, theta, masks, steps, ring, batch, mask_count, mask_planes, plane, h, w, bound)
#   `states` holds `ring` states (batch, channel, plane). Step i computes state i + 1 from state i, modulo ring.
# back(states, theta, masks, adjoints, sums, seen, steps, batch, mask_count, mask_planes, plane, h, w, bound, limit,
#     excess)
#   `adjoints` (batch, channel, plane) holds the adjoint of the last state and, at the end, that of the first state.
#   The derivative with respect to the constants is added to `sums`. `seen` is memory for the adjoints of the features.
# `masks` holds `mask_count` masks (batch, mask_planes, plane), one for each step. The first follows the last.
ENTRIES = (("roll", "pppllllllllf"), ("back", "pppppplllllllfff"))
_SHAPE = "i64 %mask_planes, i64 %plane, i64 %h, i64 %w, float %bound"
# how many numbers lie between rows, states and masks
_SIZES = """
  %stride = add i64 %w, 2
  %row_cells = mul i64 %h, %stride
  %cells = sub i64 %row_cells, 1
  %state = mul i64 %plane, $channels
  %states_all = mul i64 %state, %batch
  %mask_one = mul i64 %plane, %mask_planes
  %mask_all = mul i64 %mask_one, %batch
  %many_masks = icmp sgt i64 %mask_planes, 1
  %mask_stride = select i1 %many_masks, i64 %plane, i64 0"""
# where the state before a step, the state after it and the mask of the step begin, for one picture
_PLACES = """
  %b_state = mul i64 %b, %state
  %from_all = mul i64 %from, %states_all
  %to_all = mul i64 %to, %states_all
  %old_at = add i64 %from_all, %b_state
  %new_at = add i64 %to_all, %b_state
  %old = getelementptr float, ptr %states, i64 %old_at
  %new = getelementptr float, ptr %states, i64 %new_at
  %m_all = mul i64 %m, %mask_all
  %b_mask = mul i64 %b, %mask_one
  %mask_at = add i64 %m_all, %b_mask
  %mask = getelementptr float, ptr %masks, i64 %mask_at"""

_WRAP_ROWS = loop(
    "row", "y", "1", "sle i64 %y_next, %h",
    """
  %first = mul i64 %y, %stride
  %last = add i64 %first, %w
  %inner = add i64 %first, 1
  %outer = add i64 %last, 1
  %p_first = getelementptr float, ptr %base, i64 %first
  %p_last = getelementptr float, ptr %base, i64 %last
  %p_inner = getelementptr float, ptr %base, i64 %inner
  %p_outer = getelementptr float, ptr %base, i64 %outer
  %right = load float, ptr %p_last
  %left = load float, ptr %p_inner
  store float %right, ptr %p_first
  store float %left, ptr %p_outer
  %y_next = add i64 %y, 1
""",
    before="each", more="more_rows", after="ends",
)  # fmt: skip
_WRAP_PLANES = loop(
    "each", "c", "0", "slt i64 %c_next, %count",
    f"""
  %base_at = mul i64 %c, %plane
  %base = getelementptr float, ptr %planes, i64 %base_at
{_WRAP_ROWS}
  %bottom = mul i64 %h, %stride
  %below = add i64 %bottom, %stride
  %p_bottom = getelementptr float, ptr %base, i64 %bottom
  %p_below = getelementptr float, ptr %base, i64 %below
  %p_top = getelementptr float, ptr %base, i64 %stride
  call void @llvm.memcpy.p0.p0.i64(ptr %base, ptr %p_bottom, i64 %bytes, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %p_below, ptr %p_top, i64 %bytes, i1 false)
  %c_next = add i64 %c, 1
""",
    last="ends",
)  # fmt: skip
_ROLL_PICTURES = loop(
    "picture", "b", "0", "slt i64 %b_next, %batch",
    f"""
  %b_next = add i64 %b, 1
{_PLACES}
  %rolled = call i64 @forward(ptr %old, ptr %new, ptr %theta, ptr %mask, i64 %plane, i64 %mask_stride, i64 %stride,
    i64 %cells, float %bound)
  %wrapped = call i64 @wrap(ptr %new, i64 $channels, i64 %plane, i64 %h, i64 %w)
""",
    before="step", after="stepped",
)  # fmt: skip
_ROLL_STEPS = loop(
    "step", "i", "0", "slt i64 %i_next, %steps",
    f"""
  %i_next = add i64 %i, 1
  %from = urem i64 %i, %ring
  %to = urem i64 %i_next, %ring
  %m = urem i64 %i, %mask_count
{_ROLL_PICTURES}""",
    last="stepped", more="further",
)  # fmt: skip
_BACK_STEPS = loop(
    "step", "to", "%steps", "sgt i64 %from, 0",
    f"""
  %from = sub i64 %to, 1
  %m = urem i64 %from, %mask_count
{_PLACES}
  %moved = call i64 @backward(ptr %old, ptr %new, ptr %adjoint, ptr %theta, ptr %mask, ptr %sums, ptr %seen, i64 %plane,
    i64 %mask_stride, i64 %stride, i64 %cells, float %bound, float %limit, float %excess)
  %wrapped = call i64 @wrap(ptr %seen, i64 $seen_planes, i64 %plane, i64 %h, i64 %w)
  %gathered = call i64 @gather(ptr %adjoint, ptr %seen, i64 %plane, i64 %stride, i64 %cells)
""",
    before="picture", following="from", more="further", after="walked",
)  # fmt: skip
_BACK_PICTURES = loop(
    "picture", "b", "0", "slt i64 %b_next, %batch",
    f"""
  %b_next = add i64 %b, 1
  %adjoint_at = mul i64 %b, %state
  %adjoint = getelementptr float, ptr %adjoints, i64 %adjoint_at
{_BACK_STEPS}""",
    last="walked",
)  # fmt: skip

TEMPLATE = Template(f"""
$functions
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define internal i64 @forward(ptr %source, ptr %target, ptr %theta, ptr %mask, i64 %plane, i64 %mask_plane, i64 %stride,
    i64 %cells, float %bound_one) nounwind {{
$forward
}}

define internal i64 @backward(ptr %source, ptr %after, ptr %adjoint, ptr %theta, ptr %mask, ptr %sums, ptr %seen,
    i64 %plane, i64 %mask_plane, i64 %stride, i64 %cells, float %bound_one, float %limit_one,
    float %excess_one) nounwind {{
$backward
}}

define internal i64 @gather(ptr %adjoint, ptr %seen, i64 %plane, i64 %stride, i64 %cells) nounwind {{
$gather
}}

define internal i64 @wrap(ptr %planes, i64 %count, i64 %plane, i64 %h, i64 %w) nounwind {{
start:
  %stride = add i64 %w, 2
  %bytes = mul i64 %stride, 4
{_WRAP_PLANES}
  ret i64 0
}}

define i64 @roll(ptr %states, ptr %theta, ptr %masks, i64 %steps, i64 %ring, i64 %batch, i64 %mask_count,
    {_SHAPE}) nounwind {{
start:
{_SIZES}
{_ROLL_STEPS}
  ret i64 0
}}

define i64 @back(ptr %states, ptr %theta, ptr %masks, ptr %adjoints, ptr %sums, ptr %seen, i64 %steps, i64 %batch,
    i64 %mask_count, {_SHAPE}, float %limit, float %excess) nounwind {{
start:
{_SIZES}
{_BACK_PICTURES}
  ret i64 0
}}
""")
