"""How a table begins: from its contract, also where a run has died while it was making one."""

import time
from collections.abc import Mapping

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from strata.contract.columns import Table
from strata.contract.spark import struct_type
from strata.storage.statements import definition, quoted, ticked

CUT_SHORT = {"DELTA_TABLE_NOT_FOUND", "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"}
"""What Delta says, of a path and of a catalog, where the folder of a log is, but no commit or none the catalog knows:
it creates nothing there, and writes there all the same."""
PAUSE_SECONDS = 5
"""A run that is making the table in this moment has made it then."""


def create(spark: SparkSession, table: type[Table], address: str, properties: Mapping[str, str], by_path: bool) -> None:
    """Create the table in one commit; in two where one that died has left the beginnings of it.

    Args:
        spark: the session.
        table: with its columns, their comments and NOT NULL.
        address: path, or quoted name in a catalog.
        properties: of Delta.
        by_path: whether `address` is a path.
    """
    begin = _create_at if by_path else _create_as
    try:
        begin(spark, table, address, properties)
    except AnalysisException as error:
        if error.getCondition() not in CUT_SHORT:
            raise
        time.sleep(PAUSE_SECONDS)
        if not (DeltaTable.isDeltaTable(spark, address) if by_path else spark.catalog.tableExists(address)):
            _complete(spark, table, address, properties, by_path)


def _create_at(spark: SparkSession, table: type[Table], path: str, properties: Mapping[str, str]) -> None:
    builder = DeltaTable.createIfNotExists(spark).addColumns(struct_type(table)).comment(_comment(table))
    for name, value in properties.items():
        builder = builder.property(name, value)
    if table.partition_by:
        builder = builder.partitionedBy(table.partition_by)
    builder.location(path).execute()


def _create_as(spark: SparkSession, table: type[Table], name: str, properties: Mapping[str, str]) -> None:
    spark.sql(definition(name, table, _comment(table), properties))


def _complete(
    spark: SparkSession, table: type[Table], address: str, properties: Mapping[str, str], by_path: bool
) -> None:
    if not by_path and _register(spark, table, address):
        return
    # What begins by a write has neither comments nor NOT NULL yet.
    writer = spark.createDataFrame([], struct_type(table)).write.format("delta").mode("append").options(**properties)
    if table.partition_by:
        writer = writer.partitionBy(table.partition_by)
    if by_path:
        writer.save(address)
        name, begun = f"delta.{ticked(address)}", DeltaTable.forPath(spark, address)
    else:
        writer.saveAsTable(address)
        name, begun = address, DeltaTable.forName(spark, address)
    (newest,) = begun.history(1).collect()
    if newest["version"] == 0:  # else another run was as quick: what it has written stays
        spark.sql(definition(name, table, _comment(table), properties, "replace table"))


def _register(spark: SparkSession, table: type[Table], name: str) -> bool:
    """Tell the catalog of a table that is at its place, with all its rows; False: there is none."""
    schema = name.rpartition(".")[0]
    place = f"{spark.catalog.getDatabase(schema).locationUri}/{table.__name__}"
    if not DeltaTable.isDeltaTable(spark, place):
        return False
    spark.sql(f"create table if not exists {name} using delta location {quoted(place)}")
    return True


def _comment(table: type[Table]) -> str:
    return " ".join((table.__doc__ or "").split())
