"""The parts of the C program that depend on the rule's settings: its kind of first state, and its display."""

from __future__ import annotations

# where an initial state of each kind is `square` instead of the background
MARKS = {
    "noise": "",
    "square": """
    const float square[CHANNELS] = {$square};
    const size_t tall = (size_t)floor((double)h * $fraction + 0.5), wide = (size_t)floor((double)w * $fraction + 0.5);
    const size_t rows = tall > 1 ? tall : 1, columns = wide > 1 ? wide : 1;
    const size_t top = (h - rows) / 2, left = (w - columns) / 2;
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t y = top; y < top + rows; y++)
            for (size_t x = left; x < left + columns; x++)
                state[c * plane + y * w + x] = square[c];
""",
    "spots": """
    const float square[CHANNELS] = {$square};
    const double half = floor($fraction * (double)(h < w ? h : w) / 2 + 0.5);
    const long radius = half > 1 ? (long)half : 1, rows = (long)h, columns = (long)w;
    const uint32_t drawn = row_hash(seed, $init_step, 0u);
    for (uint32_t k = 0; k < $spots; k++) {
        const long cy = (long)floorf((float)h * uniform(drawn, k, 0));
        const long cx = (long)floorf((float)w * uniform(drawn, k, 1));
        for (long dy = -radius; dy <= radius; dy++)
            for (long dx = -radius; dx <= radius; dx++) {
                const long y = ((cy + dy) % rows + rows) % rows, x = ((cx + dx) % columns + columns) % columns;
                for (size_t c = 0; c < CHANNELS && dy * dy + dx * dx <= radius * radius; c++)
                    state[c * plane + (size_t)y * w + (size_t)x] = square[c];
            }
    }
""",
    "cross": """
    const float square[CHANNELS] = {$square};
    for (size_t c = 0; c < CHANNELS; c++)
        for (size_t y = 0; y < h; y++)
            for (size_t x = 0; x < w; x++)
                if (c % 2 == 0 ? x < w / 2 : y < h / 2)
                    state[c * plane + y * w + x] = square[c];
""",
}

# the colour of one cell, for each way of showing a state
PICTURES = {
    "shown": """static float shown(float value)
{
    value = value * $scale + $offset;
    return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f; /* 0 for a NaN */
}

/* The colour (red, green, blue) of the cell whose first channel is at `cell`. */
static void paint(const float *cell, size_t plane, unsigned char *colour)
{
""",
    "colours": """static unsigned char shown(float value)
{
    value = value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f; /* 0 for a NaN */
    return (unsigned char)(value * 255.0f + 0.5f);
}

/* The colour (red, green, blue) of the cell whose first channel is at `cell`. */
static void paint(const float *cell, size_t plane, unsigned char *colour)
{
$lines
}""",
    "rgb": """    static const size_t channels[3] = {$shown};
    for (size_t i = 0; i < 3; i++)
        colour[i] = (unsigned char)(shown(cell[channels[i] * plane]) * 255.0f + 0.5f);
}""",
    "grey": """    memset(colour, (unsigned char)(shown(cell[$shown * plane]) * 255.0f + 0.5f), 3);
}""",
    "map": """    static const uint32_t colours[256] = {
    $table};
    const uint32_t found = colours[(unsigned char)(shown(cell[$shown * plane]) * 255.0f + 0.5f)];
    for (int i = 0; i < 3; i++)
        colour[i] = (unsigned char)(found >> (16 - 8 * i));
}""",
}
