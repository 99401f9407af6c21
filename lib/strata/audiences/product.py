"""Rows times a matrix, in the JVM and as doubles: all weighted sums of all models at once."""

import numpy as np
from pyspark.ml.classification import MultilayerPerceptronClassifier
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.linalg import Vectors
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from strata.audiences.ranking import Numbers

_INPUTS, _OUTPUTS, _LABEL = "~inputs", "~outputs", "~label"


def with_products(rows: DataFrame, inputs: Column, weights: Numbers, name: str) -> DataFrame:
    """Each row's weighted sums of its inputs.

    MLlib's only public way to a matrix product: the layer of a perceptron that is given its weights and learns nothing
    (no step is taken). BLAS does in a tenth of the time what sums written out as expressions do: 50 times 64 terms are
    code that the JVM is slow to compile, and slow to run (`tests/bench/results-lookalikes.md`).

    Args:
        rows: any.
        inputs: an array of doubles, never NULL, nor any in it.
        weights: inputs × sums.
        name: of the column to add.

    Returns:
        `rows` with an array of doubles: at least as many as there are sums, in their order.
    """
    # A layer of one sum only is refused.
    padded = np.column_stack([weights, np.zeros(len(weights))]) if weights.shape[1] < 2 else weights
    layer = MultilayerPerceptronClassifier(
        layers=list(padded.shape), initialWeights=Vectors.dense([*padded.ravel(), *np.zeros(padded.shape[1])]),
        solver="gd", maxIter=0, featuresCol=_INPUTS, labelCol=_LABEL, rawPredictionCol=_OUTPUTS,
        probabilityCol="", predictionCol="",
    )  # fmt: skip
    nothing = F.array_repeat(F.lit(0.0), len(weights))
    example = rows.sparkSession.range(1, numPartitions=1).select(
        array_to_vector(nothing).alias(_INPUTS), F.lit(0.0).alias(_LABEL)
    )
    product: DataFrame = layer.fit(example).transform(rows.withColumn(_INPUTS, array_to_vector(inputs)))
    return product.withColumn(name, vector_to_array(F.col(_OUTPUTS))).drop(_INPUTS, _OUTPUTS)
