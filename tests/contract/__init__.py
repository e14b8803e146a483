"""The wire: what is sent and answered, held to its descriptions."""
