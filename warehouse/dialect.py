"""What differs in SQL between one machine and a cluster: a closed set of macros, written `@name` or `@name(argument)`.

One text serves both. On one machine a table is a MergeTree; on a cluster it is a ReplicatedMergeTree called
`<table>_local` on every node, with a Distributed table of the plain name in front. Rows are spread by their batch, so
that a batch lies on one shard and its insert stays one atomic block.

An unknown macro is an error: a typing mistake in a migration must not reach the server.
"""

import re
from dataclasses import dataclass

from warehouse.errors import Broken
from warehouse.hidden import SHOWN
from warehouse.people import PEOPLE

_MACRO = re.compile(r"@(\w+)(?:\(([\w, ]*)\))?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Renders macros for one machine (`cluster` empty) or for the named cluster."""

    cluster: str = ""

    def __post_init__(self) -> None:
        if self.cluster and not _NAME.fullmatch(self.cluster):
            raise Broken("The cluster's name may hold letters, digits and _ only: correct the setting `cluster`.")

    def render(self, text: str) -> str:
        """The text with every macro replaced. Raises Broken on a macro that does not exist."""
        return _MACRO.sub(self._replace, text)

    def local(self, table: str) -> str:
        """The table that holds the parts on each node: what partitions are dropped from."""
        return f"{table}_local" if self.cluster else table

    @property
    def on_cluster(self) -> str:
        """The clause that sends a DDL statement to every node."""
        return f"ON CLUSTER {self.cluster}" if self.cluster else ""

    def system(self, table: str) -> str:
        """A system table, of every node."""
        return f"clusterAllReplicas('{self.cluster}', system.{table})" if self.cluster else f"system.{table}"

    def _replace(self, match: re.Match[str]) -> str:
        name, argument = match[1], (match[2] or "").strip()
        match name:
            case "on_cluster":
                return self.on_cluster
            case "engine":
                return self._engine(argument)
            case "everywhere":
                return self._everywhere()
            case "local":
                return self.local(argument)
            case "system":
                return self.system(argument)
            case "people":
                return PEOPLE
            case "shown":
                return SHOWN
            case "dedup":
                return self._window(int(argument))
            case "distributed":
                return self._distributed(argument)
            case _:
                raise Broken(f"The macro @{name} does not exist: a migration or a query of this release is damaged.")

    def _engine(self, argument: str) -> str:
        """@engine or @engine(Replacing, version): the MergeTree of that family, replicated on a cluster."""
        family, _, version = (part.strip() for part in argument.partition(","))
        if not self.cluster:
            return f"{family}MergeTree({version})" if version else f"{family}MergeTree"
        # {uuid} keeps the Keeper path unique, so a dropped and rebuilt table can't meet its own past.
        place = "'/clickhouse/tables/{shard}/{uuid}', '{replica}'"
        return f"Replicated{family}MergeTree({place}{f', {version}' if version else ''})"

    def _everywhere(self) -> str:
        """@everywhere: a table of which every node of the cluster, of whatever shard, holds the same rows."""
        if not self.cluster:
            return "MergeTree"
        return "ReplicatedMergeTree('/clickhouse/tables/{uuid}', '{shard}-{replica}')"

    def _window(self, inserts: int) -> str:
        """@dedup(n): the setting that makes n inserts remembered by token."""
        if self.cluster:
            return f"replicated_deduplication_window = {inserts}"
        return f"non_replicated_deduplication_window = {inserts}"

    def _distributed(self, argument: str) -> str:
        """@distributed(table, column): the table in front, rows spread by column; nothing on one machine."""
        table, _, column = (part.strip() for part in argument.partition(","))
        if not self.cluster:
            return ""
        return (
            f"CREATE TABLE IF NOT EXISTS {table} {self.on_cluster} AS {self.local(table)} "
            f"ENGINE = Distributed('{self.cluster}', currentDatabase(), '{self.local(table)}', intHash64({column}))"
        )
