"""The spool: what was acknowledged and is not yet proven to lie in the warehouse. Bytes in, bytes out."""
