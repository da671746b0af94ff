"""Tests of the forecaster package."""
