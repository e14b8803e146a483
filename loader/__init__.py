"""The loader: spool to warehouse, every row exactly once, through a kill at any line."""
