"""A folder of YAML read strictly into frozen models, and held against itself; see `load.load_project`."""
