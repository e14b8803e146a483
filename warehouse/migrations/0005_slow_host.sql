-- Which host the slowest file came from that a page waited for.
ALTER TABLE @local(events) @on_cluster ADD COLUMN IF NOT EXISTS `slow_host` LowCardinality(String);

ALTER TABLE events @on_cluster ADD COLUMN IF NOT EXISTS `slow_host` LowCardinality(String);
