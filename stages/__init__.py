"""The stages of the pipeline, one file each, as in dvc.yaml."""
