// How far a picture's statistics are from what they were: for the recovery after a lesion.
const statistics = (() => {
  const DISTANCES = [1, 2, 4, 8, 16];

  // Of each channel: mean, standard deviation, and the root mean square difference of cells at each distance along x and y.
  function measure({ width, height, channels, data }) {
    const cells = width * height;
    return channels.map((_, c) => {
      const field = data.subarray(c * cells, (c + 1) * cells);
      let sum = 0, square = 0;
      for (let i = 0; i < cells; i += 1) sum += field[i];
      const mean = sum / cells;
      for (let i = 0; i < cells; i += 1) square += (field[i] - mean) ** 2;
      const own = [mean, Math.sqrt(square / cells)];
      for (const distance of DISTANCES) {
        let total = 0;
        for (let y = 0; y < height; y += 1) {
          const row = y * width, below = ((y + distance) % height) * width;
          for (let x = 0; x < width; x += 1) {
            const right = x + distance < width ? x + distance : (x + distance) % width;
            total += (field[row + x] - field[row + right]) ** 2 + (field[row + x] - field[below + x]) ** 2;
          }
        }
        own.push(Math.sqrt(total / (2 * cells)));
      }
      return own;
    });
  }

  // Root mean square over channels and statistics of the change, in units of the channel's deviation before.
  function distance(now, before) {
    let total = 0, count = 0;
    now.forEach((own, c) => {
      const unit = Math.max(before[c][1], 1e-9 * Math.abs(before[c][0]), 1e-12);
      own.forEach((value, i) => {
        total += ((value - before[c][i]) / unit) ** 2;
        count += 1;
      });
    });
    return Math.sqrt(total / count);
  }

  return { measure, distance };
})();
