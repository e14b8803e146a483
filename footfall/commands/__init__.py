"""The commands, one module per noun. They read flags, call rooms, and say what was done."""
