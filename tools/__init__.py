"""What only developers use: two runs side by side (compare), how fast the work is done (benchmark)."""
