"""Submitted by a test: strata from the wheel, Delta from --packages, both on executors that have only the JVM."""

import json
import sys
from pathlib import Path

import pyarrow
from pyspark.sql import functions as F

import strata
from strata.contract.published import segment_overview
from strata.contract.spark import struct_type
from strata.storage.session import open_session

target = sys.argv[1]
spark = open_session()
table = spark.createDataFrame(pyarrow.table({"n": list(range(1000))}))
doubled = table.repartition(4).select(F.col("n"), (F.col("n") % 7).alias("rest"))
doubled.write.format("delta").mode("overwrite").partitionBy("rest").save(target)
sums = spark.read.format("delta").load(target).groupBy("rest").agg(F.sum("n").alias("total")).orderBy("rest").toArrow()
facts = {
    "totals": sums.column("total").to_pylist(),
    "strata_from": str(Path(strata.__file__)),
    "master": spark.conf.get("spark.master"),
    "zone": spark.conf.get("spark.sql.session.timeZone"),
    "columns": len(struct_type(segment_overview)),
}
Path(target + ".json").write_text(json.dumps(facts))
spark.stop()
