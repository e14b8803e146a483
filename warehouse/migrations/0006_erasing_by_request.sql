-- Whose request a row of `erasing` belongs to, so that it can go when that one is done; and in which round it was said:
-- a rewrite works on what was said before it began, while questions leave out what was said since.
ALTER TABLE @local(erasing) @on_cluster ADD COLUMN IF NOT EXISTS `request` UInt64;

ALTER TABLE @local(erasing) @on_cluster ADD COLUMN IF NOT EXISTS `said` UInt64;
