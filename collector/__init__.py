"""The collector: what sites embed and browsers talk to. It writes to the spool and nowhere else."""
