"""Tools for developers: `compare` for the results of two runs, `benchmark` for speed."""
