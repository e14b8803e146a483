-- By which rule a visitor's visits of the day are taken for a machine's, by what it did; empty for people.
ALTER TABLE @local(visits) @on_cluster ADD COLUMN IF NOT EXISTS `rule` LowCardinality(String) AFTER `tick`;

ALTER TABLE visits @on_cluster ADD COLUMN IF NOT EXISTS `rule` LowCardinality(String) AFTER `tick`;
