/* One variant of all kernels. The including file defines CK_LANES, TILE_ROWS, TILE_SUMS (of the largest
   tile, rounded up to whole vectors), QUERY_VECTORS and VARIANT. */
#include "vector.h"

#include "linear.h"

#include "elementwise.h"

#include "entries.h"

#include "attention.h"

#include "gradients.h"

const struct variant VARIANT = {
    .name = VARIANT_NAME,
    .linear = linear_outputs,
    .rms_norm = rms_norm,
    .silu_gate = silu_gate,
    .gelu = gelu,
    .add = add,
    .exp = exponentials,
    .largest = largest,
    .rotate = rotate,
    .attention = attention,
    .votes = votes,
    .blockQueries = QUERY_VECTORS * CK_LANES,
    .rms_norm_gradient = rms_norm_gradient,
    .rms_norm_weight_gradient = rms_norm_weight_gradient,
    .silu_gate_gradient = silu_gate_gradient,
    .gelu_gradient = gelu_gradient,
    .add_into = add_into,
    .softmax_gradient = softmax_gradient,
    .attention_gradient = attention_gradient,
    .read = read_all,
};
