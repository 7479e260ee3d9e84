"""The parts of a kernel around a rule's own code: declarations, the mask's hash, the loop over the cells of a row."""

from __future__ import annotations

from string import Template

from equations.rule import mask

# Declared once for single numbers and once for vectors of as many as the inner loop computes at a time.
FUNCTIONS = Template("""
declare $kind @llvm.fabs.$suffix($kind)
declare $kind @llvm.copysign.$suffix($kind, $kind)
declare $kind @llvm.fma.$suffix($kind, $kind, $kind)
declare $kind @llvm.sqrt.$suffix($kind)
declare $kind @llvm.exp.$suffix($kind)
declare $kind @llvm.tanh.$suffix($kind)
declare $kind @llvm.sin.$suffix($kind)
declare $kind @llvm.cos.$suffix($kind)
""")

TEMPLATE = Template(f"""
declare i64 @llvm.smin.i64(i64, i64)
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
""")

# Computes the cells lo <= x < hi of one row, at least $lanes; the result is nonzero if a value is beyond the limit.
# From the second iteration on loads are aligned. Iterations may overlap; cells computed twice get the same bits.
CELLS = Template("""
define internal i32 @$name(ptr noalias readonly %source, ptr noalias writeonly %target, ptr noalias readonly %xs,
    i64 %plane, i64 %above, i64 %row, i64 %below, i64 %out_plane, i64 %out_row,
    i64 %lo, i64 %hi, i64 %left, i64 %right, i32 %key) nounwind $attributes {
start:
$rows
  %last = sub i64 %hi, $lanes
  %at_lo = getelementptr $real, ptr %row_0, i64 %lo
  %address = ptrtoint ptr %at_lo to i64
  %number = udiv exact i64 %address, $bytes
  %behind = and i64 %number, $lanes_less
  %first = add i64 %lo, $lanes
  %aligned = sub i64 %first, %behind
  %none = icmp sgt i64 %lo, %last
  br i1 %none, label %done, label %loop
loop:
  %x = phi i64 [ %lo, %start ], [ %next, %loop ]
  %far = phi i64 [ %aligned, %start ], [ %far_next, %loop ]
  %bad = phi i$lanes [ 0, %start ], [ %bad_next, %loop ]
$body
  %bad_next = or i$lanes %bad, %bad_here
  %next = call i64 @llvm.smin.i64(i64 %far, i64 %last)
  %far_next = add i64 %far, $lanes
  %more = icmp slt i64 %x, %last
  br i1 %more, label %loop, label %done
done:
  %found = phi i$lanes [ 0, %start ], [ %bad_next, %loop ]
  %any = icmp ne i$lanes %found, 0
  %result = zext i1 %any to i32
  ret i32 %result
}
""")
