"""The front door: commands, settings, and the assembly of rooms into processes."""
