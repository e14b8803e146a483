"""The aggregator: what runs by itself, and the statistics that stay when the rows go."""
