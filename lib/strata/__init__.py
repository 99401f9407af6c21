"""strata: segmentation as code on the lakehouse."""

__version__ = "0.1.0"
