"""Questions about statistics: parse, plan, build, run. Knows no HTTP."""
