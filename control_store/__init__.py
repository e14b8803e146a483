"""The control store: sites, keys, accounts, seals, watermarks, ledger rows; and what collectors may read of it."""
