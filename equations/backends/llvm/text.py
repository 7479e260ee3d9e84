"""The parts of a kernel around a rule's own code: declarations, the mask's hash, the loop over the cells of a row."""

from __future__ import annotations

from string import Template

from equations import mask

TEMPLATE = Template(f"""
declare $real @llvm.fabs.$suffix($real)
declare $real @llvm.fma.$suffix($real, $real, $real)
declare $real @llvm.sqrt.$suffix($real)
declare $real @exp$call($real) #1
declare $real @tanh$call($real) #1
declare $real @sin$call($real) #1
declare $real @cos$call($real) #1
declare i32 @sched_yield()
$declared

define internal i32 @mix(i32 %h) #0 {{
  %a = lshr i32 %h, 16
  %b = xor i32 %h, %a
  %c = mul i32 %b, {mask.MIX_1}
  %d = lshr i32 %c, 15
  %e = xor i32 %c, %d
  %f = mul i32 %e, {mask.MIX_2}
  %g = lshr i32 %f, 16
  %i = xor i32 %f, %g
  ret i32 %i
}}

$cells
$run

attributes #0 = {{ alwaysinline nounwind }}
attributes #1 = {{ nounwind willreturn memory(none) }}
!0 = distinct !{{ !0, !1 }}
!1 = !{{ !"llvm.loop.vectorize.enable", i1 false }}
""")

# The cells lo <= x < hi of one row; nonzero when one of them is beyond the limit.
CELLS = Template("""
define internal i32 @$name(ptr noalias readonly %source, ptr noalias writeonly %target, ptr noalias readonly %xs,
    i64 %plane, i64 %above, i64 %row, i64 %below, i64 %out_plane, i64 %out_row,
    i64 %lo, i64 %hi, i64 %left, i64 %right, i32 %key) nounwind $attributes {
start:
$rows
  %none = icmp sge i64 %lo, %hi
  br i1 %none, label %done, label %loop
loop:
  %x = phi i64 [ %lo, %start ], [ %next, %loop ]
  %bad = phi i32 [ 0, %start ], [ %bad_next, %loop ]
$body
  %bad_next = or i32 %bad, %bad_here
  %next = add nuw nsw i64 %x, 1
  %more = icmp slt i64 %next, %hi
  br i1 %more, label %loop, label %done$hint
done:
  %found = phi i32 [ 0, %start ], [ %bad_next, %loop ]
  ret i32 %found
}
""")
