"""The steps of a pass, one file each; `forecaster.pipeline.order` puts them in order."""
